-- name: AccessGroupInsert :one
INSERT INTO access_group_table (access_group_id, access_group_name, description, access_model_names, access_mcp_server_ids, access_agent_ids, created_by, updated_by)
VALUES (@access_group_id, @access_group_name, @description, @access_model_names, @access_mcp_server_ids, @access_agent_ids, @created_by, @created_by) RETURNING *;

-- name: AccessGroupUpdate :one
UPDATE access_group_table SET access_group_name = @access_group_name, description = @description, access_model_names = @access_model_names,
    access_mcp_server_ids = @access_mcp_server_ids, access_agent_ids = @access_agent_ids, updated_by = @updated_by, updated_at = now()
WHERE access_group_id = @access_group_id RETURNING *;

-- name: AccessGroupByID :one
SELECT * FROM access_group_table WHERE access_group_id = @access_group_id;

-- name: AccessGroupForUpdate :one
SELECT * FROM access_group_table WHERE access_group_id = @access_group_id FOR UPDATE;

-- name: AccessGroupDelete :execrows
DELETE FROM access_group_table WHERE access_group_id = @access_group_id;

-- name: AccessGroupList :many
SELECT * FROM access_group_table ORDER BY created_at DESC, access_group_id LIMIT 10000;

-- name: AccessGroupModels :many
SELECT access_model_names FROM access_group_table WHERE access_group_id = ANY(@ids::text[]);

-- name: AccessGroupIDs :many
SELECT access_group_id FROM access_group_table ORDER BY access_group_id;

-- name: AccessGroupTeams :many
SELECT g.id::text AS group_id, t.team_id FROM unnest(@ids::text[]) AS g(id) JOIN team_table t ON t.access_group_ids @> ARRAY[g.id] ORDER BY 1, 2;

-- name: AccessGroupKeys :many
SELECT g.id::text AS group_id, k.token FROM unnest(@ids::text[]) AS g(id) JOIN verification_token k ON k.access_group_ids @> ARRAY[g.id] ORDER BY 1, 2;

-- name: AccessGroupTeamsKnown :many
SELECT team_id FROM team_table WHERE team_id = ANY(@ids::text[]);

-- name: AccessGroupKeysKnown :many
SELECT token FROM verification_token WHERE token = ANY(@tokens::text[]);

-- name: AccessGroupJoinTeams :many
UPDATE team_table SET access_group_ids = array_append(access_group_ids, @id::text), updated_at = now()
WHERE team_id = ANY(@ids::text[]) AND NOT access_group_ids @> ARRAY[@id::text] RETURNING team_id, access_group_ids;

-- name: AccessGroupLeaveTeams :many
UPDATE team_table SET access_group_ids = array_remove(access_group_ids, @id::text), updated_at = now()
WHERE access_group_ids @> ARRAY[@id::text] AND NOT team_id = ANY(@keep::text[]) RETURNING team_id, access_group_ids;

-- name: AccessGroupJoinKeys :many
UPDATE verification_token SET access_group_ids = array_append(access_group_ids, @id::text), updated_at = now()
WHERE token = ANY(@tokens::text[]) AND NOT access_group_ids @> ARRAY[@id::text] RETURNING token, access_group_ids;

-- name: AccessGroupLeaveKeys :many
UPDATE verification_token SET access_group_ids = array_remove(access_group_ids, @id::text), updated_at = now()
WHERE access_group_ids @> ARRAY[@id::text] AND NOT token = ANY(@keep::text[]) RETURNING token, access_group_ids;

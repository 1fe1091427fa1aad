-- name: KeysArchive :exec
INSERT INTO deleted_verification_token
SELECT gen_random_uuid(), now(), sqlc.narg(deleted_by)::text, sqlc.narg(deleted_by_api_key)::text, sqlc.narg(litellm_changed_by)::text, v.*
FROM verification_token v WHERE v.token = ANY(@tokens::text[]);

-- name: TeamsArchive :exec
INSERT INTO deleted_team_table
SELECT gen_random_uuid(), now(), sqlc.narg(deleted_by)::text, sqlc.narg(deleted_by_api_key)::text, sqlc.narg(litellm_changed_by)::text, t.*
FROM team_table t WHERE t.team_id = ANY(@ids::text[]);

-- name: DeletedKeyList :many
SELECT * FROM deleted_verification_token
WHERE (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id))
  AND (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id))
  AND (sqlc.narg(key_alias)::text IS NULL OR key_alias = sqlc.narg(key_alias))
  AND (sqlc.narg(token)::text IS NULL OR token = sqlc.narg(token))
ORDER BY
    CASE WHEN @sort::text = 'spend asc' THEN spend_nano END ASC, CASE WHEN @sort = 'spend desc' THEN spend_nano END DESC,
    CASE WHEN @sort = 'max_budget asc' THEN max_budget_nano END ASC, CASE WHEN @sort = 'max_budget desc' THEN max_budget_nano END DESC,
    CASE WHEN @sort = 'updated_at asc' THEN updated_at END ASC, CASE WHEN @sort = 'updated_at desc' THEN updated_at END DESC,
    CASE WHEN @sort = 'key_alias asc' THEN key_alias END ASC, CASE WHEN @sort = 'key_alias desc' THEN key_alias END DESC,
    CASE WHEN @sort = 'token asc' THEN token END ASC, CASE WHEN @sort = 'token desc' THEN token END DESC,
    CASE WHEN @sort = 'created_at asc' THEN created_at END ASC, CASE WHEN @sort = 'created_at desc' THEN created_at END DESC,
    deleted_at DESC, id
LIMIT @page_size OFFSET @skip;

-- name: DeletedKeyCount :one
SELECT count(*) FROM deleted_verification_token
WHERE (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id))
  AND (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id))
  AND (sqlc.narg(key_alias)::text IS NULL OR key_alias = sqlc.narg(key_alias))
  AND (sqlc.narg(token)::text IS NULL OR token = sqlc.narg(token));

-- name: KeysArchive :exec
INSERT INTO deleted_verification_token
SELECT gen_random_uuid(), now(), sqlc.narg(deleted_by)::text, sqlc.narg(deleted_by_api_key)::text, sqlc.narg(litellm_changed_by)::text, v.*
FROM verification_token v WHERE v.token = ANY(@tokens::text[]);

-- name: TeamsArchive :exec
INSERT INTO deleted_team_table
SELECT gen_random_uuid(), now(), sqlc.narg(deleted_by)::text, sqlc.narg(deleted_by_api_key)::text, sqlc.narg(litellm_changed_by)::text, t.*
FROM team_table t WHERE t.team_id = ANY(@ids::text[]);

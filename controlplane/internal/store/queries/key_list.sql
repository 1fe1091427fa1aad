-- Lists of keys. Their filters and their sort may be absent: they are asked for
-- by Store.Reader, whose plans know the values of parameters. What is null then
-- leaves the plan, every sort but the one, and an index is left that has it. Whose
-- keys a user sees: theirs, those that they made in the teams in which they are,
-- those of teams that they lead, and of other teams those that are nobody's.

-- name: KeyTokens :many
-- Page by page, from either end.
SELECT token FROM verification_token
WHERE team_id IS DISTINCT FROM 'litellm-dashboard'
  AND (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id))
  AND (sqlc.narg(key_alias)::text IS NULL OR key_alias = sqlc.narg(key_alias))
  AND (sqlc.narg(token)::text IS NULL OR token = sqlc.narg(token))
  AND (sqlc.narg(project_id)::text IS NULL OR project_id = sqlc.narg(project_id))
  AND (sqlc.narg(access_group_id)::text IS NULL OR access_group_ids @> ARRAY[sqlc.narg(access_group_id)::text])
  AND (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id)
    OR created_by = sqlc.narg(created_by)::text AND (team_id IS NULL OR team_id = ANY(sqlc.narg(teams)::text[]))
    OR team_id = ANY(sqlc.narg(led_teams)::text[])
    OR user_id IS NULL AND team_id = ANY(sqlc.narg(joined_teams)::text[]))
ORDER BY
    CASE WHEN @sort::text = 'spend asc' THEN spend_nano END ASC, CASE WHEN @sort = 'spend desc' THEN spend_nano END DESC,
    CASE WHEN @sort = 'max_budget asc' THEN max_budget_nano END ASC, CASE WHEN @sort = 'max_budget desc' THEN max_budget_nano END DESC,
    CASE WHEN @sort = 'created_at asc' THEN created_at END ASC, CASE WHEN @sort = 'created_at desc' THEN created_at END DESC,
    CASE WHEN @sort = 'updated_at asc' THEN updated_at END ASC, CASE WHEN @sort = 'updated_at desc' THEN updated_at END DESC,
    CASE WHEN @sort = 'key_alias asc' THEN key_alias END ASC, CASE WHEN @sort = 'key_alias desc' THEN key_alias END DESC,
    CASE WHEN @descending::boolean THEN token END DESC, CASE WHEN NOT @descending THEN token END ASC
LIMIT @page_size OFFSET @skip;

-- name: KeyCount :one
SELECT count(*) FROM verification_token
WHERE team_id IS DISTINCT FROM 'litellm-dashboard'
  AND (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id))
  AND (sqlc.narg(key_alias)::text IS NULL OR key_alias = sqlc.narg(key_alias))
  AND (sqlc.narg(token)::text IS NULL OR token = sqlc.narg(token))
  AND (sqlc.narg(project_id)::text IS NULL OR project_id = sqlc.narg(project_id))
  AND (sqlc.narg(access_group_id)::text IS NULL OR access_group_ids @> ARRAY[sqlc.narg(access_group_id)::text])
  AND (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id)
    OR created_by = sqlc.narg(created_by)::text AND (team_id IS NULL OR team_id = ANY(sqlc.narg(teams)::text[]))
    OR team_id = ANY(sqlc.narg(led_teams)::text[])
    OR user_id IS NULL AND team_id = ANY(sqlc.narg(joined_teams)::text[]));

-- name: DeletedKeyList :many
SELECT * FROM deleted_verification_token
WHERE team_id IS DISTINCT FROM 'litellm-dashboard'
  AND (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id))
  AND (sqlc.narg(key_alias)::text IS NULL OR key_alias = sqlc.narg(key_alias))
  AND (sqlc.narg(token)::text IS NULL OR token = sqlc.narg(token))
  AND (sqlc.narg(project_id)::text IS NULL OR project_id = sqlc.narg(project_id))
  AND (sqlc.narg(access_group_id)::text IS NULL OR access_group_ids @> ARRAY[sqlc.narg(access_group_id)::text])
  AND (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id)
    OR created_by = sqlc.narg(created_by)::text AND (team_id IS NULL OR team_id = ANY(sqlc.narg(teams)::text[]))
    OR team_id = ANY(sqlc.narg(led_teams)::text[])
    OR user_id IS NULL AND team_id = ANY(sqlc.narg(joined_teams)::text[]))
ORDER BY
    CASE WHEN @sort::text = 'spend asc' THEN spend_nano END ASC, CASE WHEN @sort = 'spend desc' THEN spend_nano END DESC,
    CASE WHEN @sort = 'max_budget asc' THEN max_budget_nano END ASC, CASE WHEN @sort = 'max_budget desc' THEN max_budget_nano END DESC,
    CASE WHEN @sort = 'created_at asc' THEN created_at END ASC, CASE WHEN @sort = 'created_at desc' THEN created_at END DESC,
    CASE WHEN @sort = 'updated_at asc' THEN updated_at END ASC, CASE WHEN @sort = 'updated_at desc' THEN updated_at END DESC,
    CASE WHEN @sort = 'key_alias asc' THEN key_alias END ASC, CASE WHEN @sort = 'key_alias desc' THEN key_alias END DESC,
    CASE WHEN @sort = 'token asc' THEN token END ASC, CASE WHEN @sort = 'token desc' THEN token END DESC,
    deleted_at DESC, id
LIMIT @page_size OFFSET @skip;

-- name: DeletedKeyCount :one
SELECT count(*) FROM deleted_verification_token
WHERE team_id IS DISTINCT FROM 'litellm-dashboard'
  AND (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id))
  AND (sqlc.narg(key_alias)::text IS NULL OR key_alias = sqlc.narg(key_alias))
  AND (sqlc.narg(token)::text IS NULL OR token = sqlc.narg(token))
  AND (sqlc.narg(project_id)::text IS NULL OR project_id = sqlc.narg(project_id))
  AND (sqlc.narg(access_group_id)::text IS NULL OR access_group_ids @> ARRAY[sqlc.narg(access_group_id)::text])
  AND (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id)
    OR created_by = sqlc.narg(created_by)::text AND (team_id IS NULL OR team_id = ANY(sqlc.narg(teams)::text[]))
    OR team_id = ANY(sqlc.narg(led_teams)::text[])
    OR user_id IS NULL AND team_id = ANY(sqlc.narg(joined_teams)::text[]));

-- name: KeyAliases :many
SELECT key_alias::text AS key_alias FROM verification_token
WHERE key_alias IS NOT NULL AND team_id IS DISTINCT FROM 'litellm-dashboard'
  AND (sqlc.narg(search)::text IS NULL OR key_alias ILIKE sqlc.narg(search))
  AND (sqlc.narg(token)::text IS NULL OR token = sqlc.narg(token))
  AND (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id) OR team_id = ANY(sqlc.narg(teams)::text[]))
ORDER BY key_alias LIMIT @page_size OFFSET @skip;

-- name: KeyAliasCount :one
SELECT count(*) FROM verification_token
WHERE key_alias IS NOT NULL AND team_id IS DISTINCT FROM 'litellm-dashboard'
  AND (sqlc.narg(search)::text IS NULL OR key_alias ILIKE sqlc.narg(search))
  AND (sqlc.narg(token)::text IS NULL OR token = sqlc.narg(token))
  AND (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id) OR team_id = ANY(sqlc.narg(teams)::text[]));

-- name: KeyOwners :many
SELECT * FROM user_table WHERE user_id = ANY(@ids::text[]);

-- name: KeyTeamsOf :many
-- The teams that a user is in, by either side's record of it.
SELECT * FROM team_table WHERE team_id IN (
    SELECT m.team_id FROM team_membership m WHERE m.user_id = @user_id::text
    UNION SELECT unnest(u.teams) FROM user_table u WHERE u.user_id = @user_id)
ORDER BY team_id;

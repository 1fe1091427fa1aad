-- name: UserList :many
-- like_id is a part of an id, ids are whole ones. Users of organisations are
-- those in any of orgs.
SELECT * FROM user_table u
WHERE (sqlc.narg(role)::text IS NULL OR u.user_role = sqlc.narg(role))
  AND (sqlc.narg(like_id)::text IS NULL OR strpos(u.user_id, sqlc.narg(like_id)) > 0)
  AND (sqlc.narg(ids)::text[] IS NULL OR u.user_id = ANY(sqlc.narg(ids)::text[]))
  AND (sqlc.narg(sso_ids)::text[] IS NULL OR u.sso_user_id = ANY(sqlc.narg(sso_ids)::text[]))
  AND (sqlc.narg(email)::text IS NULL OR strpos(lower(u.user_email), lower(sqlc.narg(email))) > 0)
  AND (sqlc.narg(team)::text IS NULL OR u.teams @> ARRAY[sqlc.narg(team)::text])
  AND (sqlc.narg(orgs)::text[] IS NULL OR u.user_id IN (
      SELECT m.user_id FROM organization_membership m WHERE m.organization_id = ANY(sqlc.narg(orgs)::text[])))
ORDER BY
    CASE WHEN @sort::text = 'user_id asc' THEN u.user_id END ASC, CASE WHEN @sort = 'user_id desc' THEN u.user_id END DESC,
    CASE WHEN @sort = 'user_email asc' THEN u.user_email END ASC, CASE WHEN @sort = 'user_email desc' THEN u.user_email END DESC,
    CASE WHEN @sort = 'user_alias asc' THEN u.user_alias END ASC, CASE WHEN @sort = 'user_alias desc' THEN u.user_alias END DESC,
    CASE WHEN @sort = 'user_role asc' THEN u.user_role END ASC, CASE WHEN @sort = 'user_role desc' THEN u.user_role END DESC,
    CASE WHEN @sort = 'spend asc' THEN u.spend_nano END ASC, CASE WHEN @sort = 'spend desc' THEN u.spend_nano END DESC,
    CASE WHEN @sort = 'created_at asc' THEN u.created_at END ASC,
    u.created_at DESC, u.user_id
LIMIT @page_size OFFSET @skip;

-- name: UserCount :one
SELECT count(*) FROM user_table u
WHERE (sqlc.narg(role)::text IS NULL OR u.user_role = sqlc.narg(role))
  AND (sqlc.narg(like_id)::text IS NULL OR strpos(u.user_id, sqlc.narg(like_id)) > 0)
  AND (sqlc.narg(ids)::text[] IS NULL OR u.user_id = ANY(sqlc.narg(ids)::text[]))
  AND (sqlc.narg(sso_ids)::text[] IS NULL OR u.sso_user_id = ANY(sqlc.narg(sso_ids)::text[]))
  AND (sqlc.narg(email)::text IS NULL OR strpos(lower(u.user_email), lower(sqlc.narg(email))) > 0)
  AND (sqlc.narg(team)::text IS NULL OR u.teams @> ARRAY[sqlc.narg(team)::text])
  AND (sqlc.narg(orgs)::text[] IS NULL OR u.user_id IN (
      SELECT m.user_id FROM organization_membership m WHERE m.organization_id = ANY(sqlc.narg(orgs)::text[])));

-- name: UserSearch :many
-- Users by parts of their id and address: all of them, or the caller and those
-- who are in an organisation of orgs or a team of the caller's.
SELECT u.user_id, u.user_email FROM user_table u
WHERE (sqlc.narg(like_id)::text IS NULL OR strpos(u.user_id, sqlc.narg(like_id)) > 0)
  AND (sqlc.narg(email)::text IS NULL OR strpos(lower(u.user_email), lower(sqlc.narg(email))) > 0)
  AND (sqlc.narg(team)::text IS NULL OR u.teams @> ARRAY[sqlc.narg(team)::text])
  AND (@everybody::boolean OR u.user_id = @caller::text
    OR u.user_id IN (SELECT m.user_id FROM organization_membership m WHERE m.organization_id = ANY(@orgs::text[]))
    OR u.user_id IN (SELECT other.user_id FROM team_membership own JOIN team_membership other ON other.team_id = own.team_id WHERE own.user_id = @caller::text))
ORDER BY u.created_at DESC, u.user_id LIMIT @page_size OFFSET @skip;

-- name: UserTotals :one
SELECT (SELECT count(*) FROM user_table) AS users, (SELECT count(*) FROM team_table) AS teams;

-- name: UserKeyCounts :many
SELECT user_id::text AS user_id, count(*) AS keys FROM verification_token
WHERE user_id = ANY(@ids::text[]) AND team_id IS DISTINCT FROM @sessions::text GROUP BY user_id;

-- name: UserKeys :many
-- The keys of a user, or of everybody, but for those of sessions.
SELECT sqlc.embed(k), t.team_alias FROM verification_token k LEFT JOIN team_table t ON t.team_id = k.team_id
WHERE (sqlc.narg(user_id)::text IS NULL OR k.user_id = sqlc.narg(user_id)) AND k.team_id IS DISTINCT FROM @sessions::text
ORDER BY k.created_at DESC, k.token DESC LIMIT 1000;

-- name: UserTeams :many
SELECT * FROM team_table WHERE team_id = ANY(@ids::text[]) ORDER BY team_alias, team_id;

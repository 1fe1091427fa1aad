-- Lists of teams. Their filters may be absent: they are asked for by
-- Store.Reader, whose plans know the values of parameters. Whoever may not see
-- every team gives those that they may see (teams), and the organisations all of
-- whose teams they may see (orgs).

-- name: TeamPage :many
SELECT * FROM team_table
WHERE team_id <> 'litellm-dashboard'
  AND (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id))
  AND (NOT @no_organization::boolean OR organization_id IS NULL)
  AND (sqlc.narg(team_alias)::text IS NULL OR strpos(lower(team_alias), lower(sqlc.narg(team_alias))) > 0)
  AND (sqlc.narg(search)::text IS NULL OR strpos(lower(team_alias), lower(sqlc.narg(search))) > 0 OR strpos(lower(team_id), lower(sqlc.narg(search))) > 0)
  AND (@everything::boolean OR team_id = ANY(@teams::text[]) OR organization_id = ANY(@orgs::text[]))
ORDER BY
    CASE WHEN @sort::text = 'team_alias asc' THEN team_alias END ASC, CASE WHEN @sort = 'team_alias desc' THEN team_alias END DESC,
    CASE WHEN @sort = 'created_at asc' THEN created_at END ASC, CASE WHEN @sort = 'created_at desc' THEN created_at END DESC,
    CASE WHEN @sort = 'team_id desc' THEN team_id END DESC, team_id
LIMIT @page_size OFFSET @skip;

-- name: TeamCount :one
SELECT count(*) FROM team_table
WHERE team_id <> 'litellm-dashboard'
  AND (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id))
  AND (NOT @no_organization::boolean OR organization_id IS NULL)
  AND (sqlc.narg(team_alias)::text IS NULL OR strpos(lower(team_alias), lower(sqlc.narg(team_alias))) > 0)
  AND (sqlc.narg(search)::text IS NULL OR strpos(lower(team_alias), lower(sqlc.narg(search))) > 0 OR strpos(lower(team_id), lower(sqlc.narg(search))) > 0)
  AND (@everything::boolean OR team_id = ANY(@teams::text[]) OR organization_id = ANY(@orgs::text[]));

-- name: DeletedTeamPage :many
-- Who was in a team that is gone is what its own list says.
SELECT * FROM deleted_team_table
WHERE (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id))
  AND (NOT @no_organization::boolean OR organization_id IS NULL)
  AND (sqlc.narg(team_alias)::text IS NULL OR strpos(lower(team_alias), lower(sqlc.narg(team_alias))) > 0)
  AND (sqlc.narg(search)::text IS NULL OR strpos(lower(team_alias), lower(sqlc.narg(search))) > 0 OR strpos(lower(team_id), lower(sqlc.narg(search))) > 0)
  AND (@everything::boolean OR organization_id = ANY(@orgs::text[])
    OR members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', @member::text)))
  AND (sqlc.narg(user_id)::text IS NULL OR members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', sqlc.narg(user_id)::text)))
ORDER BY
    CASE WHEN @sort::text = 'team_alias asc' THEN team_alias END ASC, CASE WHEN @sort = 'team_alias desc' THEN team_alias END DESC,
    CASE WHEN @sort = 'created_at asc' THEN created_at END ASC, CASE WHEN @sort = 'created_at desc' THEN created_at END DESC,
    CASE WHEN @sort = 'team_id asc' THEN team_id END ASC, CASE WHEN @sort = 'team_id desc' THEN team_id END DESC, deleted_at DESC, id
LIMIT @page_size OFFSET @skip;

-- name: DeletedTeamCount :one
SELECT count(*) FROM deleted_team_table
WHERE (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id))
  AND (NOT @no_organization::boolean OR organization_id IS NULL)
  AND (sqlc.narg(team_alias)::text IS NULL OR strpos(lower(team_alias), lower(sqlc.narg(team_alias))) > 0)
  AND (sqlc.narg(search)::text IS NULL OR strpos(lower(team_alias), lower(sqlc.narg(search))) > 0 OR strpos(lower(team_id), lower(sqlc.narg(search))) > 0)
  AND (@everything::boolean OR organization_id = ANY(@orgs::text[])
    OR members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', @member::text)))
  AND (sqlc.narg(user_id)::text IS NULL OR members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', sqlc.narg(user_id)::text)));

-- name: TeamsKeyCounts :many
SELECT team_id::text AS team_id, count(*) AS keys FROM verification_token WHERE team_id = ANY(@ids::text[]) GROUP BY team_id;

-- name: TeamsOfUser :many
-- The teams that a user is in, by either side's record of it, which are theirs or
-- of an organisation.
SELECT * FROM team_table WHERE team_id IN (
    SELECT m.team_id FROM team_membership m WHERE m.user_id = @user_id::text
    UNION SELECT unnest(u.teams) FROM user_table u WHERE u.user_id = @user_id)
ORDER BY team_id LIMIT 10000;

-- name: TeamsByIDs :many
SELECT * FROM team_table WHERE team_id = ANY(@ids::text[]) ORDER BY team_alias, team_id;

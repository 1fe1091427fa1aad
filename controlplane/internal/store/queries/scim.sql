-- Users and teams as SCIM asks for them. What SCIM calls a user stands in their
-- metadata; a user whom it has not named has the name of their address, or of
-- their id.

-- name: SCIMUsersNamed :many
-- The users who have a name, found by the indexes; a list takes them from here.
SELECT u.user_id FROM user_table u
WHERE md5(lower(u.metadata->'scim_metadata'->>'userName')) = md5(lower(@user_name::text))
  AND lower(u.metadata->'scim_metadata'->>'userName') = lower(@user_name::text)
UNION SELECT u.user_id FROM user_table u
WHERE lower(u.user_email) = lower(@user_name::text) AND u.metadata->'scim_metadata'->>'userName' IS NULL
UNION SELECT u.user_id FROM user_table u
WHERE u.user_id = @user_name::text AND u.user_email IS NULL AND u.metadata->'scim_metadata'->>'userName' IS NULL;

-- name: SCIMUsers :many
SELECT * FROM user_table u
WHERE (sqlc.narg(id)::text IS NULL OR u.user_id = sqlc.narg(id))
  AND (sqlc.narg(ids)::text[] IS NULL OR u.user_id = ANY(sqlc.narg(ids)::text[]))
  AND (sqlc.narg(email)::text IS NULL OR lower(u.user_email) = lower(sqlc.narg(email)))
  AND (sqlc.narg(external_id)::text IS NULL OR u.metadata->'scim_metadata'->>'externalId' = sqlc.narg(external_id))
  AND (sqlc.narg(active)::boolean IS NULL OR (COALESCE(u.metadata->'scim_active', 'true') <> 'false') = sqlc.narg(active))
  AND (COALESCE(cardinality(@groups::text[]), 0) = 0 OR u.teams @> @groups::text[])
  AND (COALESCE(cardinality(@id_like::text[]), 0) = 0 OR lower(u.user_id) LIKE ALL (@id_like::text[]))
  AND (COALESCE(cardinality(@user_name_like::text[]), 0) = 0
    OR lower(COALESCE(u.metadata->'scim_metadata'->>'userName', u.user_email, u.user_id)) LIKE ALL (@user_name_like::text[]))
  AND (COALESCE(cardinality(@email_like::text[]), 0) = 0 OR lower(u.user_email) LIKE ALL (@email_like::text[]))
  AND (COALESCE(cardinality(@external_id_like::text[]), 0) = 0 OR lower(u.metadata->'scim_metadata'->>'externalId') LIKE ALL (@external_id_like::text[]))
  AND (COALESCE(cardinality(@display_like::text[]), 0) = 0
    OR lower(COALESCE(u.user_alias, u.metadata->'scim_metadata'->>'userName', u.user_email, u.user_id)) LIKE ALL (@display_like::text[]))
  AND (COALESCE(cardinality(@given_like::text[]), 0) = 0 OR lower(u.metadata->'scim_metadata'->>'givenName') LIKE ALL (@given_like::text[]))
  AND (COALESCE(cardinality(@family_like::text[]), 0) = 0 OR lower(u.metadata->'scim_metadata'->>'familyName') LIKE ALL (@family_like::text[]))
ORDER BY u.user_id LIMIT @page_size OFFSET @skip;

-- name: SCIMUserCount :one
SELECT count(*) FROM user_table u
WHERE (sqlc.narg(id)::text IS NULL OR u.user_id = sqlc.narg(id))
  AND (sqlc.narg(ids)::text[] IS NULL OR u.user_id = ANY(sqlc.narg(ids)::text[]))
  AND (sqlc.narg(email)::text IS NULL OR lower(u.user_email) = lower(sqlc.narg(email)))
  AND (sqlc.narg(external_id)::text IS NULL OR u.metadata->'scim_metadata'->>'externalId' = sqlc.narg(external_id))
  AND (sqlc.narg(active)::boolean IS NULL OR (COALESCE(u.metadata->'scim_active', 'true') <> 'false') = sqlc.narg(active))
  AND (COALESCE(cardinality(@groups::text[]), 0) = 0 OR u.teams @> @groups::text[])
  AND (COALESCE(cardinality(@id_like::text[]), 0) = 0 OR lower(u.user_id) LIKE ALL (@id_like::text[]))
  AND (COALESCE(cardinality(@user_name_like::text[]), 0) = 0
    OR lower(COALESCE(u.metadata->'scim_metadata'->>'userName', u.user_email, u.user_id)) LIKE ALL (@user_name_like::text[]))
  AND (COALESCE(cardinality(@email_like::text[]), 0) = 0 OR lower(u.user_email) LIKE ALL (@email_like::text[]))
  AND (COALESCE(cardinality(@external_id_like::text[]), 0) = 0 OR lower(u.metadata->'scim_metadata'->>'externalId') LIKE ALL (@external_id_like::text[]))
  AND (COALESCE(cardinality(@display_like::text[]), 0) = 0
    OR lower(COALESCE(u.user_alias, u.metadata->'scim_metadata'->>'userName', u.user_email, u.user_id)) LIKE ALL (@display_like::text[]))
  AND (COALESCE(cardinality(@given_like::text[]), 0) = 0 OR lower(u.metadata->'scim_metadata'->>'givenName') LIKE ALL (@given_like::text[]))
  AND (COALESCE(cardinality(@family_like::text[]), 0) = 0 OR lower(u.metadata->'scim_metadata'->>'familyName') LIKE ALL (@family_like::text[]));

-- name: SCIMUserUpdate :one
UPDATE user_table SET user_email = @user_email, user_alias = @user_alias, metadata = @metadata, updated_at = now()
WHERE user_id = @user_id RETURNING *;

-- name: SCIMTeamNames :many
SELECT team_id, COALESCE(team_alias, '')::text AS team_alias FROM team_table WHERE team_id = ANY(@ids::text[]) ORDER BY team_id;

-- name: SCIMUserNames :many
-- Those of ids that there are, and how they are shown.
SELECT user_id, COALESCE(user_alias, metadata->'scim_metadata'->>'userName', user_email, user_id)::text AS display
FROM user_table WHERE user_id = ANY(@ids::text[]) ORDER BY user_id;

-- name: SCIMUsersByEmail :many
SELECT user_id, lower(user_email)::text AS email FROM user_table WHERE lower(user_email) = ANY(@emails::text[]);

-- name: SCIMGroupsNamed :many
SELECT t.team_id FROM team_table t WHERE lower(t.team_alias) = lower(@display::text)
UNION SELECT t.team_id FROM team_table t WHERE t.team_id = @display::text AND COALESCE(t.team_alias, '') = '';

-- name: SCIMTeamsOfUser :many
-- The teams that a user may be in, of which those are taken that say so.
SELECT unnest(teams)::text AS team_id FROM user_table WHERE user_id = @user_id;

-- name: SCIMGroups :many
SELECT * FROM team_table t
WHERE (sqlc.narg(id)::text IS NULL OR t.team_id = sqlc.narg(id))
  AND (sqlc.narg(ids)::text[] IS NULL OR t.team_id = ANY(sqlc.narg(ids)::text[]))
  AND (sqlc.narg(external_id)::text IS NULL OR t.metadata->'scim_metadata'->>'externalId' = sqlc.narg(external_id))
  AND (COALESCE(cardinality(@members::text[]), 0) = 0 OR NOT EXISTS (
        SELECT 1 FROM unnest(@members::text[]) wanted WHERE NOT t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', wanted))))
  AND (COALESCE(cardinality(@id_like::text[]), 0) = 0 OR lower(t.team_id) LIKE ALL (@id_like::text[]))
  AND (COALESCE(cardinality(@display_like::text[]), 0) = 0 OR lower(COALESCE(NULLIF(t.team_alias, ''), t.team_id)) LIKE ALL (@display_like::text[]))
  AND (COALESCE(cardinality(@external_id_like::text[]), 0) = 0 OR lower(t.metadata->'scim_metadata'->>'externalId') LIKE ALL (@external_id_like::text[]))
ORDER BY t.team_id LIMIT @page_size OFFSET @skip;

-- name: SCIMGroupCount :one
SELECT count(*) FROM team_table t
WHERE (sqlc.narg(id)::text IS NULL OR t.team_id = sqlc.narg(id))
  AND (sqlc.narg(ids)::text[] IS NULL OR t.team_id = ANY(sqlc.narg(ids)::text[]))
  AND (sqlc.narg(external_id)::text IS NULL OR t.metadata->'scim_metadata'->>'externalId' = sqlc.narg(external_id))
  AND (COALESCE(cardinality(@members::text[]), 0) = 0 OR NOT EXISTS (
        SELECT 1 FROM unnest(@members::text[]) wanted WHERE NOT t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', wanted))))
  AND (COALESCE(cardinality(@id_like::text[]), 0) = 0 OR lower(t.team_id) LIKE ALL (@id_like::text[]))
  AND (COALESCE(cardinality(@display_like::text[]), 0) = 0 OR lower(COALESCE(NULLIF(t.team_alias, ''), t.team_id)) LIKE ALL (@display_like::text[]))
  AND (COALESCE(cardinality(@external_id_like::text[]), 0) = 0 OR lower(t.metadata->'scim_metadata'->>'externalId') LIKE ALL (@external_id_like::text[]));

-- name: SCIMGroupUpdate :one
UPDATE team_table SET team_alias = @team_alias, metadata = @metadata, members_with_roles = @members_with_roles, updated_at = now()
WHERE team_id = @team_id RETURNING *;

-- name: SCIMMembersKeysLock :many
-- The keys that members of a team have of it.
SELECT token, user_id::text AS user_id FROM verification_token WHERE team_id = @team_id::text AND user_id = ANY(@user_ids::text[]) ORDER BY token FOR UPDATE;

-- name: SCIMTeamKeysLock :many
SELECT token FROM verification_token WHERE team_id = @team_id::text ORDER BY token FOR UPDATE;

-- name: SCIMJoin :exec
-- Users who are in a team now; what they spend in it counts from here.
WITH joined AS (
    UPDATE user_table SET teams = array_append(teams, @team_id::text), updated_at = now()
    WHERE user_id = ANY(@user_ids::text[]) AND NOT @team_id::text = ANY(teams))
INSERT INTO team_membership (team_id, user_id) SELECT @team_id::text, unnest(@user_ids::text[]) ON CONFLICT DO NOTHING;

-- name: SCIMLeave :exec
WITH gone AS (
    UPDATE user_table u SET teams = array_remove(u.teams, @team_id::text), updated_at = now()
    WHERE u.user_id = ANY(@user_ids::text[]) AND @team_id::text = ANY(u.teams))
DELETE FROM team_membership m WHERE m.team_id = @team_id::text AND m.user_id = ANY(@user_ids::text[]);

-- What a user leaves behind who is deleted.

-- name: UsersOrgs :many
SELECT organization_id, user_id FROM organization_membership WHERE user_id = ANY(@ids::text[]) ORDER BY organization_id, user_id;

-- name: UsersKeysLock :many
SELECT * FROM verification_token WHERE user_id = ANY(@ids::text[]) ORDER BY token FOR UPDATE;

-- name: UsersTeamsLock :many
-- Teams that come from LiteLLM may name a member by address alone.
SELECT * FROM team_table t
WHERE team_id IN (SELECT unnest(u.teams) FROM user_table u WHERE u.user_id = ANY(@ids::text[]))
   OR team_id IN (SELECT m.team_id FROM team_membership m WHERE m.user_id = ANY(@ids::text[]))
   OR EXISTS (SELECT 1 FROM user_table u WHERE u.user_id = ANY(@ids::text[]) AND u.user_email IS NOT NULL
      AND t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_email', u.user_email)))
ORDER BY team_id FOR UPDATE;

-- name: UsersLeaveMemberships :many
DELETE FROM team_membership WHERE user_id = ANY(@ids::text[]) RETURNING team_id, user_id;

-- name: UsersLeaveOrgs :many
DELETE FROM organization_membership WHERE user_id = ANY(@ids::text[]) RETURNING organization_id, user_id;

-- name: CallerByIdentity :one
-- Whom a token of an identity provider names, and what decides about what they
-- may do, as CallerByToken says it of a key.
SELECT (t.team_id IS NOT NULL)::boolean AS team_known, COALESCE(t.blocked, false)::boolean AS team_blocked,
    COALESCE(u.metadata->'scim_active' = 'false', false)::boolean AS user_deactivated,
    (u.user_id IS NOT NULL)::boolean AS user_known, COALESCE(u.user_role, '')::text AS user_role, COALESCE(u.user_email, '')::text AS user_email,
    ARRAY(SELECT m.organization_id FROM organization_membership m WHERE m.user_id = @user_id::text AND m.user_role = 'org_admin')::text[] AS administers,
    ARRAY(SELECT m.organization_id FROM organization_membership m WHERE m.user_id = @user_id::text AND m.user_role IS DISTINCT FROM 'org_admin')::text[] AS joined
FROM (SELECT 1) AS one
LEFT JOIN team_table t ON t.team_id = @team_id::text
LEFT JOIN user_table u ON u.user_id = @user_id::text;

-- name: TeamsKnown :many
SELECT team_id FROM team_table WHERE team_id = ANY(@ids::text[]);

-- name: TeamsByAlias :many
SELECT team_id FROM team_table WHERE team_alias = @alias::text ORDER BY team_id LIMIT 2;

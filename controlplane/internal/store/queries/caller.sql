-- name: CallerByToken :one
-- A key, and what decides about what it may do: its team, its user and the
-- organisations that the user is in.
SELECT sqlc.embed(k), COALESCE(t.blocked, false)::boolean AS team_blocked,
    COALESCE(u.metadata->'scim_active' = 'false', false)::boolean AS user_deactivated,
    (u.user_id IS NOT NULL)::boolean AS user_known, COALESCE(u.user_role, '')::text AS user_role, COALESCE(u.user_email, '')::text AS user_email,
    ARRAY(SELECT m.organization_id FROM organization_membership m WHERE m.user_id = k.user_id AND m.user_role = 'org_admin')::text[] AS administers,
    ARRAY(SELECT m.organization_id FROM organization_membership m WHERE m.user_id = k.user_id AND m.user_role IS DISTINCT FROM 'org_admin')::text[] AS joined
FROM verification_token k
LEFT JOIN team_table t ON t.team_id = k.team_id
LEFT JOIN user_table u ON u.user_id = k.user_id
WHERE k.token = @token;

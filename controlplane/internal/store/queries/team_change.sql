-- Changes of teams beside those of their settings. Keys are locked before teams.

-- name: TeamsKeysLock :many
SELECT token FROM verification_token WHERE team_id = ANY(@ids::text[]) ORDER BY token FOR UPDATE;

-- name: TeamsLock :many
SELECT * FROM team_table WHERE team_id = ANY(@ids::text[]) ORDER BY team_id FOR UPDATE;

-- name: TeamsLockAfter :many
SELECT * FROM team_table WHERE team_id > @after ORDER BY team_id LIMIT @page_size FOR UPDATE;

-- name: TeamSetBlocked :one
UPDATE team_table SET blocked = @blocked, updated_at = now() WHERE team_id = @team_id RETURNING *;

-- name: TeamSetModels :one
UPDATE team_table SET models = @models, updated_at = now() WHERE team_id = @team_id RETURNING *;

-- name: TeamSetPermissions :one
UPDATE team_table SET team_member_permissions = @team_member_permissions, updated_at = now() WHERE team_id = @team_id RETURNING *;

-- name: TeamSetSpend :one
UPDATE team_table SET spend_nano = @spend_nano, budget_reset_at = @budget_reset_at, updated_at = now() WHERE team_id = @team_id RETURNING *;

-- name: TeamSetGroups :one
UPDATE team_table SET access_group_ids = @access_group_ids, updated_at = now() WHERE team_id = @team_id RETURNING *;

-- name: TeamsGuaranteed :many
-- The other teams of an organisation, with which it shares what it guarantees.
SELECT * FROM team_table
WHERE organization_id = @organization_id::text AND team_id <> @team_id
  AND ('guaranteed_throughput' IN (metadata->>'rpm_limit_type', metadata->>'tpm_limit_type'));

-- name: TeamMemberOutside :one
-- One of the users who is not in an organisation, or no row.
SELECT u.id::text AS user_id FROM unnest(@user_ids::text[]) AS u(id)
WHERE NOT EXISTS (SELECT 1 FROM organization_membership m WHERE m.organization_id = @organization_id AND m.user_id = u.id)
ORDER BY u.id LIMIT 1;

-- name: TeamNewcomers :many
-- Users who are not in a team.
SELECT user_id, user_email FROM user_table u
WHERE NOT u.user_id = ANY(@members::text[]) ORDER BY u.user_id LIMIT @page_size;

-- name: TeamsSealed :many
-- Teams that keep something sealed, page by page.
SELECT * FROM team_table WHERE team_id > @after AND metadata ? 'logging' ORDER BY team_id LIMIT @page_size FOR UPDATE;

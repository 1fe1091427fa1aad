-- name: MemberEnsure :one
INSERT INTO team_membership (team_id, user_id, budget_id) VALUES (@team_id, @user_id, @budget_id)
ON CONFLICT (team_id, user_id) DO UPDATE SET budget_id = excluded.budget_id, updated_at = now()
RETURNING *;

-- name: MemberForUpdate :one
SELECT * FROM team_membership WHERE team_id = @team_id AND user_id = @user_id FOR UPDATE;

-- name: MemberByID :one
-- A member, and the budget that its team has for those without one.
SELECT sqlc.embed(m), COALESCE(t.metadata->>'team_member_budget_id', '')::text AS default_budget_id
FROM team_membership m LEFT JOIN team_table t ON t.team_id = m.team_id WHERE m.team_id = @team_id AND m.user_id = @user_id;

-- name: MembersByTeams :many
SELECT * FROM team_membership WHERE team_id = ANY(@ids::text[]) ORDER BY team_id, user_id LIMIT 10000;

-- name: MembersAfter :many
SELECT team_id, user_id FROM team_membership
WHERE (team_id, user_id) > (@after_team, @after_user) ORDER BY team_id, user_id LIMIT @page_size;

-- name: MemberDelete :many
DELETE FROM team_membership WHERE team_id = @team_id AND user_id = @user_id RETURNING *;

-- name: MemberRead :one
SELECT * FROM team_membership WHERE team_id = @team_id AND user_id = @user_id;

-- name: MembersDeleteByTeams :many
DELETE FROM team_membership WHERE team_id = ANY(@ids::text[]) RETURNING *;

-- name: MemberKeysLock :many
SELECT token FROM verification_token WHERE team_id = @team_id::text AND user_id = @user_id::text ORDER BY token FOR UPDATE;

-- name: TeamSetMembers :one
UPDATE team_table SET members_with_roles = @members_with_roles, updated_at = now() WHERE team_id = @team_id RETURNING *;

-- name: TeamSetMetadata :one
UPDATE team_table SET metadata = @metadata, updated_at = now() WHERE team_id = @team_id RETURNING *;

-- name: UsersLeaveTeams :exec
UPDATE user_table u SET teams = ARRAY(SELECT t FROM unnest(u.teams) t WHERE NOT t = ANY(@team_ids::text[])), updated_at = now()
WHERE u.user_id = ANY(@user_ids::text[]) AND u.teams && @team_ids::text[];

-- name: TeamUpdate :one
UPDATE team_table SET
    team_alias = @team_alias, organization_id = @organization_id, metadata = @metadata, models = @models, model_aliases = @model_aliases,
    blocked = @blocked, max_budget_nano = @max_budget_nano, budget_duration = @budget_duration, budget_reset_at = @budget_reset_at,
    max_parallel_requests = @max_parallel_requests, tpm_limit = @tpm_limit, rpm_limit = @rpm_limit, tph_limit = @tph_limit,
    rph_limit = @rph_limit, tpd_limit = @tpd_limit, rpd_limit = @rpd_limit, soft_budget_nano = @soft_budget_nano,
    budget_limits = @budget_limits, model_max_budget = @model_max_budget, updated_at = now()
WHERE team_id = @team_id RETURNING *;

-- name: TeamInsert :one
INSERT INTO team_table (
    team_id, team_alias, organization_id, members_with_roles, team_member_permissions, metadata, models, model_aliases, blocked,
    max_budget_nano, budget_duration, budget_reset_at, max_parallel_requests, tpm_limit, rpm_limit, tph_limit, rph_limit,
    tpd_limit, rpd_limit, soft_budget_nano, budget_limits, model_max_budget
) VALUES (
    @team_id, @team_alias, @organization_id, @members_with_roles, @team_member_permissions, @metadata, @models, @model_aliases, @blocked,
    @max_budget_nano, @budget_duration, @budget_reset_at, @max_parallel_requests, @tpm_limit, @rpm_limit, @tph_limit, @rph_limit,
    @tpd_limit, @rpd_limit, @soft_budget_nano, @budget_limits, @model_max_budget
) RETURNING *;

-- name: TeamByID :one
SELECT * FROM team_table WHERE team_id = @team_id;

-- name: TeamForUpdate :one
SELECT * FROM team_table WHERE team_id = @team_id FOR UPDATE;

-- name: TeamList :many
SELECT * FROM team_table
WHERE (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id)
    OR sqlc.narg(organization_id) = 'default_organization' AND organization_id IS NULL)
  AND (sqlc.narg(user_id)::text IS NULL OR members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', sqlc.narg(user_id)::text)))
ORDER BY team_alias, team_id LIMIT 10000;

-- name: TeamsAfter :many
SELECT * FROM team_table WHERE team_id > @after ORDER BY team_id LIMIT @page_size;

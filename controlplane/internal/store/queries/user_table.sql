-- name: UserInsert :one
INSERT INTO user_table (
    user_id, user_alias, user_email, user_role, teams, metadata, models, max_budget_nano, budget_duration, budget_reset_at,
    max_parallel_requests, tpm_limit, rpm_limit, tph_limit, rph_limit, tpd_limit, rpd_limit, soft_budget_nano, budget_limits, model_max_budget
) VALUES (
    @user_id, @user_alias, @user_email, @user_role, @teams, @metadata, @models, @max_budget_nano, @budget_duration, @budget_reset_at,
    @max_parallel_requests, @tpm_limit, @rpm_limit, @tph_limit, @rph_limit, @tpd_limit, @rpd_limit, @soft_budget_nano, @budget_limits, @model_max_budget
) RETURNING *;

-- name: UserEnsure :execrows
INSERT INTO user_table (user_id, user_role) VALUES (@user_id, @user_role) ON CONFLICT DO NOTHING;

-- name: UserAddTeam :execrows
UPDATE user_table SET teams = array_append(teams, @team_id::text), updated_at = now()
WHERE user_id = @user_id AND NOT @team_id::text = ANY(teams);

-- name: UserByID :one
SELECT * FROM user_table WHERE user_id = @user_id;

-- name: UsersAfter :many
SELECT * FROM user_table WHERE user_id > @after ORDER BY user_id LIMIT @page_size;

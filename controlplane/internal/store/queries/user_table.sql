-- name: UserInsert :one
INSERT INTO user_table (
    user_id, user_alias, user_email, user_role, teams, metadata, models, max_budget_nano, budget_duration, budget_reset_at,
    max_parallel_requests, tpm_limit, rpm_limit, tph_limit, rph_limit, tpd_limit, rpd_limit, soft_budget_nano, budget_limits, model_max_budget,
    sso_user_id, password
) VALUES (
    @user_id, @user_alias, @user_email, @user_role, @teams, @metadata, @models, @max_budget_nano, @budget_duration, @budget_reset_at,
    @max_parallel_requests, @tpm_limit, @rpm_limit, @tph_limit, @rph_limit, @tpd_limit, @rpd_limit, @soft_budget_nano, @budget_limits, @model_max_budget,
    @sso_user_id, @password
) RETURNING *;

-- name: UserEnsure :execrows
INSERT INTO user_table (user_id, user_role) VALUES (@user_id, @user_role) ON CONFLICT DO NOTHING;

-- name: UserAddTeam :execrows
UPDATE user_table SET teams = array_append(teams, @team_id::text), updated_at = now()
WHERE user_id = @user_id AND NOT @team_id::text = ANY(teams);

-- name: UserByID :one
SELECT * FROM user_table WHERE user_id = @user_id;

-- name: UserBySSOID :one
SELECT * FROM user_table WHERE sso_user_id = @sso_user_id::text;

-- name: UserForUpdate :one
SELECT * FROM user_table WHERE user_id = @user_id FOR UPDATE;

-- name: UsersLock :many
SELECT * FROM user_table WHERE user_id = ANY(@ids::text[]) ORDER BY user_id FOR UPDATE;

-- name: UserUpdate :one
UPDATE user_table SET
    user_alias = @user_alias, user_email = @user_email, user_role = @user_role, metadata = @metadata, models = @models,
    spend_nano = COALESCE(sqlc.narg(set_spend_nano)::bigint, spend_nano), max_budget_nano = @max_budget_nano,
    budget_duration = @budget_duration, budget_reset_at = @budget_reset_at, max_parallel_requests = @max_parallel_requests,
    tpm_limit = @tpm_limit, rpm_limit = @rpm_limit, tph_limit = @tph_limit, rph_limit = @rph_limit, tpd_limit = @tpd_limit,
    rpd_limit = @rpd_limit, soft_budget_nano = @soft_budget_nano, budget_limits = @budget_limits, model_max_budget = @model_max_budget,
    sso_user_id = @sso_user_id, password = @password, updated_at = now()
WHERE user_id = @user_id RETURNING *;

-- name: UserSetPassword :exec
UPDATE user_table SET password = @password, updated_at = now() WHERE user_id = @user_id;

-- name: UsersDelete :exec
DELETE FROM user_table WHERE user_id = ANY(@ids::text[]);

-- name: UsersAfter :many
SELECT * FROM user_table WHERE user_id > @after ORDER BY user_id LIMIT @page_size;

-- name: UserIDsAfter :many
SELECT user_id FROM user_table WHERE user_id > @after ORDER BY user_id LIMIT @page_size;

-- name: UserSetRole :exec
UPDATE user_table SET user_role = @user_role, updated_at = now() WHERE user_id = @user_id;

-- name: KeyInsert :one
INSERT INTO verification_token (
    token, key_name, key_alias, user_id, team_id, organization_id, models, aliases, config, permissions, metadata,
    model_max_budget, allowed_routes, allowed_cache_controls, blocked, expires, spend_nano, max_budget_nano,
    budget_duration, budget_reset_at, max_parallel_requests, tpm_limit, rpm_limit, tph_limit, rph_limit, tpd_limit, rpd_limit,
    soft_budget_nano, budget_limits, budget_id, agent_id, project_id, object_permission_id, access_group_ids, router_settings,
    auto_rotate, rotation_interval, key_rotation_at, created_by, updated_by
) VALUES (
    @token, @key_name, @key_alias, @user_id, @team_id, @organization_id, @models, @aliases, @config, @permissions, @metadata,
    @model_max_budget, @allowed_routes, @allowed_cache_controls, @blocked, @expires, @spend_nano, @max_budget_nano,
    @budget_duration, @budget_reset_at, @max_parallel_requests, @tpm_limit, @rpm_limit, @tph_limit, @rph_limit, @tpd_limit, @rpd_limit,
    @soft_budget_nano, @budget_limits, @budget_id, @agent_id, @project_id, @object_permission_id, COALESCE(sqlc.narg(access_group_ids)::text[], '{}'), @router_settings,
    @auto_rotate, @rotation_interval, @key_rotation_at, @created_by, @created_by
) RETURNING *;

-- name: KeyByToken :one
SELECT * FROM verification_token WHERE token = @token;

-- name: KeysRead :many
SELECT * FROM verification_token WHERE token = ANY(@tokens::text[]);

-- name: KeyForUpdate :one
SELECT * FROM verification_token WHERE token = @token FOR UPDATE;

-- name: KeysByTokens :many
SELECT * FROM verification_token WHERE token = ANY(@tokens::text[]) ORDER BY token FOR UPDATE;

-- name: KeysByAliases :many
SELECT * FROM verification_token WHERE key_alias = ANY(@aliases::text[]) ORDER BY token FOR UPDATE;

-- name: KeyUpdate :one
UPDATE verification_token SET
    key_alias = @key_alias, user_id = @user_id, team_id = @team_id, organization_id = @organization_id, models = @models,
    aliases = @aliases, config = @config, permissions = @permissions, metadata = @metadata, model_max_budget = @model_max_budget,
    allowed_routes = @allowed_routes, allowed_cache_controls = @allowed_cache_controls, blocked = @blocked, expires = @expires,
    spend_nano = COALESCE(sqlc.narg(set_spend_nano)::bigint, spend_nano), max_budget_nano = @max_budget_nano,
    budget_duration = @budget_duration, budget_reset_at = @budget_reset_at, max_parallel_requests = @max_parallel_requests,
    tpm_limit = @tpm_limit, rpm_limit = @rpm_limit, tph_limit = @tph_limit, rph_limit = @rph_limit, tpd_limit = @tpd_limit,
    rpd_limit = @rpd_limit, soft_budget_nano = @soft_budget_nano, budget_limits = @budget_limits, budget_id = @budget_id,
    agent_id = @agent_id, project_id = @project_id, object_permission_id = @object_permission_id,
    access_group_ids = COALESCE(sqlc.narg(access_group_ids)::text[], '{}'), router_settings = @router_settings,
    auto_rotate = @auto_rotate, rotation_interval = @rotation_interval, key_rotation_at = @key_rotation_at,
    updated_by = @updated_by, updated_at = now()
WHERE token = @token RETURNING *;

-- name: KeySetBlocked :one
UPDATE verification_token SET blocked = @blocked::boolean, updated_by = @updated_by, updated_at = now()
WHERE token = @token RETURNING *;

-- name: KeyReplaceToken :one
UPDATE verification_token SET token = @new_token, key_name = @key_name, rotation_count = rotation_count + 1,
    last_rotation_at = now(), key_rotation_at = @key_rotation_at, updated_by = @updated_by, updated_at = now()
WHERE token = @token RETURNING *;

-- name: KeySetSpend :one
UPDATE verification_token SET spend_nano = @spend_nano, budget_reset_at = @budget_reset_at, updated_by = @updated_by, updated_at = now()
WHERE token = @token RETURNING *;

-- name: KeysDelete :exec
DELETE FROM verification_token WHERE token = ANY(@tokens::text[]);

-- name: KeysByTeam :many
SELECT * FROM verification_token WHERE team_id = @team_id::text ORDER BY created_at DESC, token DESC LIMIT 1000;

-- name: KeysByUser :many
SELECT * FROM verification_token WHERE user_id = @user_id::text ORDER BY created_at DESC, token DESC LIMIT 1000;

-- name: KeysAfter :many
SELECT * FROM verification_token WHERE token > @after ORDER BY token LIMIT @page_size;

-- name: KeysGuaranteed :many
SELECT * FROM verification_token
WHERE team_id = @team_id::text AND token <> @token::text
  AND (metadata->>'rpm_limit_type' = 'guaranteed_throughput' OR metadata->>'tpm_limit_type' = 'guaranteed_throughput');

-- name: SpendHorizon :one
-- The lock keeps what is not there from having been dropped a moment ago.
SELECT kept_from FROM spend_logs_horizon WHERE id = 1 FOR SHARE;

-- name: SpendPartition :exec
SELECT spend_logs_partition(@day::date);

-- name: SpendDrop :one
SELECT spend_logs_drop(@until::date);

-- name: SpendInsert :many
INSERT INTO spend_logs (
    request_id, call_type, api_key, user_id, team_id, organization_id, end_user, model_group, model, model_id, custom_llm_provider,
    api_base, status, http_status, error_type, stream, usage_estimated, prompt_tokens, completion_tokens, cached_tokens,
    reasoning_tokens, spend_nano, start_time, end_time, completion_start_time, requester_ip_address, replica,
    cache_hit, cache_write_tokens, retries, fallbacks, request_tags, session_id, agent_id
)
SELECT
    unnest(@request_id::text[]), unnest(@call_type::text[]), unnest(@api_key::text[]), NULLIF(unnest(@user_id::text[]), ''),
    NULLIF(unnest(@team_id::text[]), ''), NULLIF(unnest(@organization_id::text[]), ''), NULLIF(unnest(@end_user::text[]), ''),
    unnest(@model_group::text[]), unnest(@model::text[]), unnest(@model_id::text[]), unnest(@custom_llm_provider::text[]),
    unnest(@api_base::text[]), unnest(@status::text[]), unnest(@http_status::integer[]), NULLIF(unnest(@error_type::text[]), ''),
    unnest(@stream::boolean[]), unnest(@usage_estimated::boolean[]), unnest(@prompt_tokens::bigint[]),
    unnest(@completion_tokens::bigint[]), unnest(@cached_tokens::bigint[]), unnest(@reasoning_tokens::bigint[]),
    unnest(@spend_nano::bigint[]), unnest(@start_time::timestamptz[]), unnest(@end_time::timestamptz[]),
    NULLIF(unnest(@completion_start_time::timestamptz[]), 'epoch'), NULLIF(unnest(@requester_ip_address::text[]), ''),
    unnest(@replica::text[]), unnest(@cache_hit::boolean[]), unnest(@cache_write_tokens::bigint[]), unnest(@retries::integer[]),
    unnest(@fallbacks::integer[]), NULLIF(unnest(@request_tags::text[]), '')::jsonb, NULLIF(unnest(@session_id::text[]), ''),
    NULLIF(unnest(@agent_id::text[]), '')
ON CONFLICT (request_id, start_time) DO NOTHING
RETURNING request_id;

-- name: DeadInsert :exec
INSERT INTO usage_dead (subject, payload, reason) VALUES (@subject, @payload, @reason);

-- name: SpendList :many
SELECT * FROM spend_logs
WHERE (sqlc.narg(request_id)::text IS NULL OR request_id = sqlc.narg(request_id))
  AND (sqlc.narg(api_key)::text IS NULL OR api_key = sqlc.narg(api_key))
  AND (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id))
  AND (sqlc.narg(start_after)::timestamptz IS NULL OR start_time >= sqlc.narg(start_after))
  AND (sqlc.narg(start_before)::timestamptz IS NULL OR start_time < sqlc.narg(start_before))
ORDER BY start_time DESC, request_id DESC LIMIT @page_size;

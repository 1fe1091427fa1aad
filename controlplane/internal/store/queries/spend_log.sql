-- name: SpendPage :many
-- A page of spend rows, newest first.
SELECT * FROM spend_logs
WHERE start_time >= @start_after AND start_time <= @start_before
  AND (sqlc.narg(request_id)::text IS NULL OR request_id = sqlc.narg(request_id))
  AND (sqlc.narg(api_key)::text IS NULL OR api_key = sqlc.narg(api_key))
  AND (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id))
  AND (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(session_id)::text IS NULL OR session_id = sqlc.narg(session_id))
  AND (sqlc.narg(end_user)::text IS NULL OR end_user = sqlc.narg(end_user))
  AND (sqlc.narg(model)::text IS NULL OR model = sqlc.narg(model))
  AND (sqlc.narg(model_id)::text IS NULL OR model_id = sqlc.narg(model_id))
  AND (sqlc.narg(model_group)::text IS NULL OR model_group = sqlc.narg(model_group))
  AND (sqlc.narg(status)::text IS NULL OR status = sqlc.narg(status))
  AND (sqlc.narg(http_status)::integer IS NULL OR http_status = sqlc.narg(http_status))
  AND (sqlc.narg(key_alias)::text IS NULL OR api_key IN (SELECT v.token FROM verification_token v WHERE v.key_alias = sqlc.narg(key_alias)))
  AND (sqlc.narg(min_nano)::bigint IS NULL OR spend_nano >= sqlc.narg(min_nano))
  AND (sqlc.narg(max_nano)::bigint IS NULL OR spend_nano <= sqlc.narg(max_nano))
ORDER BY start_time DESC, request_id DESC LIMIT @page_size OFFSET @skip;

-- name: SpendPageSorted :many
-- The same in another order, which sorts all that is in the range.
SELECT * FROM spend_logs
WHERE start_time >= @start_after AND start_time <= @start_before
  AND (sqlc.narg(request_id)::text IS NULL OR request_id = sqlc.narg(request_id))
  AND (sqlc.narg(api_key)::text IS NULL OR api_key = sqlc.narg(api_key))
  AND (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id))
  AND (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(session_id)::text IS NULL OR session_id = sqlc.narg(session_id))
  AND (sqlc.narg(end_user)::text IS NULL OR end_user = sqlc.narg(end_user))
  AND (sqlc.narg(model)::text IS NULL OR model = sqlc.narg(model))
  AND (sqlc.narg(model_id)::text IS NULL OR model_id = sqlc.narg(model_id))
  AND (sqlc.narg(model_group)::text IS NULL OR model_group = sqlc.narg(model_group))
  AND (sqlc.narg(status)::text IS NULL OR status = sqlc.narg(status))
  AND (sqlc.narg(http_status)::integer IS NULL OR http_status = sqlc.narg(http_status))
  AND (sqlc.narg(key_alias)::text IS NULL OR api_key IN (SELECT v.token FROM verification_token v WHERE v.key_alias = sqlc.narg(key_alias)))
  AND (sqlc.narg(min_nano)::bigint IS NULL OR spend_nano >= sqlc.narg(min_nano))
  AND (sqlc.narg(max_nano)::bigint IS NULL OR spend_nano <= sqlc.narg(max_nano))
ORDER BY CASE WHEN @sort::text = 'startTime asc' THEN start_time END ASC,
    CASE WHEN @sort::text = 'endTime asc' THEN end_time END ASC,
    CASE WHEN @sort::text = 'endTime desc' THEN end_time END DESC,
    CASE WHEN @sort::text = 'spend asc' THEN spend_nano END ASC,
    CASE WHEN @sort::text = 'spend desc' THEN spend_nano END DESC,
    CASE WHEN @sort::text = 'total_tokens asc' THEN prompt_tokens + completion_tokens END ASC,
    CASE WHEN @sort::text = 'total_tokens desc' THEN prompt_tokens + completion_tokens END DESC,
    request_id LIMIT @page_size OFFSET @skip;

-- name: SpendCount :one
-- Counting stops at a bound.
SELECT count(*) FROM (SELECT 1 FROM spend_logs
WHERE start_time >= @start_after AND start_time <= @start_before
  AND (sqlc.narg(request_id)::text IS NULL OR request_id = sqlc.narg(request_id))
  AND (sqlc.narg(api_key)::text IS NULL OR api_key = sqlc.narg(api_key))
  AND (sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id))
  AND (sqlc.narg(team_id)::text IS NULL OR team_id = sqlc.narg(team_id))
  AND (sqlc.narg(session_id)::text IS NULL OR session_id = sqlc.narg(session_id))
  AND (sqlc.narg(end_user)::text IS NULL OR end_user = sqlc.narg(end_user))
  AND (sqlc.narg(model)::text IS NULL OR model = sqlc.narg(model))
  AND (sqlc.narg(model_id)::text IS NULL OR model_id = sqlc.narg(model_id))
  AND (sqlc.narg(model_group)::text IS NULL OR model_group = sqlc.narg(model_group))
  AND (sqlc.narg(status)::text IS NULL OR status = sqlc.narg(status))
  AND (sqlc.narg(http_status)::integer IS NULL OR http_status = sqlc.narg(http_status))
  AND (sqlc.narg(key_alias)::text IS NULL OR api_key IN (SELECT v.token FROM verification_token v WHERE v.key_alias = sqlc.narg(key_alias)))
  AND (sqlc.narg(min_nano)::bigint IS NULL OR spend_nano >= sqlc.narg(min_nano))
  AND (sqlc.narg(max_nano)::bigint IS NULL OR spend_nano <= sqlc.narg(max_nano))
LIMIT @most) counted;

-- name: ModelInsert :one
INSERT INTO proxy_model_table (model_id, model_name, sealed_params, model_info, blocked, guarded, created_by, updated_by)
VALUES (@model_id, @model_name, @sealed_params, @model_info, @blocked, @guarded, @created_by, @created_by) RETURNING *;

-- name: ModelForUpdate :one
SELECT * FROM proxy_model_table WHERE model_id = @model_id FOR UPDATE;

-- name: ModelByID :one
SELECT * FROM proxy_model_table WHERE model_id = @model_id;

-- name: ModelUpdate :one
UPDATE proxy_model_table SET model_name = @model_name, sealed_params = @sealed_params, model_info = @model_info, blocked = @blocked,
    guarded = guarded OR @guarded, updated_by = @updated_by, updated_at = now()
WHERE model_id = @model_id RETURNING *;

-- name: ModelDelete :execrows
DELETE FROM proxy_model_table WHERE model_id = @model_id;

-- name: ModelList :many
SELECT * FROM proxy_model_table ORDER BY model_name, model_id LIMIT 10000;

-- name: ModelsByNames :many
SELECT * FROM proxy_model_table WHERE model_name = ANY(@names::text[]) ORDER BY model_id FOR UPDATE;

-- name: ModelsByIDs :many
SELECT * FROM proxy_model_table WHERE model_id = ANY(@ids::text[]) ORDER BY model_id FOR UPDATE;

-- name: ModelsInGroup :many
SELECT * FROM proxy_model_table WHERE model_info->'access_groups' ? @access_group::text ORDER BY model_id FOR UPDATE;

-- name: ModelsGrouped :many
SELECT model_id, model_name, model_info FROM proxy_model_table WHERE model_info ? 'access_groups' ORDER BY model_name, model_id LIMIT 10000;

-- name: ModelSetInfo :one
UPDATE proxy_model_table SET model_info = @model_info, updated_by = @updated_by, updated_at = now() WHERE model_id = @model_id RETURNING *;

-- name: ModelTeamNames :many
SELECT coalesce(model_info->>'team_public_model_name', model_name)::text AS name FROM proxy_model_table WHERE model_info->>'team_id' = @team_id::text;

-- name: ModelTeamForUpdate :one
SELECT team_id, models FROM team_table WHERE team_id = @team_id FOR UPDATE;

-- name: ModelTeamSet :exec
UPDATE team_table SET models = @models, updated_at = now() WHERE team_id = @team_id;

-- name: ModelLatency :many
SELECT to_char(start_time, 'YYYY-MM-DD') AS date, (CASE WHEN api_base = '' THEN model ELSE api_base END)::text AS place,
    (sum(extract(epoch FROM end_time - start_time)) / greatest(sum(completion_tokens), 1))::double precision AS latency
FROM spend_logs
WHERE model_group = @model_group AND start_time >= @since AND start_time < @before AND status = 'success' AND NOT cache_hit AND completion_tokens > 0
    AND (@api_key::text = '' OR api_key = @api_key) AND (@end_user::text = '' OR end_user = @end_user)
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: ModelFirstToken :many
SELECT (CASE WHEN @each::boolean THEN request_id ELSE to_char(start_time, 'YYYY-MM-DD') END)::text AS at,
    (CASE WHEN api_base = '' THEN model ELSE api_base END)::text AS place,
    avg(extract(epoch FROM completion_start_time - start_time))::double precision AS latency
FROM spend_logs
WHERE model_group = @model_group AND start_time >= @since AND start_time < @before AND status = 'success' AND stream AND completion_start_time IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 10000;

-- name: ModelSlow :many
SELECT (CASE WHEN api_base = '' THEN model ELSE api_base END)::text AS place, count(*) AS total,
    count(*) FILTER (WHERE end_time - start_time >= make_interval(secs => @threshold::double precision)) AS slow
FROM spend_logs
WHERE (@model_group::text = '' OR model_group = @model_group) AND start_time >= @since AND start_time < @before AND status = 'success' AND NOT cache_hit
GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT 1000;

-- name: ModelExceptions :many
SELECT (CASE WHEN api_base = '' THEN model ELSE api_base END)::text AS place, coalesce(error_type, 'unknown')::text AS kind, count(*) AS total
FROM spend_logs
WHERE (@model_group::text = '' OR model_group = @model_group) AND start_time >= @since AND start_time < @before AND status <> 'success'
GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 10000;

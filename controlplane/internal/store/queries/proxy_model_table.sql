-- name: ModelInsert :one
INSERT INTO proxy_model_table (model_id, model_name, sealed_params, model_info, created_by, updated_by)
VALUES (@model_id, @model_name, @sealed_params, @model_info, @created_by, @created_by) RETURNING *;

-- name: ModelForUpdate :one
SELECT * FROM proxy_model_table WHERE model_id = @model_id FOR UPDATE;

-- name: ModelByID :one
SELECT * FROM proxy_model_table WHERE model_id = @model_id;

-- name: ModelUpdate :one
UPDATE proxy_model_table SET model_name = @model_name, sealed_params = @sealed_params, model_info = @model_info,
    updated_by = @updated_by, updated_at = now()
WHERE model_id = @model_id RETURNING *;

-- name: ModelDelete :execrows
DELETE FROM proxy_model_table WHERE model_id = @model_id;

-- name: ModelList :many
SELECT * FROM proxy_model_table ORDER BY model_name, model_id LIMIT 10000;

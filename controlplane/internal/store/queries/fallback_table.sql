-- name: FallbackPut :one
INSERT INTO fallback_table (model, fallback_type, fallback_models, created_by, updated_by)
VALUES (@model, @fallback_type, @fallback_models, @updated_by, @updated_by)
ON CONFLICT (model, fallback_type) DO UPDATE SET fallback_models = excluded.fallback_models, updated_by = excluded.updated_by, updated_at = now()
RETURNING *;

-- name: FallbackForUpdate :one
SELECT * FROM fallback_table WHERE model = @model AND fallback_type = @fallback_type FOR UPDATE;

-- name: FallbackGet :one
SELECT * FROM fallback_table WHERE model = @model AND fallback_type = @fallback_type;

-- name: FallbackDelete :execrows
DELETE FROM fallback_table WHERE model = @model AND fallback_type = @fallback_type;

-- name: FallbackList :many
SELECT * FROM fallback_table ORDER BY model, fallback_type LIMIT 10000;

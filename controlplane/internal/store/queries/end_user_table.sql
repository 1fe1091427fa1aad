-- name: CustomerInsert :one
INSERT INTO end_user_table (user_id, alias, spend_nano, allowed_model_region, default_model, blocked)
VALUES (@user_id, @alias, @spend_nano, @allowed_model_region, @default_model, @blocked) RETURNING *;

-- name: CustomerForUpdate :one
SELECT * FROM end_user_table WHERE user_id = @user_id FOR UPDATE;

-- name: CustomerUpdate :one
UPDATE end_user_table SET alias = @alias, allowed_model_region = @allowed_model_region,
    default_model = @default_model, budget_id = @budget_id, blocked = @blocked, managed = true, updated_at = now()
WHERE user_id = @user_id RETURNING *;

-- name: CustomerByID :one
SELECT * FROM end_user_table WHERE user_id = @user_id;

-- name: CustomerManaged :one
SELECT * FROM end_user_table WHERE user_id = @user_id AND managed;

-- name: CustomersLock :many
SELECT * FROM end_user_table WHERE user_id = ANY(@ids::text[]) ORDER BY user_id FOR UPDATE;

-- name: CustomersDelete :exec
DELETE FROM end_user_table WHERE user_id = ANY(@ids::text[]);

-- name: CustomersMeet :many
-- Makes those that are not known, and returns them.
INSERT INTO end_user_table (user_id)
SELECT id FROM (SELECT DISTINCT unnest(@ids::text[]) AS id) d ORDER BY id
ON CONFLICT (user_id) DO NOTHING RETURNING *;

-- name: CustomersBlock :many
UPDATE end_user_table SET blocked = true, managed = true, updated_at = now() WHERE user_id = ANY(@ids::text[]) RETURNING *;

-- name: CustomersUnblock :many
UPDATE end_user_table SET blocked = false, updated_at = now() WHERE user_id = ANY(@ids::text[]) AND blocked RETURNING *;

-- name: CustomersBlocked :many
SELECT user_id FROM end_user_table WHERE blocked ORDER BY user_id LIMIT 10000;

-- name: CustomerList :many
SELECT * FROM end_user_table ORDER BY user_id LIMIT 10000;

-- name: CustomersAfter :many
SELECT user_id FROM end_user_table WHERE managed AND user_id > @after ORDER BY user_id LIMIT @page_size;

-- name: CustomerNames :many
-- All that requests have named, and those that were registered.
SELECT user_id FROM end_user_table ORDER BY user_id LIMIT @most;

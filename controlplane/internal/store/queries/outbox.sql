-- name: OutboxInsert :one
INSERT INTO outbox (kind, object_id) VALUES (@kind, @object_id) RETURNING id;

-- name: OutboxPending :many
SELECT * FROM outbox WHERE created_at < now() - @older_than::interval ORDER BY id LIMIT @page_size;

-- name: OutboxDelete :exec
DELETE FROM outbox WHERE id = ANY(@ids::bigint[]);

-- name: OutboxInsert :one
INSERT INTO outbox (kind, object_id) VALUES (@kind, @object_id) RETURNING id;

-- name: OutboxPending :many
SELECT * FROM outbox WHERE created_at < now() - @older_than::interval ORDER BY id LIMIT @page_size;

-- name: OutboxDelete :exec
DELETE FROM outbox WHERE id = ANY(@ids::bigint[]);

-- name: OutboxInsertMany :many
INSERT INTO outbox (kind, object_id) SELECT @kind::text, unnest(@object_ids::text[]) RETURNING id, object_id;

-- name: OutboxAdvance :exec
UPDATE outbox SET object_id = @object_id WHERE id = @id;

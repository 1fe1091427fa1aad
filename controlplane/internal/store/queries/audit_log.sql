-- name: AuditInsert :exec
INSERT INTO audit_log (id, updated_at, changed_by, changed_by_api_key, action, table_name, object_id, before_value, updated_values, hash)
VALUES (@id, @updated_at, @changed_by, @changed_by_api_key, @action, @table_name, @object_id, @before_value, @updated_values, @hash);

-- name: AuditChainLock :one
SELECT hash FROM audit_chain WHERE id = 1 FOR UPDATE;

-- name: AuditChainSet :exec
UPDATE audit_chain SET hash = @hash WHERE id = 1;

-- name: AuditChain :one
SELECT hash, archived_hash, archived_seq FROM audit_chain WHERE id = 1;

-- name: AuditByID :one
SELECT * FROM audit_log WHERE id = @id;

-- name: AuditList :many
SELECT * FROM audit_log
WHERE (sqlc.narg(changed_by)::text IS NULL OR changed_by = sqlc.narg(changed_by))
  AND (sqlc.narg(changed_by_api_key)::text IS NULL OR changed_by_api_key = sqlc.narg(changed_by_api_key))
  AND (sqlc.narg(action)::text IS NULL OR action = sqlc.narg(action))
  AND (sqlc.narg(table_name)::text IS NULL OR table_name = sqlc.narg(table_name))
  AND (sqlc.narg(object_id)::text IS NULL OR object_id = sqlc.narg(object_id))
  AND (sqlc.narg(after)::timestamptz IS NULL OR updated_at >= sqlc.narg(after))
  AND (sqlc.narg(before)::timestamptz IS NULL OR updated_at <= sqlc.narg(before))
  AND (sqlc.narg(object_team_id)::text IS NULL OR team_ids @> ARRAY[sqlc.narg(object_team_id)::text])
  AND (sqlc.narg(object_key_hash)::text IS NULL OR key_hashes @> ARRAY[sqlc.narg(object_key_hash)::text])
ORDER BY
    CASE WHEN @sort::text = 'updated_at asc' THEN updated_at END ASC, CASE WHEN @sort = 'updated_at desc' THEN updated_at END DESC,
    CASE WHEN @sort = 'changed_by asc' THEN changed_by END ASC, CASE WHEN @sort = 'changed_by desc' THEN changed_by END DESC,
    CASE WHEN @sort = 'changed_by_api_key asc' THEN changed_by_api_key END ASC, CASE WHEN @sort = 'changed_by_api_key desc' THEN changed_by_api_key END DESC,
    CASE WHEN @sort = 'action asc' THEN action END ASC, CASE WHEN @sort = 'action desc' THEN action END DESC,
    CASE WHEN @sort = 'table_name asc' THEN table_name END ASC, CASE WHEN @sort = 'table_name desc' THEN table_name END DESC,
    CASE WHEN @sort = 'object_id asc' THEN object_id END ASC, CASE WHEN @sort = 'object_id desc' THEN object_id END DESC,
    CASE WHEN @sort = 'id asc' THEN id END ASC, CASE WHEN @sort = 'id desc' THEN id END DESC,
    updated_at DESC, seq DESC
LIMIT @page_size OFFSET @skip;

-- name: AuditCount :one
SELECT count(*) FROM audit_log
WHERE (sqlc.narg(changed_by)::text IS NULL OR changed_by = sqlc.narg(changed_by))
  AND (sqlc.narg(changed_by_api_key)::text IS NULL OR changed_by_api_key = sqlc.narg(changed_by_api_key))
  AND (sqlc.narg(action)::text IS NULL OR action = sqlc.narg(action))
  AND (sqlc.narg(table_name)::text IS NULL OR table_name = sqlc.narg(table_name))
  AND (sqlc.narg(object_id)::text IS NULL OR object_id = sqlc.narg(object_id))
  AND (sqlc.narg(after)::timestamptz IS NULL OR updated_at >= sqlc.narg(after))
  AND (sqlc.narg(before)::timestamptz IS NULL OR updated_at <= sqlc.narg(before))
  AND (sqlc.narg(object_team_id)::text IS NULL OR team_ids @> ARRAY[sqlc.narg(object_team_id)::text])
  AND (sqlc.narg(object_key_hash)::text IS NULL OR key_hashes @> ARRAY[sqlc.narg(object_key_hash)::text]);

-- name: AuditAfter :many
SELECT * FROM audit_log WHERE seq > @seq ORDER BY seq LIMIT @page_size;

-- name: AuditBefore :many
SELECT * FROM audit_log WHERE updated_at < @until AND seq > @seq ORDER BY seq LIMIT @page_size;

-- name: AuditDrop :one
SELECT audit_log_drop(@until::date);

-- name: AuditPartition :exec
SELECT audit_log_partition(@month::date);

-- name: AuditArchived :exec
UPDATE audit_chain SET archived_hash = @hash, archived_seq = @seq WHERE id = 1;

-- name: AuditSettle :exec
-- Waits for those who write an entry: what they took a number for is then seen.
LOCK TABLE audit_log IN SHARE MODE;

-- name: AuditUnarchived :one
SELECT EXISTS (SELECT 1 FROM audit_log l JOIN audit_chain c ON c.id = 1 WHERE l.seq > c.archived_seq AND l.updated_at < @until);

-- name: AuditDelete :exec
DELETE FROM audit_log WHERE updated_at < @until AND seq <= (SELECT c.archived_seq FROM audit_chain c WHERE c.id = 1);

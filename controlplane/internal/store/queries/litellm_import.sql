-- name: ImportKnown :many
SELECT object_id FROM litellm_import WHERE kind = @kind AND object_id = ANY(@object_ids::text[]);

-- name: ImportRemember :exec
INSERT INTO litellm_import (kind, object_id) SELECT @kind::text, unnest(@object_ids::text[]) ON CONFLICT DO NOTHING;

-- name: ImportLock :one
-- Held by the connection: one import at a time.
SELECT pg_try_advisory_lock(hashtext('tianji import-litellm'));

-- name: ImportDeletedKeys :many
-- Keys that were deleted, or that got another text.
SELECT DISTINCT token FROM deleted_verification_token WHERE token = ANY(@tokens::text[]);

-- name: ImportUnlock :exec
SELECT pg_advisory_unlock(hashtext('tianji import-litellm'));

-- name: ImportAudited :one
-- Whether an audit trail is kept, and linked.
SELECT EXISTS (SELECT FROM audit_log) AS kept, EXISTS (SELECT FROM audit_chain WHERE hash <> '') AS chained;

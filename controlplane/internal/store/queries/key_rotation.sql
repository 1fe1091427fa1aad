-- name: KeyDeprecate :exec
-- Lets the former text of a key work for a while.
INSERT INTO deprecated_verification_token (token, active_token_id, revoke_at) VALUES (@token, @active_token_id, @revoke_at)
ON CONFLICT (token) DO UPDATE SET active_token_id = excluded.active_token_id, revoke_at = excluded.revoke_at, created_at = now();

-- name: KeysFollow :many
-- Lets former texts of a key follow it to its next one, for as long as they were
-- to work and no longer than until a time.
UPDATE deprecated_verification_token SET active_token_id = @active_token_id, revoke_at = LEAST(revoke_at, @until)
WHERE active_token_id = @former_token_id RETURNING token;

-- name: KeysFollowed :many
-- The keys that got other texts, whether the former ones still work or not.
SELECT token, active_token_id FROM deprecated_verification_token WHERE token = ANY(@tokens::text[]);

-- name: KeyActive :one
-- The key that a former text still stands for.
SELECT active_token_id FROM deprecated_verification_token WHERE token = @token AND revoke_at > now();

-- name: KeyFormer :one
SELECT * FROM deprecated_verification_token WHERE token = @token AND revoke_at > now();

-- name: KeyFormerAfter :many
SELECT token FROM deprecated_verification_token WHERE token > @after AND revoke_at > now() ORDER BY token LIMIT @page_size;

-- name: KeysRevoke :many
-- Ends the former texts of keys.
DELETE FROM deprecated_verification_token WHERE active_token_id = ANY(@active_token_ids::text[]) RETURNING token;

-- name: KeysForget :many
-- Ends former texts, by themselves.
UPDATE deprecated_verification_token SET revoke_at = now() WHERE token = ANY(@tokens::text[]) AND revoke_at > now() RETURNING *;

-- name: KeysRevoked :many
-- Forgets former texts that ended a day ago: no call that began with them is left.
DELETE FROM deprecated_verification_token WHERE token = ANY(ARRAY(
    SELECT o.token FROM deprecated_verification_token o WHERE o.revoke_at <= now() - interval '1 day' ORDER BY o.revoke_at LIMIT @page_size)) RETURNING token;

-- name: KeysDueForRotation :many
SELECT token FROM verification_token
WHERE auto_rotate AND (key_rotation_at IS NULL OR key_rotation_at <= now()) AND (expires IS NULL OR expires > now()) AND rotation_interval IS NOT NULL
    AND token > @after
ORDER BY token LIMIT @page_size;

-- name: ModelsForUpdate :many
SELECT * FROM proxy_model_table ORDER BY model_id FOR UPDATE;

-- name: ModelReseal :exec
UPDATE proxy_model_table SET sealed_params = @sealed_params WHERE model_id = @model_id;

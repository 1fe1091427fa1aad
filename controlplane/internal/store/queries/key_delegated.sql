-- name: KeySetDelegated :one
UPDATE verification_token SET delegated = @delegated WHERE token = @token RETURNING *;

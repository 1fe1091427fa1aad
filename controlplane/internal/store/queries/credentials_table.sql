-- name: CredentialInsert :one
INSERT INTO credentials_table (credential_name, sealed_values, credential_info, created_by, updated_by)
VALUES (@credential_name, @sealed_values, @credential_info, @created_by, @created_by) RETURNING *;

-- name: CredentialByName :one
SELECT * FROM credentials_table WHERE credential_name = @credential_name;

-- name: CredentialForUpdate :one
SELECT * FROM credentials_table WHERE credential_name = @credential_name FOR UPDATE;

-- name: CredentialForShare :one
SELECT * FROM credentials_table WHERE credential_name = @credential_name FOR SHARE;

-- name: CredentialUpdate :one
UPDATE credentials_table SET sealed_values = @sealed_values, credential_info = @credential_info, updated_by = @updated_by, updated_at = now()
WHERE credential_name = @credential_name RETURNING *;

-- name: CredentialDelete :execrows
DELETE FROM credentials_table WHERE credential_name = @credential_name;

-- name: CredentialList :many
SELECT * FROM credentials_table ORDER BY credential_name LIMIT 10000;

-- name: CredentialsForUpdate :many
SELECT * FROM credentials_table ORDER BY credential_name FOR UPDATE;

-- name: CredentialReseal :exec
UPDATE credentials_table SET sealed_values = @sealed_values WHERE credential_name = @credential_name;

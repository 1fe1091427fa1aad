-- name: JWTMappingInsert :one
INSERT INTO jwt_key_mapping (id, jwt_claim_name, jwt_claim_value, token, description, is_active, created_by, updated_by)
VALUES (@id, @jwt_claim_name, @jwt_claim_value, @token, @description, @is_active, @created_by, @created_by) RETURNING *;

-- name: JWTMappingUpdate :one
UPDATE jwt_key_mapping SET
    jwt_claim_name = @jwt_claim_name, jwt_claim_value = @jwt_claim_value, token = @token, description = @description, is_active = @is_active,
    updated_by = @updated_by, updated_at = now()
WHERE id = @id RETURNING *;

-- name: JWTMappingForUpdate :one
SELECT * FROM jwt_key_mapping WHERE id = @id FOR UPDATE;

-- name: JWTMappingDelete :exec
DELETE FROM jwt_key_mapping WHERE id = @id;

-- name: JWTMappingByID :one
SELECT sqlc.embed(m), COALESCE(k.key_name, '')::text AS key_name FROM jwt_key_mapping m LEFT JOIN verification_token k ON k.token = m.token WHERE m.id = @id;

-- name: JWTMappingByClaim :one
SELECT * FROM jwt_key_mapping WHERE jwt_claim_name = @jwt_claim_name AND jwt_claim_value = @jwt_claim_value;

-- name: JWTMappingsPage :many
SELECT sqlc.embed(m), COALESCE(k.key_name, '')::text AS key_name FROM jwt_key_mapping m LEFT JOIN verification_token k ON k.token = m.token
ORDER BY m.created_at DESC, m.id DESC LIMIT @page_size OFFSET @skip;

-- name: JWTMappingsCount :one
SELECT count(*) FROM jwt_key_mapping;

-- name: JWTMappingsOfKey :many
SELECT jwt_claim_name, jwt_claim_value FROM jwt_key_mapping WHERE token = @token::text ORDER BY id LIMIT 1000;

-- name: JWTMappingsAfter :many
SELECT jwt_claim_name, jwt_claim_value FROM jwt_key_mapping
WHERE (jwt_claim_name, jwt_claim_value) > (@after_name::text, @after_value::text) ORDER BY jwt_claim_name, jwt_claim_value LIMIT @page_size;

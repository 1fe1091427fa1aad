-- name: InvitationInsert :one
INSERT INTO invitation_link (id, user_id, expires_at, created_by, updated_by)
VALUES (@id, @user_id, @expires_at, @created_by, @created_by) RETURNING *;

-- name: InvitationByID :one
SELECT * FROM invitation_link WHERE id = @id;

-- name: InvitationForUpdate :one
SELECT * FROM invitation_link WHERE id = @id FOR UPDATE;

-- name: InvitationAccept :one
UPDATE invitation_link SET is_accepted = @is_accepted, accepted_at = @accepted_at, updated_by = @updated_by, updated_at = now()
WHERE id = @id RETURNING *;

-- name: InvitationDelete :exec
DELETE FROM invitation_link WHERE id = @id;

-- name: InvitationsOfUsersDelete :many
DELETE FROM invitation_link WHERE user_id = ANY(@ids::text[]) RETURNING *;

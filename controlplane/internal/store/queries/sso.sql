-- name: UserSetLogin :one
-- Of one who had no id at a provider so far (first), the password goes.
UPDATE user_table SET password = CASE WHEN @first::boolean THEN NULL ELSE password END, sso_user_id = @sso_user_id, user_role = @user_role, updated_at = now() WHERE user_id = @user_id RETURNING *;

-- name: KeysDelegate :many
-- Keys of a user that others may know, from before it was sure who the user is.
UPDATE verification_token SET delegated = true WHERE user_id = @user_id::text AND NOT delegated RETURNING token;

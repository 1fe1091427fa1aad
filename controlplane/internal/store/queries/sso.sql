-- name: UserSetLogin :one
UPDATE user_table SET sso_user_id = @sso_user_id, user_role = @user_role, updated_at = now() WHERE user_id = @user_id RETURNING *;

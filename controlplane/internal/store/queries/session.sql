-- name: SessionsSpent :many
-- The sessions of a user that are over, and those beyond the newest of them.
SELECT * FROM verification_token
WHERE token IN (
    SELECT v.token FROM verification_token v WHERE v.user_id = @user_id::text AND v.team_id = @team_id::text AND v.expires <= now()
    UNION
    (SELECT v.token FROM verification_token v WHERE v.user_id = @user_id::text AND v.team_id = @team_id::text
    ORDER BY v.created_at DESC, v.token DESC OFFSET @keep::integer)
)
ORDER BY token LIMIT 1000 FOR UPDATE;

-- name: SessionsOfUser :many
SELECT * FROM verification_token WHERE user_id = @user_id::text AND team_id = @team_id::text AND token <> @but::text ORDER BY token FOR UPDATE;

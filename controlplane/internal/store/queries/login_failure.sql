-- name: LoginCount :one
-- Counts a login before its password is looked at, so that of many at once none
-- is left out. The window of a subject begins with its first one.
INSERT INTO login_failure (subject, failures, ends_at) VALUES (@subject, 1, now() + make_interval(secs => @seconds::double precision))
ON CONFLICT (subject) DO UPDATE SET
    failures = CASE WHEN login_failure.ends_at <= now() THEN 1 ELSE login_failure.failures + 1 END,
    ends_at = CASE WHEN login_failure.ends_at <= now() THEN excluded.ends_at ELSE login_failure.ends_at END
RETURNING *;

-- name: LoginForgive :exec
UPDATE login_failure SET failures = failures - 1 WHERE subject = ANY(@subjects::text[]) AND failures > 0;

-- name: LoginForget :exec
DELETE FROM login_failure WHERE subject = @subject;

-- name: LoginSweep :exec
DELETE FROM login_failure WHERE subject IN (SELECT f.subject FROM login_failure f WHERE f.ends_at <= now() LIMIT 100 FOR UPDATE SKIP LOCKED);

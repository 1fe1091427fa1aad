-- +goose Up
-- A key whose text somebody else than its user has seen, who is no proxy admin:
-- an admin of a team that makes keys for its members. It calls models for its
-- user, and manages nothing in their name. deleted_verification_token has the
-- same columns in the same order.
ALTER TABLE verification_token ADD COLUMN delegated boolean NOT NULL DEFAULT false;
ALTER TABLE deleted_verification_token ADD COLUMN delegated boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE deleted_verification_token DROP COLUMN delegated;
ALTER TABLE verification_token DROP COLUMN delegated;

-- +goose Up
-- A deployment that somebody who is no proxy admin has written: data planes call
-- it at public addresses only.
ALTER TABLE proxy_model_table ADD COLUMN guarded boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE proxy_model_table DROP COLUMN guarded;

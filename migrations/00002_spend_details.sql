-- +goose Up
-- How a request was routed, and what of it came from or went to a cache.
ALTER TABLE spend_logs
    ADD COLUMN cache_hit          boolean NOT NULL DEFAULT false,
    ADD COLUMN cache_write_tokens bigint  NOT NULL DEFAULT 0,
    ADD COLUMN retries            integer NOT NULL DEFAULT 0,
    ADD COLUMN fallbacks          integer NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE spend_logs
    DROP COLUMN cache_hit,
    DROP COLUMN cache_write_tokens,
    DROP COLUMN retries,
    DROP COLUMN fallbacks;

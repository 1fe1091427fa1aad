-- Who changed what, a partition a month: what is too old is dropped as a whole.
-- What is deleted is kept in a table of its own.

-- +goose Up
CREATE SEQUENCE audit_log_seq;
-- before_value and updated_values are json and not jsonb: the hash chain is over
-- their text.
CREATE TABLE audit_log (
    id                 uuid        NOT NULL,
    seq                bigint      NOT NULL DEFAULT nextval('audit_log_seq'),
    updated_at         timestamptz NOT NULL,
    changed_by         text        NOT NULL DEFAULT '',
    changed_by_api_key text        NOT NULL DEFAULT '',
    action             text        NOT NULL,
    table_name         text        NOT NULL,
    object_id          text        NOT NULL,
    before_value       json,
    updated_values     json,
    hash               bytea,
    PRIMARY KEY (updated_at, id)
) PARTITION BY RANGE (updated_at);
CREATE INDEX audit_log_id ON audit_log (id);
CREATE INDEX audit_log_object ON audit_log (object_id, updated_at DESC);
CREATE INDEX audit_log_changed_by ON audit_log (changed_by, updated_at DESC);
CREATE INDEX audit_log_seq_order ON audit_log (seq);
-- Nothing is refused for want of a partition.
CREATE TABLE audit_log_default PARTITION OF audit_log DEFAULT;

-- +goose StatementBegin
CREATE FUNCTION audit_log_partition(month date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF audit_log FOR VALUES FROM (%L) TO (%L)',
        'audit_log_' || to_char(month, 'YYYY_MM'), date_trunc('month', month)::date, (date_trunc('month', month) + interval '1 month')::date);
END $$;
-- +goose StatementEnd
-- audit_log_drop removes the partitions that end before a day, and says how many.
-- +goose StatementBegin
CREATE FUNCTION audit_log_drop(until date) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    part    text;
    dropped bigint := 0;
BEGIN
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit_log'::regclass AND c.relname ~ '^audit_log_[0-9]{4}_[0-9]{2}$'
    LOOP
        IF to_date(right(part, 7), 'YYYY_MM') + interval '1 month' <= until THEN
            EXECUTE format('DROP TABLE %I', part);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END $$;
-- +goose StatementEnd
SELECT audit_log_partition(current_date);
SELECT audit_log_partition((current_date + interval '1 month')::date);

-- The end of the hash chain, and how far its beginning was archived.
CREATE TABLE audit_chain (
    id            integer     PRIMARY KEY CHECK (id = 1),
    hash          bytea       NOT NULL DEFAULT '',
    archived_hash bytea       NOT NULL DEFAULT '',
    archived_seq  bigint      NOT NULL DEFAULT 0
);
INSERT INTO audit_chain (id) VALUES (1);

CREATE TABLE deleted_verification_token (
    id                 uuid        PRIMARY KEY,
    deleted_at         timestamptz NOT NULL,
    deleted_by         text,
    deleted_by_api_key text,
    litellm_changed_by text,
    LIKE verification_token
);
CREATE INDEX deleted_verification_token_at ON deleted_verification_token (deleted_at DESC, id);
CREATE INDEX deleted_verification_token_user ON deleted_verification_token (user_id, deleted_at DESC);
CREATE INDEX deleted_verification_token_team ON deleted_verification_token (team_id, deleted_at DESC);

CREATE TABLE deleted_team_table (
    id                 uuid        PRIMARY KEY,
    deleted_at         timestamptz NOT NULL,
    deleted_by         text,
    deleted_by_api_key text,
    litellm_changed_by text,
    LIKE team_table
);
CREATE INDEX deleted_team_table_at ON deleted_team_table (deleted_at DESC, id);

-- +goose Down
DROP TABLE deleted_team_table, deleted_verification_token, audit_chain, audit_log;
DROP FUNCTION audit_log_partition, audit_log_drop;
DROP SEQUENCE audit_log_seq;

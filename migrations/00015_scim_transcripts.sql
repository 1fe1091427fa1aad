-- What SCIM asks for by, and what requests said, where that is kept.

-- +goose Up
-- What an identity provider calls users and teams stands in their metadata,
-- where texts may be of any length: the indexes hold what is made of them. No two
-- users whom it has named have the same name.
CREATE UNIQUE INDEX user_table_scim_name ON user_table (md5(lower(metadata->'scim_metadata'->>'userName')))
    WHERE metadata->'scim_metadata'->>'userName' IS NOT NULL;
CREATE INDEX user_table_scim_external ON user_table USING hash ((metadata->'scim_metadata'->>'externalId'))
    WHERE metadata->'scim_metadata'->>'externalId' IS NOT NULL;
CREATE INDEX team_table_scim_external ON team_table USING hash ((metadata->'scim_metadata'->>'externalId'))
    WHERE metadata->'scim_metadata'->>'externalId' IS NOT NULL;
CREATE INDEX team_table_alias_lower ON team_table USING hash (lower(team_alias));

-- What clients call the requests that belong together; most say nothing.
ALTER TABLE spend_logs ADD COLUMN session_id text;
CREATE INDEX spend_logs_session ON spend_logs (session_id, start_time) WHERE session_id IS NOT NULL;

-- The texts of requests and of their answers, apart from spend_logs: few are
-- ever read, they come later, and they need not be kept as long. They are json
-- and not jsonb, which has no NUL character. Nothing refers to a row, and it
-- refers to nothing: who may see one may see the row of spend_logs.
CREATE TABLE spend_transcripts (
    request_id text        NOT NULL,
    start_time timestamptz NOT NULL,
    request    json,
    response   json,
    PRIMARY KEY (request_id, start_time)
) PARTITION BY RANGE (start_time);
-- Nothing is refused for want of a partition.
CREATE TABLE spend_transcripts_default PARTITION OF spend_transcripts DEFAULT;
CREATE INDEX spend_transcripts_default_start ON spend_transcripts_default (start_time);

-- spend_transcripts_partition makes the partition of a day. What lies in the
-- default partition by then moves, or the new one could not be attached.
-- +goose StatementBegin
CREATE FUNCTION spend_transcripts_partition(day date) RETURNS void LANGUAGE plpgsql SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    part text := 'spend_transcripts_' || to_char(day, 'YYYY_MM_DD');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('spend_transcripts_partition'));
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    LOCK TABLE spend_transcripts_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE spend_transcripts INCLUDING DEFAULTS)', part);
    EXECUTE format('WITH moved AS (DELETE FROM spend_transcripts_default WHERE start_time >= %L AND start_time < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
        day::timestamptz, (day + 1)::timestamptz, part);
    EXECUTE format('ALTER TABLE spend_transcripts ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, day::timestamptz, (day + 1)::timestamptz);
END $$;
-- +goose StatementEnd

-- spend_transcripts_drop removes the days before one, and says how many
-- partitions that were.
-- +goose StatementBegin
CREATE FUNCTION spend_transcripts_drop(until date) RETURNS bigint LANGUAGE plpgsql SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    part    text;
    dropped bigint := 0;
BEGIN
    DELETE FROM spend_transcripts_default WHERE start_time < until::timestamptz;
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'spend_transcripts'::regclass AND c.relname ~ '^spend_transcripts_[0-9]{4}_[0-9]{2}_[0-9]{2}$'
    LOOP
        IF to_date(right(part, 10), 'YYYY_MM_DD') < until THEN
            EXECUTE format('DROP TABLE %I', part);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE spend_transcripts;
DROP INDEX spend_logs_session;
ALTER TABLE spend_logs DROP COLUMN session_id;
DROP FUNCTION spend_transcripts_partition, spend_transcripts_drop;
DROP INDEX team_table_alias_lower, team_table_scim_external, user_table_scim_external, user_table_scim_name;

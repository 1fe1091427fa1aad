-- Spend rows in a partition a day, and what the reports are read from: sums a
-- day, which the ledger adds to in the transaction that writes the rows.

-- +goose Up
ALTER TABLE spend_logs RENAME TO spend_logs_whole;

-- A key of a partitioned table holds the column that it is partitioned by. An
-- id is made together with its start time (it is a UUID of version 7 of that
-- millisecond), and the event that holds both is sealed before it is sent: one
-- that is delivered again falls into the same partition and finds its row. What
-- was dropped with its partition finds spend_logs_horizon instead.
CREATE TABLE spend_logs (
    request_id            text        NOT NULL,
    call_type             text        NOT NULL,
    api_key               text        NOT NULL DEFAULT '',
    user_id               text,
    team_id               text,
    organization_id       text,
    end_user              text,
    model_group           text        NOT NULL DEFAULT '',
    model                 text        NOT NULL DEFAULT '',
    model_id              text        NOT NULL DEFAULT '',
    custom_llm_provider   text        NOT NULL DEFAULT '',
    api_base              text        NOT NULL DEFAULT '',
    status                text        NOT NULL,
    http_status           integer     NOT NULL,
    error_type            text,
    stream                boolean     NOT NULL,
    usage_estimated       boolean     NOT NULL,
    prompt_tokens         bigint       NOT NULL,
    completion_tokens     bigint       NOT NULL,
    cached_tokens         bigint       NOT NULL,
    reasoning_tokens      bigint       NOT NULL,
    spend_nano            bigint       NOT NULL,
    start_time            timestamptz NOT NULL,
    end_time              timestamptz NOT NULL,
    completion_start_time timestamptz,
    requester_ip_address  text,
    replica               text        NOT NULL DEFAULT '',
    cache_hit             boolean     NOT NULL DEFAULT false,
    cache_write_tokens    bigint       NOT NULL DEFAULT 0,
    retries               integer     NOT NULL DEFAULT 0,
    fallbacks             integer     NOT NULL DEFAULT 0,
    request_tags          jsonb,
    CONSTRAINT spend_logs_id PRIMARY KEY (request_id, start_time)
) PARTITION BY RANGE (start_time);
-- Nothing is refused for want of a partition.
CREATE TABLE spend_logs_default PARTITION OF spend_logs DEFAULT;

-- spend_logs_partition makes the partition of a day. What lies in the default
-- partition by then moves, or the new one could not be attached.
-- +goose StatementBegin
CREATE FUNCTION spend_logs_partition(day date) RETURNS void LANGUAGE plpgsql SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    part text := 'spend_logs_' || to_char(day, 'YYYY_MM_DD');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('spend_logs_partition'));
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    LOCK TABLE spend_logs_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE spend_logs INCLUDING DEFAULTS)', part);
    EXECUTE format('WITH moved AS (DELETE FROM spend_logs_default WHERE start_time >= %L AND start_time < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
        day::timestamptz, (day + 1)::timestamptz, part);
    EXECUTE format('ALTER TABLE spend_logs ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, day::timestamptz, (day + 1)::timestamptz);
END $$;
-- +goose StatementEnd

-- The ledger books nothing that began before kept_from: whether it is booked
-- already is not known any more. It reads the row with a lock, so that what it
-- then finds missing was not dropped in between.
CREATE TABLE spend_logs_horizon (
    id        integer     PRIMARY KEY CHECK (id = 1),
    kept_from timestamptz NOT NULL DEFAULT 'epoch'
);
INSERT INTO spend_logs_horizon (id) VALUES (1);

-- spend_logs_drop removes the days before one, and says how many partitions
-- that were.
-- +goose StatementBegin
CREATE FUNCTION spend_logs_drop(until date) RETURNS bigint LANGUAGE plpgsql SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    part    text;
    dropped bigint := 0;
BEGIN
    UPDATE spend_logs_horizon SET kept_from = until::timestamptz WHERE kept_from < until::timestamptz;
    DELETE FROM spend_logs_default WHERE start_time < until::timestamptz;
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'spend_logs'::regclass AND c.relname ~ '^spend_logs_[0-9]{4}_[0-9]{2}_[0-9]{2}$'
    LOOP
        IF to_date(right(part, 10), 'YYYY_MM_DD') < until THEN
            EXECUTE format('DROP TABLE %I', part);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
    day date;
BEGIN
    FOR day IN SELECT generate_series(current_date - 1, current_date + 7, interval '1 day')
        UNION SELECT DISTINCT (start_time AT TIME ZONE 'UTC')::date FROM spend_logs_whole WHERE start_time > now() - interval '400 days' AND start_time < now()
    LOOP
        PERFORM spend_logs_partition(day);
    END LOOP;
END $$;
-- +goose StatementEnd
INSERT INTO spend_logs SELECT * FROM spend_logs_whole;
DROP TABLE spend_logs_whole;
CREATE INDEX spend_logs_start ON spend_logs (start_time, request_id);
CREATE INDEX spend_logs_key ON spend_logs (api_key, start_time);
CREATE INDEX spend_logs_user ON spend_logs (user_id, start_time) WHERE user_id IS NOT NULL;

-- Days are those of start times in UTC. Ids that are missing are empty. Rows of
-- users are of all requests, those of others of requests that have one. The
-- rows of a day are updated all day long: no index holds a sum, and half of a
-- page is free, so that a new version of a row stays in its page and touches no
-- index (a heap-only tuple). Texts are compared as bytes.
CREATE TABLE daily_user_spend (
    date                        date             NOT NULL,
    user_id                     text COLLATE "C" NOT NULL,
    api_key                     text COLLATE "C" NOT NULL,
    model                       text COLLATE "C" NOT NULL,
    model_group                 text COLLATE "C" NOT NULL,
    custom_llm_provider         text COLLATE "C" NOT NULL,
    call_type                   text COLLATE "C" NOT NULL,
    prompt_tokens               bigint           NOT NULL DEFAULT 0,
    completion_tokens           bigint           NOT NULL DEFAULT 0,
    cache_read_input_tokens     bigint           NOT NULL DEFAULT 0,
    cache_creation_input_tokens bigint           NOT NULL DEFAULT 0,
    spend_nano                  bigint           NOT NULL DEFAULT 0,
    api_requests                bigint           NOT NULL DEFAULT 0,
    successful_requests         bigint           NOT NULL DEFAULT 0,
    failed_requests             bigint           NOT NULL DEFAULT 0,
    cache_hit_requests          bigint           NOT NULL DEFAULT 0,
    cache_hit_tokens            bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, date, api_key, model, model_group, custom_llm_provider, call_type)
) WITH (fillfactor = 50);
CREATE INDEX daily_user_spend_date ON daily_user_spend (date);
CREATE INDEX daily_user_spend_key ON daily_user_spend (api_key, date);

CREATE TABLE daily_team_spend (
    date                        date             NOT NULL,
    team_id                     text COLLATE "C" NOT NULL,
    api_key                     text COLLATE "C" NOT NULL,
    model                       text COLLATE "C" NOT NULL,
    model_group                 text COLLATE "C" NOT NULL,
    custom_llm_provider         text COLLATE "C" NOT NULL,
    call_type                   text COLLATE "C" NOT NULL,
    prompt_tokens               bigint           NOT NULL DEFAULT 0,
    completion_tokens           bigint           NOT NULL DEFAULT 0,
    cache_read_input_tokens     bigint           NOT NULL DEFAULT 0,
    cache_creation_input_tokens bigint           NOT NULL DEFAULT 0,
    spend_nano                  bigint           NOT NULL DEFAULT 0,
    api_requests                bigint           NOT NULL DEFAULT 0,
    successful_requests         bigint           NOT NULL DEFAULT 0,
    failed_requests             bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (team_id, date, api_key, model, model_group, custom_llm_provider, call_type)
) WITH (fillfactor = 50);
CREATE INDEX daily_team_spend_date ON daily_team_spend (date);

CREATE TABLE daily_tag_spend (
    date                        date             NOT NULL,
    tag                         text COLLATE "C" NOT NULL,
    api_key                     text COLLATE "C" NOT NULL,
    model                       text COLLATE "C" NOT NULL,
    model_group                 text COLLATE "C" NOT NULL,
    custom_llm_provider         text COLLATE "C" NOT NULL,
    call_type                   text COLLATE "C" NOT NULL,
    prompt_tokens               bigint           NOT NULL DEFAULT 0,
    completion_tokens           bigint           NOT NULL DEFAULT 0,
    cache_read_input_tokens     bigint           NOT NULL DEFAULT 0,
    cache_creation_input_tokens bigint           NOT NULL DEFAULT 0,
    spend_nano                  bigint           NOT NULL DEFAULT 0,
    api_requests                bigint           NOT NULL DEFAULT 0,
    successful_requests         bigint           NOT NULL DEFAULT 0,
    failed_requests             bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (tag, date, api_key, model, model_group, custom_llm_provider, call_type)
) WITH (fillfactor = 50);
CREATE INDEX daily_tag_spend_date ON daily_tag_spend (date);

CREATE TABLE daily_organization_spend (
    date                        date             NOT NULL,
    organization_id             text COLLATE "C" NOT NULL,
    api_key                     text COLLATE "C" NOT NULL,
    model                       text COLLATE "C" NOT NULL,
    model_group                 text COLLATE "C" NOT NULL,
    custom_llm_provider         text COLLATE "C" NOT NULL,
    call_type                   text COLLATE "C" NOT NULL,
    prompt_tokens               bigint           NOT NULL DEFAULT 0,
    completion_tokens           bigint           NOT NULL DEFAULT 0,
    cache_read_input_tokens     bigint           NOT NULL DEFAULT 0,
    cache_creation_input_tokens bigint           NOT NULL DEFAULT 0,
    spend_nano                  bigint           NOT NULL DEFAULT 0,
    api_requests                bigint           NOT NULL DEFAULT 0,
    successful_requests         bigint           NOT NULL DEFAULT 0,
    failed_requests             bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, date, api_key, model, model_group, custom_llm_provider, call_type)
) WITH (fillfactor = 50);
CREATE INDEX daily_organization_spend_date ON daily_organization_spend (date);

CREATE TABLE daily_customer_spend (
    date                        date             NOT NULL,
    end_user_id                 text COLLATE "C" NOT NULL,
    api_key                     text COLLATE "C" NOT NULL,
    model                       text COLLATE "C" NOT NULL,
    model_group                 text COLLATE "C" NOT NULL,
    custom_llm_provider         text COLLATE "C" NOT NULL,
    call_type                   text COLLATE "C" NOT NULL,
    prompt_tokens               bigint           NOT NULL DEFAULT 0,
    completion_tokens           bigint           NOT NULL DEFAULT 0,
    cache_read_input_tokens     bigint           NOT NULL DEFAULT 0,
    cache_creation_input_tokens bigint           NOT NULL DEFAULT 0,
    spend_nano                  bigint           NOT NULL DEFAULT 0,
    api_requests                bigint           NOT NULL DEFAULT 0,
    successful_requests         bigint           NOT NULL DEFAULT 0,
    failed_requests             bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (end_user_id, date, api_key, model, model_group, custom_llm_provider, call_type)
) WITH (fillfactor = 50);
CREATE INDEX daily_customer_spend_date ON daily_customer_spend (date);

-- All requests by what answered them, whoever asked: some hundred rows a day,
-- which the reports on the whole installation are read from.
CREATE TABLE daily_model_spend (
    date                        date             NOT NULL,
    model                       text COLLATE "C" NOT NULL,
    model_group                 text COLLATE "C" NOT NULL,
    custom_llm_provider         text COLLATE "C" NOT NULL,
    call_type                   text COLLATE "C" NOT NULL,
    api_base                    text COLLATE "C" NOT NULL,
    prompt_tokens               bigint           NOT NULL DEFAULT 0,
    completion_tokens           bigint           NOT NULL DEFAULT 0,
    cache_read_input_tokens     bigint           NOT NULL DEFAULT 0,
    cache_creation_input_tokens bigint           NOT NULL DEFAULT 0,
    spend_nano                  bigint           NOT NULL DEFAULT 0,
    api_requests                bigint           NOT NULL DEFAULT 0,
    successful_requests         bigint           NOT NULL DEFAULT 0,
    failed_requests             bigint           NOT NULL DEFAULT 0,
    rate_limited_requests       bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (date, model, model_group, custom_llm_provider, call_type, api_base)
) WITH (fillfactor = 50);
CREATE INDEX daily_model_spend_group ON daily_model_spend (model_group, date);

-- What was booked so far. Tags were not kept with their rows.
INSERT INTO daily_user_spend SELECT (start_time AT TIME ZONE 'UTC')::date, coalesce(user_id, ''), api_key, model, model_group, custom_llm_provider, call_type,
    sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(cache_write_tokens), sum(spend_nano), count(*), count(*) FILTER (WHERE status = 'success'),
    count(*) FILTER (WHERE status <> 'success'), count(*) FILTER (WHERE cache_hit), coalesce(sum(completion_tokens) FILTER (WHERE cache_hit), 0)
FROM spend_logs GROUP BY 1, 2, 3, 4, 5, 6, 7;
INSERT INTO daily_team_spend SELECT (start_time AT TIME ZONE 'UTC')::date, team_id, api_key, model, model_group, custom_llm_provider, call_type,
    sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(cache_write_tokens), sum(spend_nano), count(*), count(*) FILTER (WHERE status = 'success'),
    count(*) FILTER (WHERE status <> 'success')
FROM spend_logs WHERE team_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7;
INSERT INTO daily_organization_spend SELECT (start_time AT TIME ZONE 'UTC')::date, organization_id, api_key, model, model_group, custom_llm_provider, call_type,
    sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(cache_write_tokens), sum(spend_nano), count(*), count(*) FILTER (WHERE status = 'success'),
    count(*) FILTER (WHERE status <> 'success')
FROM spend_logs WHERE organization_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7;
INSERT INTO daily_customer_spend SELECT (start_time AT TIME ZONE 'UTC')::date, end_user, api_key, model, model_group, custom_llm_provider, call_type,
    sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(cache_write_tokens), sum(spend_nano), count(*), count(*) FILTER (WHERE status = 'success'),
    count(*) FILTER (WHERE status <> 'success')
FROM spend_logs WHERE end_user IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7;
INSERT INTO daily_model_spend SELECT (start_time AT TIME ZONE 'UTC')::date, model, model_group, custom_llm_provider, call_type, api_base,
    sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(cache_write_tokens), sum(spend_nano), count(*), count(*) FILTER (WHERE status = 'success'),
    count(*) FILTER (WHERE status <> 'success'), count(*) FILTER (WHERE http_status = 429)
FROM spend_logs GROUP BY 1, 2, 3, 4, 5, 6;

-- +goose Down
DROP TABLE daily_model_spend, daily_customer_spend, daily_organization_spend, daily_tag_spend, daily_team_spend, daily_user_spend;
ALTER TABLE spend_logs RENAME TO spend_logs_parts;
CREATE TABLE spend_logs (LIKE spend_logs_parts INCLUDING DEFAULTS);
INSERT INTO spend_logs SELECT * FROM spend_logs_parts;
ALTER TABLE spend_logs DROP COLUMN request_tags;
DROP TABLE spend_logs_parts, spend_logs_horizon;
DROP FUNCTION spend_logs_partition, spend_logs_drop;
ALTER TABLE spend_logs ADD PRIMARY KEY (request_id);
CREATE INDEX spend_logs_start ON spend_logs (start_time);
CREATE INDEX spend_logs_key ON spend_logs (api_key, start_time);

-- Money is whole nano-dollars (1e-9 USD) in bigint columns that end in _nano.
-- Tables carry LiteLLM's names in snake case, so that its users find their way.

-- +goose Up
CREATE TABLE team_table (
    team_id                 text PRIMARY KEY,
    team_alias              text,
    organization_id         text,
    members_with_roles      jsonb       NOT NULL DEFAULT '[]',
    team_member_permissions text[]      NOT NULL DEFAULT '{}',
    metadata                jsonb       NOT NULL DEFAULT '{}',
    models                  text[]      NOT NULL DEFAULT '{}',
    model_aliases           jsonb       NOT NULL DEFAULT '{}',
    blocked                 boolean     NOT NULL DEFAULT false,
    spend_nano              bigint      NOT NULL DEFAULT 0,
    max_budget_nano         bigint,
    budget_duration         text,
    budget_reset_at         timestamptz,
    max_parallel_requests   bigint,
    tpm_limit               bigint,
    rpm_limit               bigint,
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX team_table_alias ON team_table (team_alias);

CREATE TABLE user_table (
    user_id               text PRIMARY KEY,
    user_alias            text,
    user_email            text,
    user_role             text,
    teams                 text[]      NOT NULL DEFAULT '{}',
    metadata              jsonb       NOT NULL DEFAULT '{}',
    models                text[]      NOT NULL DEFAULT '{}',
    spend_nano            bigint      NOT NULL DEFAULT 0,
    max_budget_nano       bigint,
    budget_duration       text,
    budget_reset_at       timestamptz,
    max_parallel_requests bigint,
    tpm_limit             bigint,
    rpm_limit             bigint,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX user_table_email ON user_table (lower(user_email)) WHERE user_email IS NOT NULL;

-- token is the lower-case hex SHA-256 of the key; the key itself is never stored.
CREATE TABLE verification_token (
    token                  text PRIMARY KEY,
    key_name               text,
    key_alias              text,
    user_id                text,
    team_id                text,
    organization_id        text,
    models                 text[]      NOT NULL DEFAULT '{}',
    aliases                jsonb       NOT NULL DEFAULT '{}',
    config                 jsonb       NOT NULL DEFAULT '{}',
    permissions            jsonb       NOT NULL DEFAULT '{}',
    metadata               jsonb       NOT NULL DEFAULT '{}',
    model_max_budget       jsonb       NOT NULL DEFAULT '{}',
    allowed_routes         text[]      NOT NULL DEFAULT '{}',
    allowed_cache_controls text[]      NOT NULL DEFAULT '{}',
    blocked                boolean,
    expires                timestamptz,
    spend_nano             bigint      NOT NULL DEFAULT 0,
    max_budget_nano        bigint,
    budget_duration        text,
    budget_reset_at        timestamptz,
    max_parallel_requests  bigint,
    tpm_limit              bigint,
    rpm_limit              bigint,
    rotation_count         bigint      NOT NULL DEFAULT 0,
    last_rotation_at       timestamptz,
    last_active            timestamptz,
    created_at             timestamptz NOT NULL DEFAULT now(),
    created_by             text,
    updated_at             timestamptz NOT NULL DEFAULT now(),
    updated_by             text
);
CREATE UNIQUE INDEX verification_token_alias ON verification_token (key_alias) WHERE key_alias IS NOT NULL;
CREATE INDEX verification_token_user ON verification_token (user_id, created_at DESC, token DESC);
CREATE INDEX verification_token_team ON verification_token (team_id, created_at DESC, token DESC);
CREATE INDEX verification_token_created ON verification_token (created_at DESC, token DESC);

-- sealed_params is litellm_params as JSON, sealed as a whole: any of them may
-- be a credential.
CREATE TABLE proxy_model_table (
    model_id      text PRIMARY KEY,
    model_name    text        NOT NULL,
    sealed_params bytea       NOT NULL,
    model_info    jsonb       NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    text        NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    text        NOT NULL
);

-- One row for each answered request. The primary key is what makes booking
-- exactly-once: an event that is delivered again finds its row.
CREATE TABLE spend_logs (
    request_id            text PRIMARY KEY,
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
    prompt_tokens         bigint      NOT NULL,
    completion_tokens     bigint      NOT NULL,
    cached_tokens         bigint      NOT NULL,
    reasoning_tokens      bigint      NOT NULL,
    spend_nano            bigint      NOT NULL,
    start_time            timestamptz NOT NULL,
    end_time              timestamptz NOT NULL,
    completion_start_time timestamptz,
    requester_ip_address  text,
    replica               text        NOT NULL DEFAULT ''
);
CREATE INDEX spend_logs_start ON spend_logs (start_time);
CREATE INDEX spend_logs_key ON spend_logs (api_key, start_time);

-- Usage that could not be read, kept for a person to look at.
CREATE TABLE usage_dead (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject     text        NOT NULL,
    payload     bytea       NOT NULL,
    reason      text        NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

-- A row here says that an object changed and that the bus does not know yet.
-- Whoever publishes it renders the object as it then stands, so the row needs
-- no payload.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text        NOT NULL,
    object_id  text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE outbox, usage_dead, spend_logs, proxy_model_table, verification_token, user_table, team_table;

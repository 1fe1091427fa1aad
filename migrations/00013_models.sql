-- Credentials that deployments share by name, groups of models that keys and
-- teams are given, fallbacks, and what deployments were missing.

-- +goose Up
-- blocked takes a deployment away from data planes and keeps its row.
ALTER TABLE proxy_model_table ADD COLUMN blocked boolean NOT NULL DEFAULT false;

-- sealed_values is credential_values as JSON, sealed as a whole.
CREATE TABLE credentials_table (
    credential_name text        PRIMARY KEY,
    sealed_values   bytea       NOT NULL,
    credential_info jsonb       NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      text        NOT NULL,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      text        NOT NULL
);

-- Who has a group stands in access_group_ids of teams and keys, and nowhere else.
CREATE TABLE access_group_table (
    access_group_id       text        PRIMARY KEY,
    access_group_name     text        NOT NULL,
    description           text,
    access_model_names    text[]      NOT NULL DEFAULT '{}',
    access_mcp_server_ids text[]      NOT NULL DEFAULT '{}',
    access_agent_ids      text[]      NOT NULL DEFAULT '{}',
    created_at            timestamptz NOT NULL DEFAULT now(),
    created_by            text,
    updated_at            timestamptz NOT NULL DEFAULT now(),
    updated_by            text,
    CONSTRAINT access_group_table_name UNIQUE (access_group_name)
);

-- deleted_team_table has the columns of team_table in the same order.
ALTER TABLE team_table ADD COLUMN IF NOT EXISTS access_group_ids text[] NOT NULL DEFAULT '{}';
ALTER TABLE deleted_team_table ADD COLUMN IF NOT EXISTS access_group_ids text[] NOT NULL DEFAULT '{}';
CREATE INDEX team_table_groups ON team_table USING gin (access_group_ids);

CREATE TABLE fallback_table (
    model           text        NOT NULL,
    fallback_type   text        NOT NULL,
    fallback_models text[]      NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      text        NOT NULL,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      text        NOT NULL,
    PRIMARY KEY (model, fallback_type)
);

-- +goose Down
DROP TABLE fallback_table, access_group_table, credentials_table;
ALTER TABLE team_table DROP COLUMN access_group_ids;
ALTER TABLE deleted_team_table DROP COLUMN access_group_ids;
ALTER TABLE proxy_model_table DROP COLUMN blocked;

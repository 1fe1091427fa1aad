-- +goose Up
-- What keys have beside what they are held to. deleted_verification_token has
-- the same columns in the same order.
ALTER TABLE verification_token
    ADD COLUMN agent_id             text,
    ADD COLUMN project_id           text,
    ADD COLUMN object_permission_id text,
    ADD COLUMN access_group_ids     text[]  NOT NULL DEFAULT '{}',
    ADD COLUMN router_settings      jsonb,
    ADD COLUMN auto_rotate          boolean NOT NULL DEFAULT false,
    ADD COLUMN rotation_interval    text,
    ADD COLUMN key_rotation_at      timestamptz;
ALTER TABLE deleted_verification_token
    ADD COLUMN agent_id             text,
    ADD COLUMN project_id           text,
    ADD COLUMN object_permission_id text,
    ADD COLUMN access_group_ids     text[]  NOT NULL DEFAULT '{}',
    ADD COLUMN router_settings      jsonb,
    ADD COLUMN auto_rotate          boolean NOT NULL DEFAULT false,
    ADD COLUMN rotation_interval    text,
    ADD COLUMN key_rotation_at      timestamptz;

-- What a key may reach beside models. A row belongs to the one object that
-- names it.
CREATE TABLE object_permission_table (
    object_permission_id text   PRIMARY KEY,
    mcp_servers          text[] NOT NULL DEFAULT '{}',
    mcp_access_groups    text[] NOT NULL DEFAULT '{}',
    mcp_tool_permissions jsonb,
    mcp_toolsets         text[] NOT NULL DEFAULT '{}',
    blocked_tools        text[] NOT NULL DEFAULT '{}',
    vector_stores        text[] NOT NULL DEFAULT '{}',
    agents               text[] NOT NULL DEFAULT '{}',
    agent_access_groups  text[] NOT NULL DEFAULT '{}',
    models               text[] NOT NULL DEFAULT '{}'
);

-- Former texts of keys that work until revoke_at, as the key that they were
-- replaced by. What is over has no effect, whether its row is there or not.
CREATE TABLE deprecated_verification_token (
    token           text        PRIMARY KEY,
    active_token_id text        NOT NULL,
    revoke_at       timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deprecated_verification_token_active ON deprecated_verification_token (active_token_id);
CREATE INDEX deprecated_verification_token_revoke ON deprecated_verification_token (revoke_at);

-- Lists of keys leave those of sessions out, whose team is litellm-dashboard,
-- and are read from these alone, in both directions. There is none by spend: no
-- booking could then leave all indexes alone (a heap-only update), and it would
-- take seven times as long.
ALTER TABLE verification_token SET (fillfactor = 85);
DROP INDEX verification_token_created;
CREATE INDEX verification_token_by_created ON verification_token (created_at, token) WHERE team_id IS DISTINCT FROM 'litellm-dashboard';
CREATE INDEX verification_token_by_updated ON verification_token (updated_at, token) WHERE team_id IS DISTINCT FROM 'litellm-dashboard';
CREATE INDEX verification_token_by_budget ON verification_token (max_budget_nano, token) WHERE team_id IS DISTINCT FROM 'litellm-dashboard';
CREATE INDEX verification_token_by_alias ON verification_token (key_alias, token) WHERE team_id IS DISTINCT FROM 'litellm-dashboard';
CREATE INDEX verification_token_creator ON verification_token (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX verification_token_project ON verification_token (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX verification_token_groups ON verification_token USING gin (access_group_ids);
CREATE INDEX verification_token_rotation ON verification_token (key_rotation_at) WHERE auto_rotate;

-- +goose Down
ALTER TABLE verification_token RESET (fillfactor);
DROP INDEX verification_token_rotation, verification_token_groups, verification_token_project, verification_token_creator, verification_token_by_alias,
    verification_token_by_budget, verification_token_by_updated, verification_token_by_created;
CREATE INDEX verification_token_created ON verification_token (created_at DESC, token DESC);
DROP TABLE deprecated_verification_token, object_permission_table;
ALTER TABLE deleted_verification_token
    DROP COLUMN agent_id, DROP COLUMN project_id, DROP COLUMN object_permission_id, DROP COLUMN access_group_ids, DROP COLUMN router_settings,
    DROP COLUMN auto_rotate, DROP COLUMN rotation_interval, DROP COLUMN key_rotation_at;
ALTER TABLE verification_token
    DROP COLUMN agent_id, DROP COLUMN project_id, DROP COLUMN object_permission_id, DROP COLUMN access_group_ids, DROP COLUMN router_settings,
    DROP COLUMN auto_rotate, DROP COLUMN rotation_interval, DROP COLUMN key_rotation_at;

-- +goose Up
-- Budgets by id. One without an owner is a tier, which many may use. The others
-- belong to one customer, organisation, tag, team or member each: they say what
-- is different there, and the rest is taken from the tier that they are based
-- on. owner is the kind and the id of an object, as in outbox.
CREATE TABLE budget_table (
    budget_id             text PRIMARY KEY,
    owner                 text,
    based_on              text,
    max_budget_nano       bigint,
    soft_budget_nano      bigint,
    budget_duration       text,
    budget_reset_at       timestamptz,
    max_parallel_requests bigint,
    tpm_limit             bigint,
    rpm_limit             bigint,
    tph_limit             bigint,
    rph_limit             bigint,
    tpd_limit             bigint,
    rpd_limit             bigint,
    budget_limits         jsonb       NOT NULL DEFAULT '[]',
    model_max_budget      jsonb       NOT NULL DEFAULT '{}',
    metadata              jsonb       NOT NULL DEFAULT '{}',
    created_at            timestamptz NOT NULL DEFAULT now(),
    created_by            text        NOT NULL,
    updated_at            timestamptz NOT NULL DEFAULT now(),
    updated_by            text        NOT NULL
);
CREATE UNIQUE INDEX budget_table_owner ON budget_table (owner) WHERE owner IS NOT NULL;
CREATE INDEX budget_table_based_on ON budget_table (based_on, budget_id) WHERE based_on IS NOT NULL;

-- Customers, whom requests name. The ledger makes those that nobody registered:
-- they are not managed, and data planes are not told of them.
CREATE TABLE end_user_table (
    user_id              text PRIMARY KEY,
    alias                text,
    spend_nano           bigint      NOT NULL DEFAULT 0,
    budget_reset_at      timestamptz,
    allowed_model_region text,
    default_model        text,
    budget_id            text,
    blocked              boolean     NOT NULL DEFAULT false,
    managed              boolean     NOT NULL DEFAULT true,
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX end_user_table_budget ON end_user_table (budget_id, user_id) WHERE budget_id IS NOT NULL;
CREATE INDEX end_user_table_managed ON end_user_table (user_id) WHERE managed;
CREATE INDEX end_user_table_blocked ON end_user_table (user_id) WHERE blocked;

CREATE TABLE organization_table (
    organization_id    text PRIMARY KEY,
    organization_alias text        NOT NULL,
    budget_id          text,
    metadata           jsonb       NOT NULL DEFAULT '{}',
    models             text[]      NOT NULL DEFAULT '{}',
    spend_nano         bigint      NOT NULL DEFAULT 0,
    budget_reset_at    timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    created_by         text        NOT NULL,
    updated_at         timestamptz NOT NULL DEFAULT now(),
    updated_by         text        NOT NULL
);
CREATE INDEX organization_table_budget ON organization_table (budget_id, organization_id) WHERE budget_id IS NOT NULL;
CREATE INDEX team_table_organization ON team_table (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX verification_token_organization ON verification_token (organization_id) WHERE organization_id IS NOT NULL;

CREATE TABLE organization_membership (
    organization_id text        NOT NULL,
    user_id         text        NOT NULL,
    user_role       text,
    spend_nano      bigint      NOT NULL DEFAULT 0,
    budget_id       text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX organization_membership_user ON organization_membership (user_id);
CREATE INDEX organization_membership_budget ON organization_membership (budget_id, organization_id, user_id) WHERE budget_id IS NOT NULL;

CREATE TABLE tag_table (
    tag_name        text PRIMARY KEY,
    description     text,
    models          text[]      NOT NULL DEFAULT '{}',
    model_info      jsonb       NOT NULL DEFAULT '{}',
    spend_nano      bigint      NOT NULL DEFAULT 0,
    budget_reset_at timestamptz,
    budget_id       text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      text,
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tag_table_budget ON tag_table (budget_id, tag_name) WHERE budget_id IS NOT NULL;

-- What a user spends and may spend in a team; who is in it with which role is in
-- team_table. A member without a budget has that of the team's metadata.
CREATE TABLE team_membership (
    team_id         text        NOT NULL,
    user_id         text        NOT NULL,
    spend_nano      bigint      NOT NULL DEFAULT 0,
    budget_reset_at timestamptz,
    budget_id       text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_membership_user ON team_membership (user_id);
CREATE INDEX team_membership_budget ON team_membership (budget_id, team_id, user_id) WHERE budget_id IS NOT NULL;
CREATE INDEX team_table_member_budget ON team_table ((metadata->>'team_member_budget_id')) WHERE metadata ? 'team_member_budget_id';

INSERT INTO team_membership (team_id, user_id)
SELECT t.team_id, m->>'user_id' FROM team_table t,
    jsonb_array_elements(CASE jsonb_typeof(t.members_with_roles) WHEN 'array' THEN t.members_with_roles ELSE '[]' END) m
WHERE m->>'user_id' IS NOT NULL ON CONFLICT DO NOTHING;

-- +goose Down
DROP INDEX team_table_member_budget, team_table_organization, verification_token_organization;
DROP TABLE team_membership, tag_table, organization_membership, organization_table, end_user_table, budget_table;

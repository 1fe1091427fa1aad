-- +goose Up
-- What keys, teams and users are held to. Null is no limit, zero refuses all.
-- budget_limits are further budgets, each [{"budget_duration", "max_budget"}];
-- limits by model, types of limits and temporary increases are in metadata, as
-- at LiteLLM. budget_id names a row of budgets that a key shares with others.
ALTER TABLE verification_token
    ADD COLUMN rph_limit        bigint,
    ADD COLUMN tph_limit        bigint,
    ADD COLUMN rpd_limit        bigint,
    ADD COLUMN tpd_limit        bigint,
    ADD COLUMN soft_budget_nano bigint,
    ADD COLUMN budget_limits    jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN budget_id        text;
CREATE INDEX verification_token_budget ON verification_token (budget_id, token) WHERE budget_id IS NOT NULL;

ALTER TABLE team_table
    ADD COLUMN rph_limit        bigint,
    ADD COLUMN tph_limit        bigint,
    ADD COLUMN rpd_limit        bigint,
    ADD COLUMN tpd_limit        bigint,
    ADD COLUMN soft_budget_nano bigint,
    ADD COLUMN budget_limits    jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN model_max_budget jsonb NOT NULL DEFAULT '{}';

ALTER TABLE user_table
    ADD COLUMN rph_limit        bigint,
    ADD COLUMN tph_limit        bigint,
    ADD COLUMN rpd_limit        bigint,
    ADD COLUMN tpd_limit        bigint,
    ADD COLUMN soft_budget_nano bigint,
    ADD COLUMN budget_limits    jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN model_max_budget jsonb NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE user_table
    DROP COLUMN rph_limit, DROP COLUMN tph_limit, DROP COLUMN rpd_limit, DROP COLUMN tpd_limit,
    DROP COLUMN soft_budget_nano, DROP COLUMN budget_limits, DROP COLUMN model_max_budget;
ALTER TABLE team_table
    DROP COLUMN rph_limit, DROP COLUMN tph_limit, DROP COLUMN rpd_limit, DROP COLUMN tpd_limit,
    DROP COLUMN soft_budget_nano, DROP COLUMN budget_limits, DROP COLUMN model_max_budget;
DROP INDEX verification_token_budget;
ALTER TABLE verification_token
    DROP COLUMN rph_limit, DROP COLUMN tph_limit, DROP COLUMN rpd_limit, DROP COLUMN tpd_limit,
    DROP COLUMN soft_budget_nano, DROP COLUMN budget_limits, DROP COLUMN budget_id;

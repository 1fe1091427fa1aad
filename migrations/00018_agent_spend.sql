-- What the calls of agents cost: a key may say whose it is.

-- +goose Up
ALTER TABLE spend_logs ADD COLUMN agent_id text;

CREATE TABLE daily_agent_spend (
    date                        date             NOT NULL,
    agent_id                    text COLLATE "C" NOT NULL,
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
    PRIMARY KEY (agent_id, date, api_key, model, model_group, custom_llm_provider, call_type)
) WITH (fillfactor = 50);
CREATE INDEX daily_agent_spend_date ON daily_agent_spend (date);

-- +goose Down
DROP TABLE daily_agent_spend;
ALTER TABLE spend_logs DROP COLUMN agent_id;

-- What the ledger adds to the sums of days. Rows are sorted, so that two
-- transactions never wait for each other in a circle.

-- name: DailyUserAdd :exec
INSERT INTO daily_user_spend (date, user_id, api_key, model, model_group, custom_llm_provider, call_type,
    prompt_tokens, completion_tokens, cache_read_input_tokens, cache_creation_input_tokens, spend_nano, successful_requests, failed_requests, cache_hit_requests, cache_hit_tokens, api_requests)
SELECT unnest(@dates::date[]), unnest(@entities::text[]), unnest(@api_key::text[]), unnest(@model::text[]), unnest(@model_group::text[]), unnest(@custom_llm_provider::text[]), unnest(@call_type::text[]),
    unnest(@prompt_tokens::bigint[]), unnest(@completion_tokens::bigint[]), unnest(@cache_read_input_tokens::bigint[]), unnest(@cache_creation_input_tokens::bigint[]),
    unnest(@spend_nano::bigint[]), unnest(@successful_requests::bigint[]), unnest(@failed_requests::bigint[]), unnest(@cache_hit_requests::bigint[]), unnest(@cache_hit_tokens::bigint[]), unnest(@api_requests::bigint[])
ON CONFLICT (user_id, date, api_key, model, model_group, custom_llm_provider, call_type) DO UPDATE SET
    prompt_tokens = daily_user_spend.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = daily_user_spend.completion_tokens + excluded.completion_tokens,
    cache_read_input_tokens = daily_user_spend.cache_read_input_tokens + excluded.cache_read_input_tokens,
    cache_creation_input_tokens = daily_user_spend.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
    spend_nano = daily_user_spend.spend_nano + excluded.spend_nano,
    successful_requests = daily_user_spend.successful_requests + excluded.successful_requests,
    failed_requests = daily_user_spend.failed_requests + excluded.failed_requests,
    cache_hit_requests = daily_user_spend.cache_hit_requests + excluded.cache_hit_requests,
    cache_hit_tokens = daily_user_spend.cache_hit_tokens + excluded.cache_hit_tokens,
    api_requests = daily_user_spend.api_requests + excluded.api_requests;

-- name: DailyTeamAdd :exec
INSERT INTO daily_team_spend (date, team_id, api_key, model, model_group, custom_llm_provider, call_type,
    prompt_tokens, completion_tokens, cache_read_input_tokens, cache_creation_input_tokens, spend_nano, successful_requests, failed_requests, api_requests)
SELECT unnest(@dates::date[]), unnest(@entities::text[]), unnest(@api_key::text[]), unnest(@model::text[]), unnest(@model_group::text[]), unnest(@custom_llm_provider::text[]), unnest(@call_type::text[]),
    unnest(@prompt_tokens::bigint[]), unnest(@completion_tokens::bigint[]), unnest(@cache_read_input_tokens::bigint[]), unnest(@cache_creation_input_tokens::bigint[]),
    unnest(@spend_nano::bigint[]), unnest(@successful_requests::bigint[]), unnest(@failed_requests::bigint[]), unnest(@api_requests::bigint[])
ON CONFLICT (team_id, date, api_key, model, model_group, custom_llm_provider, call_type) DO UPDATE SET
    prompt_tokens = daily_team_spend.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = daily_team_spend.completion_tokens + excluded.completion_tokens,
    cache_read_input_tokens = daily_team_spend.cache_read_input_tokens + excluded.cache_read_input_tokens,
    cache_creation_input_tokens = daily_team_spend.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
    spend_nano = daily_team_spend.spend_nano + excluded.spend_nano,
    successful_requests = daily_team_spend.successful_requests + excluded.successful_requests,
    failed_requests = daily_team_spend.failed_requests + excluded.failed_requests,
    api_requests = daily_team_spend.api_requests + excluded.api_requests;

-- name: DailyTagAdd :exec
INSERT INTO daily_tag_spend (date, tag, api_key, model, model_group, custom_llm_provider, call_type,
    prompt_tokens, completion_tokens, cache_read_input_tokens, cache_creation_input_tokens, spend_nano, successful_requests, failed_requests, api_requests)
SELECT unnest(@dates::date[]), unnest(@entities::text[]), unnest(@api_key::text[]), unnest(@model::text[]), unnest(@model_group::text[]), unnest(@custom_llm_provider::text[]), unnest(@call_type::text[]),
    unnest(@prompt_tokens::bigint[]), unnest(@completion_tokens::bigint[]), unnest(@cache_read_input_tokens::bigint[]), unnest(@cache_creation_input_tokens::bigint[]),
    unnest(@spend_nano::bigint[]), unnest(@successful_requests::bigint[]), unnest(@failed_requests::bigint[]), unnest(@api_requests::bigint[])
ON CONFLICT (tag, date, api_key, model, model_group, custom_llm_provider, call_type) DO UPDATE SET
    prompt_tokens = daily_tag_spend.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = daily_tag_spend.completion_tokens + excluded.completion_tokens,
    cache_read_input_tokens = daily_tag_spend.cache_read_input_tokens + excluded.cache_read_input_tokens,
    cache_creation_input_tokens = daily_tag_spend.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
    spend_nano = daily_tag_spend.spend_nano + excluded.spend_nano,
    successful_requests = daily_tag_spend.successful_requests + excluded.successful_requests,
    failed_requests = daily_tag_spend.failed_requests + excluded.failed_requests,
    api_requests = daily_tag_spend.api_requests + excluded.api_requests;

-- name: DailyOrgAdd :exec
INSERT INTO daily_organization_spend (date, organization_id, api_key, model, model_group, custom_llm_provider, call_type,
    prompt_tokens, completion_tokens, cache_read_input_tokens, cache_creation_input_tokens, spend_nano, successful_requests, failed_requests, api_requests)
SELECT unnest(@dates::date[]), unnest(@entities::text[]), unnest(@api_key::text[]), unnest(@model::text[]), unnest(@model_group::text[]), unnest(@custom_llm_provider::text[]), unnest(@call_type::text[]),
    unnest(@prompt_tokens::bigint[]), unnest(@completion_tokens::bigint[]), unnest(@cache_read_input_tokens::bigint[]), unnest(@cache_creation_input_tokens::bigint[]),
    unnest(@spend_nano::bigint[]), unnest(@successful_requests::bigint[]), unnest(@failed_requests::bigint[]), unnest(@api_requests::bigint[])
ON CONFLICT (organization_id, date, api_key, model, model_group, custom_llm_provider, call_type) DO UPDATE SET
    prompt_tokens = daily_organization_spend.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = daily_organization_spend.completion_tokens + excluded.completion_tokens,
    cache_read_input_tokens = daily_organization_spend.cache_read_input_tokens + excluded.cache_read_input_tokens,
    cache_creation_input_tokens = daily_organization_spend.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
    spend_nano = daily_organization_spend.spend_nano + excluded.spend_nano,
    successful_requests = daily_organization_spend.successful_requests + excluded.successful_requests,
    failed_requests = daily_organization_spend.failed_requests + excluded.failed_requests,
    api_requests = daily_organization_spend.api_requests + excluded.api_requests;

-- name: DailyCustomerAdd :exec
INSERT INTO daily_customer_spend (date, end_user_id, api_key, model, model_group, custom_llm_provider, call_type,
    prompt_tokens, completion_tokens, cache_read_input_tokens, cache_creation_input_tokens, spend_nano, successful_requests, failed_requests, api_requests)
SELECT unnest(@dates::date[]), unnest(@entities::text[]), unnest(@api_key::text[]), unnest(@model::text[]), unnest(@model_group::text[]), unnest(@custom_llm_provider::text[]), unnest(@call_type::text[]),
    unnest(@prompt_tokens::bigint[]), unnest(@completion_tokens::bigint[]), unnest(@cache_read_input_tokens::bigint[]), unnest(@cache_creation_input_tokens::bigint[]),
    unnest(@spend_nano::bigint[]), unnest(@successful_requests::bigint[]), unnest(@failed_requests::bigint[]), unnest(@api_requests::bigint[])
ON CONFLICT (end_user_id, date, api_key, model, model_group, custom_llm_provider, call_type) DO UPDATE SET
    prompt_tokens = daily_customer_spend.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = daily_customer_spend.completion_tokens + excluded.completion_tokens,
    cache_read_input_tokens = daily_customer_spend.cache_read_input_tokens + excluded.cache_read_input_tokens,
    cache_creation_input_tokens = daily_customer_spend.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
    spend_nano = daily_customer_spend.spend_nano + excluded.spend_nano,
    successful_requests = daily_customer_spend.successful_requests + excluded.successful_requests,
    failed_requests = daily_customer_spend.failed_requests + excluded.failed_requests,
    api_requests = daily_customer_spend.api_requests + excluded.api_requests;

-- name: DailyAgentAdd :exec
INSERT INTO daily_agent_spend (date, agent_id, api_key, model, model_group, custom_llm_provider, call_type,
    prompt_tokens, completion_tokens, cache_read_input_tokens, cache_creation_input_tokens, spend_nano, successful_requests, failed_requests, api_requests)
SELECT unnest(@dates::date[]), unnest(@entities::text[]), unnest(@api_key::text[]), unnest(@model::text[]), unnest(@model_group::text[]), unnest(@custom_llm_provider::text[]), unnest(@call_type::text[]),
    unnest(@prompt_tokens::bigint[]), unnest(@completion_tokens::bigint[]), unnest(@cache_read_input_tokens::bigint[]), unnest(@cache_creation_input_tokens::bigint[]),
    unnest(@spend_nano::bigint[]), unnest(@successful_requests::bigint[]), unnest(@failed_requests::bigint[]), unnest(@api_requests::bigint[])
ON CONFLICT (agent_id, date, api_key, model, model_group, custom_llm_provider, call_type) DO UPDATE SET
    prompt_tokens = daily_agent_spend.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = daily_agent_spend.completion_tokens + excluded.completion_tokens,
    cache_read_input_tokens = daily_agent_spend.cache_read_input_tokens + excluded.cache_read_input_tokens,
    cache_creation_input_tokens = daily_agent_spend.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
    spend_nano = daily_agent_spend.spend_nano + excluded.spend_nano,
    successful_requests = daily_agent_spend.successful_requests + excluded.successful_requests,
    failed_requests = daily_agent_spend.failed_requests + excluded.failed_requests,
    api_requests = daily_agent_spend.api_requests + excluded.api_requests;

-- name: DailyModelAdd :exec
INSERT INTO daily_model_spend (date, model, model_group, custom_llm_provider, call_type, api_base,
    prompt_tokens, completion_tokens, cache_read_input_tokens, cache_creation_input_tokens, spend_nano, successful_requests, failed_requests, rate_limited_requests, api_requests)
SELECT unnest(@dates::date[]), unnest(@model::text[]), unnest(@model_group::text[]), unnest(@custom_llm_provider::text[]), unnest(@call_type::text[]), unnest(@api_base::text[]),
    unnest(@prompt_tokens::bigint[]), unnest(@completion_tokens::bigint[]), unnest(@cache_read_input_tokens::bigint[]), unnest(@cache_creation_input_tokens::bigint[]),
    unnest(@spend_nano::bigint[]), unnest(@successful_requests::bigint[]), unnest(@failed_requests::bigint[]), unnest(@rate_limited_requests::bigint[]), unnest(@api_requests::bigint[])
ON CONFLICT (date, model, model_group, custom_llm_provider, call_type, api_base) DO UPDATE SET
    prompt_tokens = daily_model_spend.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = daily_model_spend.completion_tokens + excluded.completion_tokens,
    cache_read_input_tokens = daily_model_spend.cache_read_input_tokens + excluded.cache_read_input_tokens,
    cache_creation_input_tokens = daily_model_spend.cache_creation_input_tokens + excluded.cache_creation_input_tokens,
    spend_nano = daily_model_spend.spend_nano + excluded.spend_nano,
    successful_requests = daily_model_spend.successful_requests + excluded.successful_requests,
    failed_requests = daily_model_spend.failed_requests + excluded.failed_requests,
    rate_limited_requests = daily_model_spend.rate_limited_requests + excluded.rate_limited_requests,
    api_requests = daily_model_spend.api_requests + excluded.api_requests;

-- Reports on the sums of days. A filter that is null lets everything through;
-- the planner sees the values (store.Reader), so that each report takes the
-- index that fits its filters.

-- name: UserActivity :many
SELECT d.date, d.user_id::text AS entity, d.api_key::text AS api_key, d.model::text AS model, d.model_group::text AS model_group,
    d.custom_llm_provider::text AS custom_llm_provider, d.call_type::text AS call_type, d.prompt_tokens, d.completion_tokens,
    d.cache_read_input_tokens, d.cache_creation_input_tokens, d.spend_nano, d.api_requests, d.successful_requests, d.failed_requests,
    v.key_alias, v.team_id AS key_team_id, n.user_email AS entity_alias
FROM (
    SELECT * FROM daily_user_spend d
    WHERE d.date BETWEEN @start_date::date AND @end_date::date
      AND (sqlc.narg(entities)::text[] IS NULL OR d.user_id = ANY(sqlc.narg(entities)::text[]))
      AND (sqlc.narg(excluded)::text[] IS NULL OR d.user_id <> ALL(sqlc.narg(excluded)::text[]))
      AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
      AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
      AND (sqlc.narg(owner)::text IS NULL OR d.user_id = sqlc.narg(owner))
    ORDER BY d.date DESC, d.user_id, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type LIMIT @page_size OFFSET @skip
) d
LEFT JOIN verification_token v ON v.token = d.api_key
LEFT JOIN user_table n ON n.user_id = d.user_id
ORDER BY d.date DESC, d.user_id, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type;

-- name: UserActivityCount :one
SELECT count(*) FROM daily_user_spend d
WHERE d.date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(entities)::text[] IS NULL OR d.user_id = ANY(sqlc.narg(entities)::text[]))
  AND (sqlc.narg(excluded)::text[] IS NULL OR d.user_id <> ALL(sqlc.narg(excluded)::text[]))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
  AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
  AND (sqlc.narg(owner)::text IS NULL OR d.user_id = sqlc.narg(owner));

-- name: TeamActivity :many
SELECT d.date, d.team_id::text AS entity, d.api_key::text AS api_key, d.model::text AS model, d.model_group::text AS model_group,
    d.custom_llm_provider::text AS custom_llm_provider, d.call_type::text AS call_type, d.prompt_tokens, d.completion_tokens,
    d.cache_read_input_tokens, d.cache_creation_input_tokens, d.spend_nano, d.api_requests, d.successful_requests, d.failed_requests,
    v.key_alias, v.team_id AS key_team_id, n.team_alias AS entity_alias
FROM (
    SELECT * FROM daily_team_spend d
    WHERE d.date BETWEEN @start_date::date AND @end_date::date
      AND (sqlc.narg(entities)::text[] IS NULL OR d.team_id = ANY(sqlc.narg(entities)::text[]))
      AND (sqlc.narg(excluded)::text[] IS NULL OR d.team_id <> ALL(sqlc.narg(excluded)::text[]))
      AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
      AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
      AND (sqlc.narg(owner)::text IS NULL OR d.team_id = ANY(@led::text[])
        OR d.api_key IN (SELECT o.token FROM verification_token o WHERE o.user_id = sqlc.narg(owner)))
    ORDER BY d.date DESC, d.team_id, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type LIMIT @page_size OFFSET @skip
) d
LEFT JOIN verification_token v ON v.token = d.api_key
LEFT JOIN team_table n ON n.team_id = d.team_id
ORDER BY d.date DESC, d.team_id, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type;

-- name: TeamActivityCount :one
SELECT count(*) FROM daily_team_spend d
WHERE d.date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(entities)::text[] IS NULL OR d.team_id = ANY(sqlc.narg(entities)::text[]))
  AND (sqlc.narg(excluded)::text[] IS NULL OR d.team_id <> ALL(sqlc.narg(excluded)::text[]))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
  AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
  AND (sqlc.narg(owner)::text IS NULL OR d.team_id = ANY(@led::text[])
    OR d.api_key IN (SELECT o.token FROM verification_token o WHERE o.user_id = sqlc.narg(owner)));

-- name: TagActivity :many
SELECT d.date, d.tag::text AS entity, d.api_key::text AS api_key, d.model::text AS model, d.model_group::text AS model_group,
    d.custom_llm_provider::text AS custom_llm_provider, d.call_type::text AS call_type, d.prompt_tokens, d.completion_tokens,
    d.cache_read_input_tokens, d.cache_creation_input_tokens, d.spend_nano, d.api_requests, d.successful_requests, d.failed_requests,
    v.key_alias, v.team_id AS key_team_id, n.description AS entity_alias
FROM (
    SELECT * FROM daily_tag_spend d
    WHERE d.date BETWEEN @start_date::date AND @end_date::date
      AND (sqlc.narg(entities)::text[] IS NULL OR d.tag = ANY(sqlc.narg(entities)::text[]))
      AND (sqlc.narg(excluded)::text[] IS NULL OR d.tag <> ALL(sqlc.narg(excluded)::text[]))
      AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
      AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
      AND (sqlc.narg(owner)::text IS NULL OR d.api_key IN (SELECT o.token FROM verification_token o WHERE o.user_id = sqlc.narg(owner)))
    ORDER BY d.date DESC, d.tag, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type LIMIT @page_size OFFSET @skip
) d
LEFT JOIN verification_token v ON v.token = d.api_key
LEFT JOIN tag_table n ON n.tag_name = d.tag
ORDER BY d.date DESC, d.tag, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type;

-- name: TagActivityCount :one
SELECT count(*) FROM daily_tag_spend d
WHERE d.date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(entities)::text[] IS NULL OR d.tag = ANY(sqlc.narg(entities)::text[]))
  AND (sqlc.narg(excluded)::text[] IS NULL OR d.tag <> ALL(sqlc.narg(excluded)::text[]))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
  AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
  AND (sqlc.narg(owner)::text IS NULL OR d.api_key IN (SELECT o.token FROM verification_token o WHERE o.user_id = sqlc.narg(owner)));

-- name: OrgActivity :many
SELECT d.date, d.organization_id::text AS entity, d.api_key::text AS api_key, d.model::text AS model, d.model_group::text AS model_group,
    d.custom_llm_provider::text AS custom_llm_provider, d.call_type::text AS call_type, d.prompt_tokens, d.completion_tokens,
    d.cache_read_input_tokens, d.cache_creation_input_tokens, d.spend_nano, d.api_requests, d.successful_requests, d.failed_requests,
    v.key_alias, v.team_id AS key_team_id, n.organization_alias AS entity_alias
FROM (
    SELECT * FROM daily_organization_spend d
    WHERE d.date BETWEEN @start_date::date AND @end_date::date
      AND (sqlc.narg(entities)::text[] IS NULL OR d.organization_id = ANY(sqlc.narg(entities)::text[]))
      AND (sqlc.narg(excluded)::text[] IS NULL OR d.organization_id <> ALL(sqlc.narg(excluded)::text[]))
      AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
      AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
      AND (sqlc.narg(owner)::text IS NULL OR d.api_key IN (SELECT o.token FROM verification_token o WHERE o.user_id = sqlc.narg(owner)))
    ORDER BY d.date DESC, d.organization_id, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type LIMIT @page_size OFFSET @skip
) d
LEFT JOIN verification_token v ON v.token = d.api_key
LEFT JOIN organization_table n ON n.organization_id = d.organization_id
ORDER BY d.date DESC, d.organization_id, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type;

-- name: OrgActivityCount :one
SELECT count(*) FROM daily_organization_spend d
WHERE d.date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(entities)::text[] IS NULL OR d.organization_id = ANY(sqlc.narg(entities)::text[]))
  AND (sqlc.narg(excluded)::text[] IS NULL OR d.organization_id <> ALL(sqlc.narg(excluded)::text[]))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
  AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
  AND (sqlc.narg(owner)::text IS NULL OR d.api_key IN (SELECT o.token FROM verification_token o WHERE o.user_id = sqlc.narg(owner)));

-- name: CustomerActivity :many
SELECT d.date, d.end_user_id::text AS entity, d.api_key::text AS api_key, d.model::text AS model, d.model_group::text AS model_group,
    d.custom_llm_provider::text AS custom_llm_provider, d.call_type::text AS call_type, d.prompt_tokens, d.completion_tokens,
    d.cache_read_input_tokens, d.cache_creation_input_tokens, d.spend_nano, d.api_requests, d.successful_requests, d.failed_requests,
    v.key_alias, v.team_id AS key_team_id, n.alias AS entity_alias
FROM (
    SELECT * FROM daily_customer_spend d
    WHERE d.date BETWEEN @start_date::date AND @end_date::date
      AND (sqlc.narg(entities)::text[] IS NULL OR d.end_user_id = ANY(sqlc.narg(entities)::text[]))
      AND (sqlc.narg(excluded)::text[] IS NULL OR d.end_user_id <> ALL(sqlc.narg(excluded)::text[]))
      AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
      AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
      AND (sqlc.narg(owner)::text IS NULL OR d.api_key IN (SELECT o.token FROM verification_token o WHERE o.user_id = sqlc.narg(owner)))
    ORDER BY d.date DESC, d.end_user_id, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type LIMIT @page_size OFFSET @skip
) d
LEFT JOIN verification_token v ON v.token = d.api_key
LEFT JOIN end_user_table n ON n.user_id = d.end_user_id
ORDER BY d.date DESC, d.end_user_id, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type;

-- name: CustomerActivityCount :one
SELECT count(*) FROM daily_customer_spend d
WHERE d.date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(entities)::text[] IS NULL OR d.end_user_id = ANY(sqlc.narg(entities)::text[]))
  AND (sqlc.narg(excluded)::text[] IS NULL OR d.end_user_id <> ALL(sqlc.narg(excluded)::text[]))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
  AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
  AND (sqlc.narg(owner)::text IS NULL OR d.api_key IN (SELECT o.token FROM verification_token o WHERE o.user_id = sqlc.narg(owner)));

-- name: AgentActivity :many
SELECT d.date, d.agent_id::text AS entity, d.api_key::text AS api_key, d.model::text AS model, d.model_group::text AS model_group,
    d.custom_llm_provider::text AS custom_llm_provider, d.call_type::text AS call_type, d.prompt_tokens, d.completion_tokens,
    d.cache_read_input_tokens, d.cache_creation_input_tokens, d.spend_nano, d.api_requests, d.successful_requests, d.failed_requests,
    v.key_alias, v.team_id AS key_team_id, NULL::text AS entity_alias
FROM (
    SELECT * FROM daily_agent_spend d
    WHERE d.date BETWEEN @start_date::date AND @end_date::date
      AND (sqlc.narg(entities)::text[] IS NULL OR d.agent_id = ANY(sqlc.narg(entities)::text[]))
      AND (sqlc.narg(excluded)::text[] IS NULL OR d.agent_id <> ALL(sqlc.narg(excluded)::text[]))
      AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
      AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
      AND (sqlc.narg(owner)::text IS NULL OR d.api_key IN (SELECT o.token FROM verification_token o WHERE o.user_id = sqlc.narg(owner)))
    ORDER BY d.date DESC, d.agent_id, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type LIMIT @page_size OFFSET @skip
) d
LEFT JOIN verification_token v ON v.token = d.api_key
ORDER BY d.date DESC, d.agent_id, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type;

-- name: AgentActivityCount :one
SELECT count(*) FROM daily_agent_spend d
WHERE d.date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(entities)::text[] IS NULL OR d.agent_id = ANY(sqlc.narg(entities)::text[]))
  AND (sqlc.narg(excluded)::text[] IS NULL OR d.agent_id <> ALL(sqlc.narg(excluded)::text[]))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
  AND (sqlc.narg(model)::text IS NULL OR d.model = sqlc.narg(model))
  AND (sqlc.narg(owner)::text IS NULL OR d.api_key IN (SELECT o.token FROM verification_token o WHERE o.user_id = sqlc.narg(owner)));

-- name: OwnDays :many
SELECT date, sum(spend_nano)::bigint AS spend_nano, sum(api_requests)::bigint AS api_requests,
    sum(prompt_tokens + completion_tokens)::bigint AS total_tokens
FROM daily_user_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(user_id)::text IS NULL OR d.user_id = sqlc.narg(user_id))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
GROUP BY date ORDER BY date;

-- name: OwnModelDays :many
SELECT date, model_group::text AS model_group, sum(api_requests)::bigint AS api_requests, sum(prompt_tokens + completion_tokens)::bigint AS total_tokens
FROM daily_user_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(user_id)::text IS NULL OR d.user_id = sqlc.narg(user_id))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
GROUP BY date, model_group ORDER BY date, model_group LIMIT 50000;

-- name: OwnModels :many
SELECT model::text AS model, sum(spend_nano)::bigint AS spend_nano, sum(prompt_tokens + completion_tokens)::bigint AS total_tokens
FROM daily_user_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(user_id)::text IS NULL OR d.user_id = sqlc.narg(user_id))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
GROUP BY model ORDER BY sum(spend_nano) DESC, model LIMIT @page_size;

-- name: OwnProviders :many
SELECT custom_llm_provider::text AS provider, sum(spend_nano)::bigint AS spend_nano
FROM daily_user_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(user_id)::text IS NULL OR d.user_id = sqlc.narg(user_id))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
GROUP BY custom_llm_provider ORDER BY sum(spend_nano) DESC, custom_llm_provider LIMIT 1000;

-- name: AllDays :many
SELECT date, sum(spend_nano)::bigint AS spend_nano, sum(api_requests)::bigint AS api_requests,
    sum(prompt_tokens + completion_tokens)::bigint AS total_tokens
FROM daily_model_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date
GROUP BY date ORDER BY date;

-- name: AllModelDays :many
SELECT date, model_group::text AS model_group, sum(api_requests)::bigint AS api_requests, sum(prompt_tokens + completion_tokens)::bigint AS total_tokens
FROM daily_model_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date
GROUP BY date, model_group ORDER BY date, model_group LIMIT 50000;

-- name: AllModels :many
SELECT model::text AS model, sum(spend_nano)::bigint AS spend_nano, sum(prompt_tokens + completion_tokens)::bigint AS total_tokens
FROM daily_model_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date
GROUP BY model ORDER BY sum(spend_nano) DESC, model LIMIT @page_size;

-- name: AllProviders :many
SELECT custom_llm_provider::text AS provider, sum(spend_nano)::bigint AS spend_nano
FROM daily_model_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date
GROUP BY custom_llm_provider ORDER BY sum(spend_nano) DESC, custom_llm_provider LIMIT 1000;

-- name: OwnKeys :many
SELECT k.api_key, k.spend_nano, v.key_alias, v.key_name FROM (
    SELECT d.api_key::text AS api_key, sum(d.spend_nano)::bigint AS spend_nano FROM daily_user_spend d
    WHERE date BETWEEN @start_date::date AND @end_date::date
      AND (sqlc.narg(user_id)::text IS NULL OR d.user_id = sqlc.narg(user_id))
      AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
    GROUP BY d.api_key ORDER BY sum(d.spend_nano) DESC, d.api_key LIMIT @page_size
) k LEFT JOIN verification_token v ON v.token = k.api_key ORDER BY k.spend_nano DESC, k.api_key;

-- name: OwnSummary :many
SELECT date, d.api_key::text AS api_key, d.user_id::text AS user_id, d.model::text AS model, sum(d.spend_nano)::bigint AS spend_nano
FROM daily_user_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(user_id)::text IS NULL OR d.user_id = sqlc.narg(user_id))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT @page_size;

-- name: OwnKeyModels :many
SELECT d.api_key::text AS api_key, d.model::text AS model, sum(d.spend_nano)::bigint AS spend_nano, sum(d.prompt_tokens)::bigint AS prompt_tokens,
    sum(d.completion_tokens)::bigint AS completion_tokens
FROM daily_user_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date
  AND (sqlc.narg(user_id)::text IS NULL OR d.user_id = sqlc.narg(user_id))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
GROUP BY 1, 2 ORDER BY 1, 2 LIMIT @page_size;

-- name: OwnCacheHits :many
SELECT c.*, v.key_alias FROM (
    SELECT d.api_key::text AS api_key, d.call_type::text AS call_type, d.model::text AS model, sum(d.api_requests)::bigint AS total_rows,
        sum(d.cache_hit_requests)::bigint AS cache_hit_rows, sum(d.cache_hit_tokens)::bigint AS cached_tokens,
        sum(d.completion_tokens - d.cache_hit_tokens)::bigint AS generated_tokens
    FROM daily_user_spend d
    WHERE date BETWEEN @start_date::date AND @end_date::date
      AND (sqlc.narg(user_id)::text IS NULL OR d.user_id = sqlc.narg(user_id))
      AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT @page_size
) c LEFT JOIN verification_token v ON v.token = c.api_key ORDER BY c.api_key, c.call_type, c.model;

-- name: RateLimitedDays :many
SELECT date, api_base::text AS api_base, sum(rate_limited_requests)::bigint AS exceptions FROM daily_model_spend
WHERE model_group = @model_group AND date BETWEEN @start_date::date AND @end_date::date AND rate_limited_requests > 0
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: TeamDays :many
SELECT d.date, d.team_id::text AS team_id, t.team_alias, d.spend_nano FROM (
    SELECT date, team_id, sum(spend_nano)::bigint AS spend_nano FROM daily_team_spend
    WHERE date BETWEEN @start_date::date AND @end_date::date GROUP BY 1, 2 ORDER BY 1, 2 LIMIT @page_size
) d LEFT JOIN team_table t ON t.team_id = d.team_id ORDER BY d.date, d.team_id;

-- name: TeamReport :many
SELECT d.date, t.team_alias, d.team_id::text AS team_id, d.model::text AS model, d.api_key::text AS api_key, sum(d.spend_nano)::bigint AS spend_nano,
    sum(d.prompt_tokens + d.completion_tokens)::bigint AS total_tokens
FROM daily_team_spend d LEFT JOIN team_table t ON t.team_id = d.team_id
WHERE date BETWEEN @start_date::date AND @end_date::date AND (sqlc.narg(team_id)::text IS NULL OR d.team_id = sqlc.narg(team_id))
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 3, 4, 5 LIMIT @page_size;

-- name: CustomerReport :many
SELECT d.date, d.end_user_id::text AS end_user_id, d.model::text AS model, d.api_key::text AS api_key, sum(d.spend_nano)::bigint AS spend_nano,
    sum(d.prompt_tokens + d.completion_tokens)::bigint AS total_tokens
FROM daily_customer_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date AND (sqlc.narg(end_user_id)::text IS NULL OR d.end_user_id = sqlc.narg(end_user_id))
  AND (sqlc.narg(team_id)::text IS NULL OR d.api_key IN (SELECT v.token FROM verification_token v WHERE v.team_id = sqlc.narg(team_id)))
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT @page_size;

-- name: TopCustomers :many
SELECT d.end_user_id::text AS end_user, sum(d.api_requests)::bigint AS total_count, sum(d.spend_nano)::bigint AS spend_nano FROM daily_customer_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT 100;

-- name: TagTotals :many
SELECT d.tag::text AS tag, sum(d.api_requests)::bigint AS log_count, sum(d.spend_nano)::bigint AS spend_nano FROM daily_tag_spend d
WHERE date BETWEEN @start_date::date AND @end_date::date AND (sqlc.narg(tags)::text[] IS NULL OR d.tag = ANY(sqlc.narg(tags)::text[]))
  AND (sqlc.narg(owner)::text IS NULL OR d.api_key IN (SELECT o.token FROM verification_token o WHERE o.user_id = sqlc.narg(owner)))
  AND (sqlc.narg(api_key)::text IS NULL OR d.api_key = sqlc.narg(api_key))
GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT @page_size OFFSET @skip;

-- name: TagNames :many
-- Each name once, by skipping from one to the next in the index.
WITH RECURSIVE names(tag) AS (
    (SELECT d.tag::text FROM daily_tag_spend d ORDER BY d.tag LIMIT 1)
    UNION ALL
    SELECT (SELECT d.tag::text FROM daily_tag_spend d WHERE d.tag > n.tag ORDER BY d.tag LIMIT 1) FROM names n WHERE n.tag IS NOT NULL
)
SELECT tag::text AS tag FROM names WHERE tag IS NOT NULL LIMIT 10000;

-- name: ExportDays :many
-- A page of the export: rows after the last one of the page before.
SELECT d.date, d.user_id::text AS user_id, d.api_key::text AS api_key, d.model::text AS model, d.model_group::text AS model_group,
    d.custom_llm_provider::text AS custom_llm_provider, d.call_type::text AS call_type, d.prompt_tokens, d.completion_tokens, d.spend_nano, d.api_requests,
    v.key_alias, v.team_id, t.team_alias
FROM daily_user_spend d LEFT JOIN verification_token v ON v.token = d.api_key LEFT JOIN team_table t ON t.team_id = v.team_id
WHERE d.date BETWEEN @start_date::date AND @end_date::date
ORDER BY d.date, d.user_id, d.api_key, d.model, d.model_group, d.custom_llm_provider, d.call_type LIMIT @page_size OFFSET @skip;

-- name: UsersBySpend :many
SELECT * FROM user_table WHERE sqlc.narg(user_id)::text IS NULL OR user_id = sqlc.narg(user_id) ORDER BY spend_nano DESC, user_id LIMIT @page_size;

-- name: KeysResetSpend :many
WITH old AS MATERIALIZED (
    SELECT k.token, k.spend_nano FROM verification_token k WHERE k.spend_nano <> 0 AND k.token > @after ORDER BY k.token LIMIT @page_size FOR NO KEY UPDATE)
UPDATE verification_token v SET spend_nano = 0 FROM old WHERE v.token = old.token RETURNING v.token AS id, old.spend_nano AS was;

-- name: TeamsResetSpend :many
WITH old AS MATERIALIZED (
    SELECT t.team_id, t.spend_nano FROM team_table t WHERE t.spend_nano <> 0 AND t.team_id > @after ORDER BY t.team_id LIMIT @page_size FOR NO KEY UPDATE)
UPDATE team_table v SET spend_nano = 0 FROM old WHERE v.team_id = old.team_id RETURNING v.team_id AS id, old.spend_nano AS was;

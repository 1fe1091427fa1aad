-- name: BudgetSpendAdd :many
-- Books spend, and returns all that is booked in those periods.
INSERT INTO budget_spend AS b (counter, period_start, period_end, opening_nano, spend_nano)
SELECT unnest(@counters::text[]), unnest(@starts::timestamptz[]), NULLIF(unnest(@ends::timestamptz[]), 'epoch'),
    unnest(@openings::bigint[]), unnest(@spends::bigint[])
ON CONFLICT (counter, period_start) DO UPDATE SET spend_nano = b.spend_nano + excluded.spend_nano
RETURNING counter, period_start, (opening_nano + spend_nano)::bigint AS booked;

-- name: BudgetSpendAdjust :exec
-- Makes a period's spend another than what was booked.
INSERT INTO budget_spend AS b (counter, period_start, period_end, opening_nano) VALUES (@counter, @period_start, @period_end, @difference)
ON CONFLICT (counter, period_start) DO UPDATE SET opening_nano = b.opening_nano + excluded.opening_nano;

-- name: BudgetSpendOf :many
SELECT b.counter, b.period_start, (b.opening_nano + b.spend_nano)::bigint AS booked
FROM budget_spend b JOIN (SELECT unnest(@counters::text[]) AS counter, unnest(@starts::timestamptz[]) AS period_start) k
    ON b.counter = k.counter AND b.period_start = k.period_start;

-- name: BudgetSpendAfter :many
-- What is booked in present periods, page by page.
SELECT counter, period_start, (opening_nano + spend_nano)::bigint AS booked FROM budget_spend
WHERE (counter, period_start) > (@after_counter::text, @after_start::timestamptz) AND (period_end IS NULL OR period_end > @now::timestamptz)
ORDER BY counter, period_start LIMIT @page_size;

-- name: BudgetSpendRename :exec
-- Takes what is booked along to counters of other names, in present periods.
INSERT INTO budget_spend AS n (counter, period_start, period_end, opening_nano)
SELECT k.after, b.period_start, b.period_end, b.opening_nano + b.spend_nano
FROM budget_spend b JOIN (SELECT unnest(@before::text[]) AS before, unnest(@after::text[]) AS after) k ON b.counter = k.before
WHERE b.period_end IS NULL OR b.period_end > now()
ON CONFLICT (counter, period_start) DO UPDATE SET opening_nano = excluded.opening_nano, spend_nano = 0;

-- name: BudgetSpendForget :execrows
DELETE FROM budget_spend WHERE ctid = ANY(ARRAY(
    SELECT o.ctid FROM budget_spend o WHERE o.period_end < @ended_before::timestamptz ORDER BY o.period_end LIMIT @page_size));

-- What follows locks principals for the ledger, in one order everywhere, and
-- stores what is spent in their present period. Metadata is read only where it
-- says something about a budget.

-- name: KeysLockSpend :many
SELECT token, key_name, spend_nano, max_budget_nano, soft_budget_nano, budget_duration, budget_reset_at, budget_limits, model_max_budget, budget_id,
    (CASE WHEN metadata ? 'temp_budget_increase' THEN metadata ELSE '{}' END)::jsonb AS metadata
FROM verification_token WHERE token = ANY(@ids::text[]) ORDER BY token FOR NO KEY UPDATE;

-- name: KeysSetSpend :exec
UPDATE verification_token t SET spend_nano = d.spend, budget_reset_at = NULLIF(d.ends, 'epoch'), last_active = now()
FROM (SELECT unnest(@ids::text[]) AS id, unnest(@spends::bigint[]) AS spend, unnest(@ends::timestamptz[]) AS ends) d WHERE t.token = d.id;

-- name: TeamsLockSpend :many
SELECT team_id, spend_nano, max_budget_nano, soft_budget_nano, budget_duration, budget_reset_at, budget_limits, model_max_budget,
    (CASE WHEN metadata ? 'temp_budget_increase' THEN metadata ELSE '{}' END)::jsonb AS metadata
FROM team_table WHERE team_id = ANY(@ids::text[]) ORDER BY team_id FOR NO KEY UPDATE;

-- name: TeamsSetSpend :exec
UPDATE team_table t SET spend_nano = d.spend, budget_reset_at = NULLIF(d.ends, 'epoch')
FROM (SELECT unnest(@ids::text[]) AS id, unnest(@spends::bigint[]) AS spend, unnest(@ends::timestamptz[]) AS ends) d WHERE t.team_id = d.id;

-- name: UsersLockSpend :many
SELECT user_id, spend_nano, max_budget_nano, soft_budget_nano, budget_duration, budget_reset_at, budget_limits, model_max_budget,
    (CASE WHEN metadata ? 'temp_budget_increase' THEN metadata ELSE '{}' END)::jsonb AS metadata
FROM user_table WHERE user_id = ANY(@ids::text[]) ORDER BY user_id FOR NO KEY UPDATE;

-- name: UsersSetSpend :exec
UPDATE user_table t SET spend_nano = d.spend, budget_reset_at = NULLIF(d.ends, 'epoch')
FROM (SELECT unnest(@ids::text[]) AS id, unnest(@spends::bigint[]) AS spend, unnest(@ends::timestamptz[]) AS ends) d WHERE t.user_id = d.id;

-- name: MembersLockSpend :many
SELECT m.team_id, m.user_id, m.spend_nano, m.budget_reset_at, m.budget_id, COALESCE(t.metadata->>'team_member_budget_id', '')::text AS default_budget_id
FROM team_membership m LEFT JOIN team_table t ON t.team_id = m.team_id
WHERE (m.team_id, m.user_id) IN (SELECT unnest(@team_ids::text[]), unnest(@user_ids::text[])) ORDER BY m.team_id, m.user_id FOR NO KEY UPDATE OF m;

-- name: MembersSetSpend :exec
UPDATE team_membership t SET spend_nano = d.spend, budget_reset_at = NULLIF(d.ends, 'epoch')
FROM (SELECT unnest(@team_ids::text[]) AS team_id, unnest(@user_ids::text[]) AS user_id,
    unnest(@spends::bigint[]) AS spend, unnest(@ends::timestamptz[]) AS ends) d
WHERE t.team_id = d.team_id AND t.user_id = d.user_id;

-- name: OrgsLockSpend :many
SELECT organization_id, spend_nano, budget_reset_at, budget_id FROM organization_table
WHERE organization_id = ANY(@ids::text[]) ORDER BY organization_id FOR NO KEY UPDATE;

-- name: OrgsSetSpend :exec
UPDATE organization_table t SET spend_nano = d.spend, budget_reset_at = NULLIF(d.ends, 'epoch')
FROM (SELECT unnest(@ids::text[]) AS id, unnest(@spends::bigint[]) AS spend, unnest(@ends::timestamptz[]) AS ends) d WHERE t.organization_id = d.id;

-- name: CustomersEnsure :exec
-- Makes customers that nobody registered.
INSERT INTO end_user_table (user_id, managed) SELECT id, false FROM (SELECT unnest(@ids::text[]) AS id) d ORDER BY id ON CONFLICT DO NOTHING;

-- name: CustomersLockSpend :many
SELECT user_id, spend_nano, budget_reset_at, budget_id, managed FROM end_user_table
WHERE user_id = ANY(@ids::text[]) ORDER BY user_id FOR NO KEY UPDATE;

-- name: CustomersSetSpend :exec
UPDATE end_user_table t SET spend_nano = d.spend, budget_reset_at = NULLIF(d.ends, 'epoch')
FROM (SELECT unnest(@ids::text[]) AS id, unnest(@spends::bigint[]) AS spend, unnest(@ends::timestamptz[]) AS ends) d WHERE t.user_id = d.id;

-- name: TagsLockSpend :many
SELECT tag_name, spend_nano, budget_reset_at, budget_id FROM tag_table WHERE tag_name = ANY(@ids::text[]) ORDER BY tag_name FOR NO KEY UPDATE;

-- name: TagsSetSpend :exec
UPDATE tag_table t SET spend_nano = d.spend, budget_reset_at = NULLIF(d.ends, 'epoch')
FROM (SELECT unnest(@ids::text[]) AS id, unnest(@spends::bigint[]) AS spend, unnest(@ends::timestamptz[]) AS ends) d WHERE t.tag_name = d.id;

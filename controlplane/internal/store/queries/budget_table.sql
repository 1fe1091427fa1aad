-- name: BudgetInsert :one
INSERT INTO budget_table (
    budget_id, owner, based_on, max_budget_nano, soft_budget_nano, budget_duration, budget_reset_at, max_parallel_requests,
    tpm_limit, rpm_limit, tph_limit, rph_limit, tpd_limit, rpd_limit, budget_limits, model_max_budget, metadata, created_by, updated_by
) VALUES (
    @budget_id, @owner, @based_on, @max_budget_nano, @soft_budget_nano, @budget_duration, @budget_reset_at, @max_parallel_requests,
    @tpm_limit, @rpm_limit, @tph_limit, @rph_limit, @tpd_limit, @rpd_limit, @budget_limits, @model_max_budget, @metadata, @created_by, @created_by
) RETURNING *;

-- name: BudgetForUpdate :one
SELECT * FROM budget_table WHERE budget_id = @budget_id FOR NO KEY UPDATE;

-- name: BudgetLock :one
-- A lock that many users of a budget can hold, and that its deletion waits for.
SELECT * FROM budget_table WHERE budget_id = @budget_id FOR KEY SHARE;

-- name: BudgetUpdate :one
UPDATE budget_table SET
    based_on = @based_on, max_budget_nano = @max_budget_nano, soft_budget_nano = @soft_budget_nano, budget_duration = @budget_duration,
    budget_reset_at = @budget_reset_at, max_parallel_requests = @max_parallel_requests, tpm_limit = @tpm_limit, rpm_limit = @rpm_limit,
    tph_limit = @tph_limit, rph_limit = @rph_limit, tpd_limit = @tpd_limit, rpd_limit = @rpd_limit, budget_limits = @budget_limits,
    model_max_budget = @model_max_budget, metadata = @metadata, updated_by = @updated_by, updated_at = now()
WHERE budget_id = @budget_id RETURNING *;

-- name: BudgetShare :exec
-- Makes an owner's budget a tier.
UPDATE budget_table SET owner = NULL, updated_at = now() WHERE budget_id = @budget_id;

-- name: BudgetDelete :one
DELETE FROM budget_table WHERE budget_id = @budget_id RETURNING *;

-- name: BudgetsDeleteByOwner :exec
DELETE FROM budget_table WHERE owner = ANY(@owners::text[]);

-- name: BudgetByOwner :one
SELECT * FROM budget_table WHERE owner = @owner::text FOR NO KEY UPDATE;

-- name: BudgetByID :one
SELECT * FROM budget_table WHERE budget_id = @budget_id;

-- name: BudgetsByIDs :many
SELECT * FROM budget_table WHERE budget_id = ANY(@ids::text[]) ORDER BY budget_id;

-- name: BudgetsResolve :many
-- Budgets and those that they are based on.
SELECT * FROM budget_table WHERE budget_id = ANY(@ids::text[])
UNION
SELECT * FROM budget_table
WHERE budget_id IN (SELECT b.based_on FROM budget_table b WHERE b.budget_id = ANY(@ids::text[]) AND b.based_on IS NOT NULL);

-- name: BudgetList :many
SELECT * FROM budget_table ORDER BY created_at DESC, budget_id LIMIT 10000;

-- What follows finds who uses a budget, page by page in the order of an index,
-- and lets go of one that does not exist any more.

-- name: BudgetKeysAfter :many
SELECT token FROM verification_token WHERE budget_id = @budget_id AND token > @after ORDER BY token LIMIT @page_size;

-- name: BudgetKeysLeave :exec
UPDATE verification_token SET budget_id = NULL WHERE budget_id = @budget_id AND token = ANY(@ids::text[]);

-- name: BudgetCustomersAfter :many
SELECT user_id FROM end_user_table WHERE budget_id = @budget_id AND user_id > @after ORDER BY user_id LIMIT @page_size;

-- name: BudgetCustomersLeave :exec
UPDATE end_user_table SET budget_id = NULL WHERE budget_id = @budget_id AND user_id = ANY(@ids::text[]);

-- name: BudgetOrgsAfter :many
SELECT organization_id FROM organization_table WHERE budget_id = @budget_id AND organization_id > @after ORDER BY organization_id LIMIT @page_size;

-- name: BudgetOrgsLeave :exec
UPDATE organization_table SET budget_id = NULL WHERE budget_id = @budget_id AND organization_id = ANY(@ids::text[]);

-- name: BudgetTagsAfter :many
SELECT tag_name FROM tag_table WHERE budget_id = @budget_id AND tag_name > @after ORDER BY tag_name LIMIT @page_size;

-- name: BudgetTagsLeave :exec
UPDATE tag_table SET budget_id = NULL WHERE budget_id = @budget_id AND tag_name = ANY(@ids::text[]);

-- name: BudgetMembersAfter :many
SELECT team_id, user_id FROM team_membership
WHERE budget_id = @budget_id AND (team_id, user_id) > (@after_team, @after_user) ORDER BY team_id, user_id LIMIT @page_size;

-- name: BudgetMembersLeave :exec
UPDATE team_membership m SET budget_id = NULL
FROM (SELECT unnest(@team_ids::text[]) AS team_id, unnest(@user_ids::text[]) AS user_id) d
WHERE m.team_id = d.team_id AND m.user_id = d.user_id AND m.budget_id = @budget_id;

-- name: BudgetOrgMembersLeave :exec
UPDATE organization_membership SET budget_id = NULL WHERE budget_id = @budget_id;

-- name: BudgetDefaultsAfter :many
-- The members of the teams whose default the budget is.
SELECT m.team_id, m.user_id FROM team_table t JOIN team_membership m ON m.team_id = t.team_id
WHERE t.metadata ? 'team_member_budget_id' AND t.metadata->>'team_member_budget_id' = @budget_id::text
  AND (m.team_id, m.user_id) > (@after_team, @after_user)
ORDER BY m.team_id, m.user_id LIMIT @page_size;

-- name: BudgetBasedAfter :many
SELECT budget_id, owner FROM budget_table WHERE based_on = @budget_id::text AND budget_id > @after ORDER BY budget_id LIMIT @page_size;

-- name: BudgetBasedLeave :exec
UPDATE budget_table SET based_on = NULL WHERE based_on = @budget_id::text AND budget_id = ANY(@ids::text[]);

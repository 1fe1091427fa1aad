-- name: OrgInsert :one
INSERT INTO organization_table (organization_id, organization_alias, metadata, models, created_by, updated_by)
VALUES (@organization_id, @organization_alias, @metadata, @models, @created_by, @created_by) RETURNING *;

-- name: OrgForUpdate :one
SELECT * FROM organization_table WHERE organization_id = @organization_id FOR UPDATE;

-- name: OrgUpdate :one
UPDATE organization_table SET organization_alias = @organization_alias, budget_id = @budget_id, metadata = @metadata, models = @models,
    spend_nano = COALESCE(sqlc.narg(set_spend_nano)::bigint, spend_nano), updated_by = @updated_by, updated_at = now()
WHERE organization_id = @organization_id RETURNING *;

-- name: OrgByID :one
SELECT * FROM organization_table WHERE organization_id = @organization_id;

-- name: OrgsByIDs :many
SELECT * FROM organization_table WHERE organization_id = ANY(@ids::text[]) ORDER BY organization_alias, organization_id;

-- name: OrgsLock :many
SELECT * FROM organization_table WHERE organization_id = ANY(@ids::text[]) ORDER BY organization_id FOR UPDATE;

-- name: OrgsDelete :exec
DELETE FROM organization_table WHERE organization_id = ANY(@ids::text[]);

-- name: OrgList :many
SELECT * FROM organization_table o
WHERE (sqlc.narg(organization_id)::text IS NULL OR organization_id = sqlc.narg(organization_id))
  AND (sqlc.narg(alias)::text IS NULL OR strpos(lower(organization_alias), lower(sqlc.narg(alias))) > 0)
  AND (sqlc.narg(member)::text IS NULL OR EXISTS (
      SELECT 1 FROM organization_membership m WHERE m.organization_id = o.organization_id AND m.user_id = sqlc.narg(member)))
ORDER BY organization_alias, organization_id LIMIT 1000;

-- name: OrgsAfter :many
SELECT organization_id FROM organization_table WHERE organization_id > @after ORDER BY organization_id LIMIT @page_size;

-- name: OrgsTeams :many
SELECT * FROM team_table WHERE organization_id = ANY(@ids::text[]) ORDER BY team_alias, team_id LIMIT 10000;

-- name: OrgsKeysLock :many
SELECT token FROM verification_token
WHERE organization_id = ANY(@ids::text[]) OR team_id IN (SELECT t.team_id FROM team_table t WHERE t.organization_id = ANY(@ids::text[]))
ORDER BY token FOR UPDATE;

-- name: OrgsTeamsLock :many
SELECT team_id FROM team_table WHERE organization_id = ANY(@ids::text[]) ORDER BY team_id FOR UPDATE;

-- name: TeamsDelete :exec
DELETE FROM team_table WHERE team_id = ANY(@ids::text[]);

-- name: OrgMemberInsert :one
INSERT INTO organization_membership (organization_id, user_id, user_role, budget_id)
VALUES (@organization_id, @user_id, @user_role, @budget_id)
ON CONFLICT (organization_id, user_id) DO UPDATE SET
    user_role = excluded.user_role, budget_id = COALESCE(excluded.budget_id, organization_membership.budget_id), updated_at = now()
RETURNING *;

-- name: OrgMemberByID :one
SELECT * FROM organization_membership WHERE organization_id = @organization_id AND user_id = @user_id;

-- name: OrgMemberForUpdate :one
SELECT * FROM organization_membership WHERE organization_id = @organization_id AND user_id = @user_id FOR UPDATE;

-- name: OrgMemberUpdate :one
UPDATE organization_membership SET user_role = @user_role, budget_id = @budget_id, updated_at = now()
WHERE organization_id = @organization_id AND user_id = @user_id RETURNING *;

-- name: OrgMemberDelete :one
DELETE FROM organization_membership WHERE organization_id = @organization_id AND user_id = @user_id RETURNING *;

-- name: OrgsMembers :many
SELECT * FROM organization_membership WHERE organization_id = ANY(@ids::text[]) ORDER BY organization_id, user_id LIMIT 10000;

-- name: OrgsMembersDelete :many
DELETE FROM organization_membership WHERE organization_id = ANY(@ids::text[]) RETURNING *;

-- name: UsersByIDs :many
SELECT * FROM user_table WHERE user_id = ANY(@ids::text[]) ORDER BY user_id;

-- name: UserByEmail :one
SELECT * FROM user_table WHERE lower(user_email) = lower(@user_email::text);

-- name: UserEnroll :execrows
INSERT INTO user_table (user_id, user_email, user_role) VALUES (@user_id, @user_email, @user_role) ON CONFLICT DO NOTHING;

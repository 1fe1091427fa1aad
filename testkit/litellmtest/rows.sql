INSERT INTO "LiteLLM_BudgetTable" ("budget_id", "max_budget", "tpm_limit", "budget_duration", "budget_reset_at", "created_by", "updated_by") VALUES
    ('tier-gold', 10.5, 1000, '30d', '2099-01-01', 'admin', 'admin'),
    ('member-budget', 2.5, NULL, NULL, NULL, 'admin', 'admin'),
    ('odd', 'NaN', -5, 'every so often', '2026-01-01', 'admin', 'admin');
INSERT INTO "LiteLLM_OrganizationTable" ("organization_id", "organization_alias", "budget_id", "models", "spend", "model_spend", "created_by", "updated_by") VALUES
    ('org-1', 'Acme', 'tier-gold', '{gpt-a,gpt-b}', 1.25, '{"gpt-a": 1.25}', 'admin', 'admin');
INSERT INTO "LiteLLM_ModelTable" ("aliases") VALUES ('"{\"fast\": \"gpt-a\"}"');
INSERT INTO "LiteLLM_TeamTable" ("team_id", "team_alias", "organization_id", "members", "members_with_roles", "metadata", "max_budget", "spend", "models",
    "budget_duration", "budget_reset_at", "model_id", "rpm_limit", "router_settings") VALUES
    ('team-1', 'Search', 'org-1', '{ann,bob}', '[{"role": "admin", "user_id": "ann"}, {"role": "user", "user_id": "bob", "user_email": null}, {"role": "user"}]',
        '"{\"team_member_budget_id\": \"member-budget\", \"tags\": [\"search\"]}"', 100, 12.340000000000002, '{gpt-a}', '7d', '2099-01-05', 1, 600, '{}'),
    ('team-2', NULL, NULL, NULL, '{}', '{}', 'Infinity', 1e-10, NULL, NULL, NULL, NULL, NULL, '{"num_retries": 3}'),
    ('team-3', 'Old', NULL, NULL, '"[{\"role\": \"user\", \"user_id\": \"bob\"}]"', '"no object"', 1e12, -0.5, '{}', NULL, '2026-01-01', NULL, NULL, '"{}"');
INSERT INTO "LiteLLM_UserTable" ("user_id", "user_email", "user_role", "teams", "spend", "max_budget", "password") VALUES
    ('ann', 'Ann@example.com', 'internal_user', '{team-1}', 0.30000000000000004, 20, 'scrypt:x'),
    ('bob', 'ann@EXAMPLE.com', 'proxy_admin', '{team-1,team-3}', 0, NULL, NULL),
    ('default_user_id', NULL, 'proxy_admin', '{}', 7, NULL, NULL),
    (E'bad\x01id', NULL, NULL, '{}', 0, NULL, NULL);
INSERT INTO "LiteLLM_TeamMembership" ("user_id", "team_id", "spend", "total_spend", "budget_id") VALUES ('ann', 'team-1', 1.5, 4, 'member-budget');
INSERT INTO "LiteLLM_OrganizationMembership" ("user_id", "organization_id", "user_role", "spend") VALUES ('ann', 'org-1', 'org_admin', 0.5);
INSERT INTO "LiteLLM_EndUserTable" ("user_id", "alias", "spend", "budget_id", "blocked") VALUES
    ('cust-blocked', NULL, 0, NULL, true), ('cust-budget', 'Big', 0.75, 'tier-gold', false), ('cust-seen', NULL, 0.25, NULL, false);
INSERT INTO "LiteLLM_TagTable" ("tag_name", "description", "models", "model_info", "spend", "budget_id") VALUES ('batch', 'nightly', '{m-a}', '"{\"m-a\": \"gpt-a\"}"', 3, 'tier-gold');
INSERT INTO "LiteLLM_ObjectPermissionTable" VALUES ('perm-1', '{store}', '{"server": ["tool"]}');
INSERT INTO "LiteLLM_AccessGroupTable" ("access_group_id", "access_group_name", "access_model_names", "assigned_team_ids") VALUES ('group-1', 'Good ones', '{gpt-a,gpt-b}', '{team-2}');
UPDATE "LiteLLM_TeamTable" SET "access_group_ids" = '{group-1}' WHERE "team_id" = 'team-2';
INSERT INTO "LiteLLM_Config" VALUES ('router_settings', '{"num_retries": 2}');
INSERT INTO "LiteLLM_SpendLogs" VALUES ('req-1', 'acompletion', '', 0.1, '2026-01-01', '2026-01-01');
INSERT INTO "LiteLLM_AuditLog" VALUES ('audit-1', 'created');
INSERT INTO "LiteLLM_BrandNewTable" VALUES ('one');
INSERT INTO "LiteLLM_DailyUserSpend" ("id", "user_id", "date", "api_key", "model", "model_group", "custom_llm_provider", "mcp_namespaced_tool_name", "endpoint",
    "prompt_tokens", "completion_tokens", "spend", "api_requests", "successful_requests", "failed_requests") VALUES
    ('d1', 'ann', '2026-01-01', 'hash', 'gpt-4o', 'gpt-a', 'openai', '', '/chat/completions', 10, 5, 0.1, 2, 1, 1),
    ('d2', 'ann', '2026-01-01', 'hash', 'gpt-4o', 'gpt-a', 'openai', 'tools/search', '/chat/completions', 1, 2, 0.2, 1, 1, 0),
    ('d3', NULL, '2026-01-02', 'hash', NULL, NULL, NULL, NULL, NULL, 4, 0, 0.4, 1, 1, 0),
    ('d4', 'ann', 'someday', 'hash', 'gpt-4o', NULL, NULL, NULL, NULL, 4, 0, 0.4, 1, 1, 0);
INSERT INTO "LiteLLM_DailyTeamSpend" ("id", "team_id", "date", "api_key", "model", "spend", "api_requests") VALUES
    ('d1', 'team-1', '2026-01-01', 'hash', 'gpt-4o', 0.3, 3), ('d2', NULL, '2026-01-01', 'hash', 'gpt-4o', 9, 9);
INSERT INTO "LiteLLM_DailyTagSpend" ("id", "tag", "date", "api_key", "model", "spend", "api_requests") VALUES ('d1', 'batch', '2026-01-01', 'hash', 'gpt-4o', 0.3, 3);

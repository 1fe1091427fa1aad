-- The tables that an import reads, as Prisma makes them for LiteLLM: names in
-- camel case, timestamps without a zone, dollars as floats. What LiteLLM has
-- beyond is not needed to look real.
CREATE TABLE "LiteLLM_BudgetTable" (
    "budget_id" TEXT PRIMARY KEY, "max_budget" DOUBLE PRECISION, "soft_budget" DOUBLE PRECISION, "max_parallel_requests" INTEGER,
    "tpm_limit" BIGINT, "rpm_limit" BIGINT, "model_max_budget" JSONB, "budget_duration" TEXT, "budget_reset_at" TIMESTAMP(3),
    "allowed_models" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "created_by" TEXT NOT NULL,
    "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updated_by" TEXT NOT NULL
);
CREATE TABLE "LiteLLM_CredentialsTable" (
    "credential_id" TEXT PRIMARY KEY, "credential_name" TEXT NOT NULL UNIQUE, "credential_values" JSONB NOT NULL, "credential_info" JSONB,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "created_by" TEXT NOT NULL DEFAULT 'admin',
    "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updated_by" TEXT NOT NULL DEFAULT 'admin'
);
CREATE TABLE "LiteLLM_ProxyModelTable" (
    "model_id" TEXT PRIMARY KEY, "model_name" TEXT NOT NULL, "litellm_params" JSONB NOT NULL, "model_info" JSONB, "blocked" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "created_by" TEXT NOT NULL DEFAULT 'admin',
    "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updated_by" TEXT NOT NULL DEFAULT 'admin'
);
CREATE TABLE "LiteLLM_OrganizationTable" (
    "organization_id" TEXT PRIMARY KEY, "organization_alias" TEXT NOT NULL, "budget_id" TEXT NOT NULL REFERENCES "LiteLLM_BudgetTable",
    "metadata" JSONB NOT NULL DEFAULT '{}', "models" TEXT[], "spend" DOUBLE PRECISION NOT NULL DEFAULT 0, "model_spend" JSONB NOT NULL DEFAULT '{}',
    "object_permission_id" TEXT,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "created_by" TEXT NOT NULL,
    "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updated_by" TEXT NOT NULL
);
CREATE TABLE "LiteLLM_ModelTable" (
    "id" SERIAL PRIMARY KEY, "aliases" JSONB,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "created_by" TEXT NOT NULL DEFAULT 'admin',
    "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updated_by" TEXT NOT NULL DEFAULT 'admin'
);
CREATE TABLE "LiteLLM_TeamTable" (
    "team_id" TEXT PRIMARY KEY, "team_alias" TEXT, "organization_id" TEXT REFERENCES "LiteLLM_OrganizationTable", "object_permission_id" TEXT,
    "admins" TEXT[], "members" TEXT[], "members_with_roles" JSONB NOT NULL DEFAULT '{}', "metadata" JSONB NOT NULL DEFAULT '{}',
    "max_budget" DOUBLE PRECISION, "soft_budget" DOUBLE PRECISION, "spend" DOUBLE PRECISION NOT NULL DEFAULT 0, "models" TEXT[],
    "max_parallel_requests" INTEGER, "tpm_limit" BIGINT, "rpm_limit" BIGINT, "budget_duration" TEXT, "budget_reset_at" TIMESTAMP(3),
    "blocked" BOOLEAN NOT NULL DEFAULT false, "model_spend" JSONB NOT NULL DEFAULT '{}', "model_max_budget" JSONB NOT NULL DEFAULT '{}',
    "router_settings" JSONB DEFAULT '{}', "team_member_permissions" TEXT[] DEFAULT ARRAY[]::TEXT[], "access_group_ids" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "policies" TEXT[] DEFAULT ARRAY[]::TEXT[], "budget_limits" JSONB, "model_id" INTEGER UNIQUE REFERENCES "LiteLLM_ModelTable",
    "allow_team_guardrail_config" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "LiteLLM_UserTable" (
    "user_id" TEXT PRIMARY KEY, "user_alias" TEXT, "team_id" TEXT, "sso_user_id" TEXT UNIQUE, "organization_id" TEXT, "object_permission_id" TEXT,
    "password" TEXT, "teams" TEXT[] DEFAULT ARRAY[]::TEXT[], "user_role" TEXT, "max_budget" DOUBLE PRECISION, "spend" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "user_email" TEXT, "models" TEXT[], "metadata" JSONB NOT NULL DEFAULT '{}', "max_parallel_requests" INTEGER, "tpm_limit" BIGINT, "rpm_limit" BIGINT,
    "budget_duration" TEXT, "budget_reset_at" TIMESTAMP(3), "allowed_cache_controls" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "policies" TEXT[] DEFAULT ARRAY[]::TEXT[], "model_spend" JSONB NOT NULL DEFAULT '{}', "model_max_budget" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP, "updated_at" TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "LiteLLM_ObjectPermissionTable" ("object_permission_id" TEXT PRIMARY KEY, "vector_stores" TEXT[] DEFAULT ARRAY[]::TEXT[], "mcp_tool_permissions" JSONB);
CREATE TABLE "LiteLLM_VerificationToken" (
    "token" TEXT PRIMARY KEY, "key_name" TEXT, "key_alias" TEXT, "soft_budget_cooldown" BOOLEAN NOT NULL DEFAULT false,
    "spend" DOUBLE PRECISION NOT NULL DEFAULT 0, "expires" TIMESTAMP(3), "models" TEXT[], "aliases" JSONB NOT NULL DEFAULT '{}',
    "config" JSONB NOT NULL DEFAULT '{}', "router_settings" JSONB DEFAULT '{}', "user_id" TEXT, "team_id" TEXT, "agent_id" TEXT, "project_id" TEXT,
    "permissions" JSONB NOT NULL DEFAULT '{}', "max_parallel_requests" INTEGER, "metadata" JSONB NOT NULL DEFAULT '{}', "blocked" BOOLEAN,
    "tpm_limit" BIGINT, "rpm_limit" BIGINT, "max_budget" DOUBLE PRECISION, "budget_duration" TEXT, "budget_reset_at" TIMESTAMP(3),
    "allowed_cache_controls" TEXT[] DEFAULT ARRAY[]::TEXT[], "allowed_routes" TEXT[] DEFAULT ARRAY[]::TEXT[], "policies" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "access_group_ids" TEXT[] DEFAULT ARRAY[]::TEXT[], "model_spend" JSONB NOT NULL DEFAULT '{}', "model_max_budget" JSONB NOT NULL DEFAULT '{}',
    "budget_id" TEXT REFERENCES "LiteLLM_BudgetTable", "organization_id" TEXT, "object_permission_id" TEXT REFERENCES "LiteLLM_ObjectPermissionTable",
    "created_at" TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP, "created_by" TEXT, "updated_at" TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP, "updated_by" TEXT,
    "last_active" TIMESTAMP(3), "rotation_count" INTEGER DEFAULT 0, "auto_rotate" BOOLEAN DEFAULT false, "rotation_interval" TEXT,
    "last_rotation_at" TIMESTAMP(3), "key_rotation_at" TIMESTAMP(3), "budget_limits" JSONB, "brand_new_column" TEXT
);
CREATE TABLE "LiteLLM_DeprecatedVerificationToken" (
    "id" TEXT PRIMARY KEY, "token" TEXT NOT NULL UNIQUE, "active_token_id" TEXT NOT NULL, "revoke_at" TIMESTAMP(3) NOT NULL,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "LiteLLM_EndUserTable" (
    "user_id" TEXT PRIMARY KEY, "alias" TEXT, "spend" DOUBLE PRECISION NOT NULL DEFAULT 0, "allowed_model_region" TEXT, "default_model" TEXT,
    "budget_id" TEXT REFERENCES "LiteLLM_BudgetTable", "object_permission_id" TEXT, "blocked" BOOLEAN NOT NULL DEFAULT false
);
CREATE TABLE "LiteLLM_TagTable" (
    "tag_name" TEXT PRIMARY KEY, "description" TEXT, "models" TEXT[], "model_info" JSONB, "spend" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "budget_id" TEXT REFERENCES "LiteLLM_BudgetTable", "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "created_by" TEXT,
    "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "LiteLLM_AccessGroupTable" (
    "access_group_id" TEXT PRIMARY KEY, "access_group_name" TEXT NOT NULL UNIQUE, "description" TEXT, "access_model_names" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "access_mcp_server_ids" TEXT[] DEFAULT ARRAY[]::TEXT[], "access_agent_ids" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "assigned_team_ids" TEXT[] DEFAULT ARRAY[]::TEXT[], "assigned_key_ids" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "created_by" TEXT, "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updated_by" TEXT
);
CREATE TABLE "LiteLLM_Config" ("param_name" TEXT PRIMARY KEY, "param_value" JSONB);
CREATE TABLE "LiteLLM_SpendLogs" (
    "request_id" TEXT PRIMARY KEY, "call_type" TEXT NOT NULL, "api_key" TEXT NOT NULL DEFAULT '', "spend" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "startTime" TIMESTAMP(3) NOT NULL, "endTime" TIMESTAMP(3) NOT NULL
);
CREATE TABLE "LiteLLM_TeamMembership" (
    "user_id" TEXT NOT NULL, "team_id" TEXT NOT NULL, "spend" DOUBLE PRECISION NOT NULL DEFAULT 0, "total_spend" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "budget_id" TEXT REFERENCES "LiteLLM_BudgetTable", PRIMARY KEY ("user_id", "team_id")
);
CREATE TABLE "LiteLLM_OrganizationMembership" (
    "user_id" TEXT NOT NULL, "organization_id" TEXT NOT NULL, "user_role" TEXT, "spend" DOUBLE PRECISION DEFAULT 0,
    "budget_id" TEXT REFERENCES "LiteLLM_BudgetTable", "created_at" TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY ("user_id", "organization_id")
);
CREATE TABLE "LiteLLM_DailyUserSpend" (
    "id" TEXT PRIMARY KEY, "user_id" TEXT, "date" TEXT NOT NULL, "api_key" TEXT NOT NULL, "model" TEXT, "model_group" TEXT, "custom_llm_provider" TEXT,
    "mcp_namespaced_tool_name" TEXT, "endpoint" TEXT, "prompt_tokens" BIGINT NOT NULL DEFAULT 0, "completion_tokens" BIGINT NOT NULL DEFAULT 0,
    "cache_read_input_tokens" BIGINT NOT NULL DEFAULT 0, "cache_creation_input_tokens" BIGINT NOT NULL DEFAULT 0, "spend" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "api_requests" BIGINT NOT NULL DEFAULT 0, "successful_requests" BIGINT NOT NULL DEFAULT 0, "failed_requests" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE "LiteLLM_DailyTeamSpend" (LIKE "LiteLLM_DailyUserSpend" INCLUDING ALL);
ALTER TABLE "LiteLLM_DailyTeamSpend" RENAME COLUMN "user_id" TO "team_id";
CREATE TABLE "LiteLLM_DailyTagSpend" (LIKE "LiteLLM_DailyUserSpend" INCLUDING ALL);
ALTER TABLE "LiteLLM_DailyTagSpend" RENAME COLUMN "user_id" TO "tag";
CREATE TABLE "LiteLLM_AuditLog" ("id" TEXT PRIMARY KEY, "action" TEXT NOT NULL);
CREATE TABLE "LiteLLM_BrandNewTable" ("id" TEXT PRIMARY KEY);
CREATE TABLE "_prisma_migrations" ("id" TEXT PRIMARY KEY);
CREATE VIEW "LiteLLM_VerificationTokenView" AS SELECT v.*, t."spend" AS team_spend FROM "LiteLLM_VerificationToken" v LEFT JOIN "LiteLLM_TeamTable" t USING ("team_id");

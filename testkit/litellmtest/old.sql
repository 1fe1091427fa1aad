-- What an older release does not have yet.
DROP VIEW "LiteLLM_VerificationTokenView";
DROP TABLE "LiteLLM_TagTable", "LiteLLM_CredentialsTable", "LiteLLM_OrganizationMembership", "LiteLLM_DailyTagSpend", "LiteLLM_BrandNewTable";
ALTER TABLE "LiteLLM_VerificationToken" DROP COLUMN "allowed_routes", DROP COLUMN "budget_limits", DROP COLUMN "organization_id",
    DROP COLUMN "created_at", DROP COLUMN "created_by", DROP COLUMN "updated_at", DROP COLUMN "updated_by", DROP COLUMN "rotation_count",
    DROP COLUMN "last_active", DROP COLUMN "brand_new_column";
ALTER TABLE "LiteLLM_TeamTable" DROP COLUMN "team_member_permissions", DROP COLUMN "model_id", DROP COLUMN "budget_limits";
ALTER TABLE "LiteLLM_UserTable" DROP COLUMN "created_at", DROP COLUMN "updated_at", DROP COLUMN "metadata";
ALTER TABLE "LiteLLM_BudgetTable" DROP COLUMN "budget_reset_at";
ALTER TABLE "LiteLLM_DailyUserSpend" DROP COLUMN "endpoint", DROP COLUMN "cache_read_input_tokens", DROP COLUMN "successful_requests";

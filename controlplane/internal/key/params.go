package key

import "github.com/tianjillm/tianjillm/controlplane/internal/store/db"

func insertParams(k db.VerificationToken) db.KeyInsertParams {
	return db.KeyInsertParams{
		Token: k.Token, KeyName: k.KeyName, KeyAlias: k.KeyAlias, UserID: k.UserID, TeamID: k.TeamID, OrganizationID: k.OrganizationID,
		Models: list(k.Models), Aliases: k.Aliases, Config: k.Config, Permissions: k.Permissions, Metadata: k.Metadata,
		ModelMaxBudget: k.ModelMaxBudget, AllowedRoutes: list(k.AllowedRoutes), AllowedCacheControls: list(k.AllowedCacheControls),
		Blocked: k.Blocked, Expires: k.Expires, SpendNano: k.SpendNano, MaxBudgetNano: k.MaxBudgetNano, BudgetDuration: k.BudgetDuration,
		BudgetResetAt: k.BudgetResetAt, MaxParallelRequests: k.MaxParallelRequests, TpmLimit: k.TpmLimit, RpmLimit: k.RpmLimit,
		TphLimit: k.TphLimit, RphLimit: k.RphLimit, TpdLimit: k.TpdLimit, RpdLimit: k.RpdLimit, SoftBudgetNano: k.SoftBudgetNano,
		AgentID: k.AgentID, ProjectID: k.ProjectID, ObjectPermissionID: k.ObjectPermissionID, AccessGroupIds: list(k.AccessGroupIds),
		RouterSettings: k.RouterSettings, AutoRotate: k.AutoRotate, RotationInterval: k.RotationInterval, KeyRotationAt: k.KeyRotationAt,
		BudgetLimits: k.BudgetLimits, BudgetID: k.BudgetID, CreatedBy: k.CreatedBy,
	}
}

func updateParams(k db.VerificationToken, setSpend *int64) db.KeyUpdateParams {
	return db.KeyUpdateParams{
		Token: k.Token, KeyAlias: k.KeyAlias, UserID: k.UserID, TeamID: k.TeamID, OrganizationID: k.OrganizationID,
		Models: list(k.Models), Aliases: k.Aliases, Config: k.Config, Permissions: k.Permissions, Metadata: k.Metadata,
		ModelMaxBudget: k.ModelMaxBudget, AllowedRoutes: list(k.AllowedRoutes), AllowedCacheControls: list(k.AllowedCacheControls),
		Blocked: k.Blocked, Expires: k.Expires, SetSpendNano: setSpend, MaxBudgetNano: k.MaxBudgetNano, BudgetDuration: k.BudgetDuration,
		BudgetResetAt: k.BudgetResetAt, MaxParallelRequests: k.MaxParallelRequests, TpmLimit: k.TpmLimit, RpmLimit: k.RpmLimit,
		TphLimit: k.TphLimit, RphLimit: k.RphLimit, TpdLimit: k.TpdLimit, RpdLimit: k.RpdLimit, SoftBudgetNano: k.SoftBudgetNano,
		AgentID: k.AgentID, ProjectID: k.ProjectID, ObjectPermissionID: k.ObjectPermissionID, AccessGroupIds: list(k.AccessGroupIds),
		RouterSettings: k.RouterSettings, AutoRotate: k.AutoRotate, RotationInterval: k.RotationInterval, KeyRotationAt: k.KeyRotationAt,
		BudgetLimits: k.BudgetLimits, BudgetID: k.BudgetID, UpdatedBy: k.UpdatedBy,
	}
}

// list turns nil, which Postgres would store as NULL, into an empty array.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

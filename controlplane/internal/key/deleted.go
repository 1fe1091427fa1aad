package key

import (
	"context"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Deleted is a key that is gone, as LiteLLM shows it.
type Deleted struct {
	Row

	ID              string    `json:"id"`
	DeletedAt       time.Time `json:"deleted_at"`
	DeletedBy       *string   `json:"deleted_by"`
	DeletedByAPIKey *string   `json:"deleted_by_api_key"`
	ChangedBy       *string   `json:"litellm_changed_by"`
}

func entry(who caller.Caller, action audit.Action, token string, before, after any) *audit.Entry {
	return &audit.Entry{Actor: who.Actor(), Action: action, Table: audit.Keys, ObjectID: token, Before: before, After: after}
}

// archive copies keys that are about to go to where deleted keys are kept.
func (s *Service) archive(ctx context.Context, tx *store.Tx, who caller.Caller, tokens []string) error {
	err := s.store.KeysArchive(ctx, tx, db.KeysArchiveParams{
		DeletedBy: who.ID(), DeletedByApiKey: given(who.KeyHash), LitellmChangedBy: given(who.ChangedBy), Tokens: tokens,
	})
	if err != nil {
		return fmt.Errorf("keep deleted keys: %w", err)
	}
	return nil
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func showDeleted(d *db.DeletedVerificationToken) Deleted {
	row := db.VerificationToken{
		Token: d.Token, KeyName: d.KeyName, KeyAlias: d.KeyAlias, UserID: d.UserID, TeamID: d.TeamID, OrganizationID: d.OrganizationID,
		Models: d.Models, Aliases: d.Aliases, Config: d.Config, Permissions: d.Permissions, Metadata: d.Metadata,
		ModelMaxBudget: d.ModelMaxBudget, AllowedRoutes: d.AllowedRoutes, AllowedCacheControls: d.AllowedCacheControls, Blocked: d.Blocked,
		Expires: d.Expires, SpendNano: d.SpendNano, MaxBudgetNano: d.MaxBudgetNano, BudgetDuration: d.BudgetDuration,
		BudgetResetAt: d.BudgetResetAt, MaxParallelRequests: d.MaxParallelRequests, TpmLimit: d.TpmLimit, RpmLimit: d.RpmLimit,
		RotationCount: d.RotationCount, LastRotationAt: d.LastRotationAt, LastActive: d.LastActive, CreatedAt: d.CreatedAt,
		CreatedBy: d.CreatedBy, UpdatedAt: d.UpdatedAt, UpdatedBy: d.UpdatedBy, RphLimit: d.RphLimit, TphLimit: d.TphLimit, RpdLimit: d.RpdLimit,
		TpdLimit: d.TpdLimit, SoftBudgetNano: d.SoftBudgetNano, BudgetLimits: d.BudgetLimits, BudgetID: d.BudgetID,
		AgentID: d.AgentID, ProjectID: d.ProjectID, ObjectPermissionID: d.ObjectPermissionID, AccessGroupIds: d.AccessGroupIds,
		RouterSettings: d.RouterSettings, AutoRotate: d.AutoRotate, RotationInterval: d.RotationInterval, KeyRotationAt: d.KeyRotationAt,
	}
	return Deleted{
		Row: View(row), ID: d.ID.String(), DeletedAt: d.DeletedAt.UTC(), DeletedBy: d.DeletedBy, DeletedByAPIKey: d.DeletedByApiKey, ChangedBy: d.LitellmChangedBy,
	}
}

func checkStatus(status string) error {
	if status != "" && status != "deleted" {
		return apierr.BadRequest("Invalid status value. Currently only 'deleted' is supported.")
	}
	return nil
}

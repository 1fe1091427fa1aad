package user

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Request is the body of /user/new. The members that it shares with
// /key/generate describe the user; the user's first key has no limits of its own.
type Request struct {
	limit.Fields

	UserID        field.Of[string]         `json:"user_id"`
	UserAlias     field.Of[string]         `json:"user_alias"`
	UserEmail     field.Of[string]         `json:"user_email"`
	UserRole      field.Of[string]         `json:"user_role"`
	SSOUserID     field.Of[string]         `json:"sso_user_id"`
	Password      field.Of[string]         `json:"password"`
	Teams         field.Of[[]Team]         `json:"teams"`
	Metadata      field.Of[map[string]any] `json:"metadata"`
	Models        field.Of[[]string]       `json:"models"`
	Organizations field.Of[[]string]       `json:"organizations"`
	AutoCreateKey field.Of[bool]           `json:"auto_create_key"`
	KeyAlias      field.Of[string]         `json:"key_alias"`
	Duration      field.Of[string]         `json:"duration"`
}

// Team is a team that a new user is to join: its id, or more beside it.
type Team struct {
	ID        string                    `json:"team_id"`
	MaxBudget field.Of[json.RawMessage] `json:"max_budget_in_team"`
	Role      string                    `json:"user_role"`
	// given says that the settings name the team: nobody's rights are asked for,
	// and one that is gone is passed over.
	given bool
}

// UnmarshalJSON reads either form.
func (t *Team) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &t.ID); err != nil {
			return fmt.Errorf("decode team: %w", err)
		}
		return nil
	}
	type plain Team
	var p plain
	if err := json.Unmarshal(b, &p); err != nil {
		return fmt.Errorf("decode team: %w", err)
	}
	*t = Team(p)
	return nil
}

func (t *Team) check() error {
	if t.Role == "" {
		t.Role = policy.TeamMember
	}
	if t.Role != policy.TeamMember && t.Role != policy.TeamAdmin {
		return apierr.Invalid("enum", "teams", "Input should be 'user' or 'admin'")
	}
	return bounds.CheckID("teams", t.ID)
}

// checkRole refuses what no user can be.
func checkRole(role string) error {
	switch policy.Role(role) {
	case policy.ProxyAdmin, policy.ProxyAdminViewer, policy.InternalUser, policy.InternalUserViewer:
		return nil
	case policy.NoRole, policy.TeamToken, policy.Customer:
	}
	return apierr.Invalid("enum", "user_role", "Input should be 'proxy_admin', 'proxy_admin_viewer', 'internal_user' or 'internal_user_viewer'")
}

// row is the user that a request asks for, without the password.
func (r *Request) row(now time.Time) (db.UserTable, error) {
	u := db.UserTable{
		UserID: r.UserID.Or(""), UserAlias: r.UserAlias.Ptr(), UserEmail: filled(r.UserEmail.Ptr()), UserRole: r.UserRole.Ptr(), SsoUserID: filled(r.SSOUserID.Ptr()),
		Teams: []string{}, Models: r.Models.Or([]string{}),
	}
	if u.UserID == "" {
		u.UserID = uuid.NewString()
	}
	if u.UserRole != nil {
		if err := checkRole(*u.UserRole); err != nil {
			return u, err
		}
	}
	if err := checkNames(&u); err != nil {
		return u, err
	}
	teams := r.Teams.Or(nil)
	if err := bounds.CheckLen("teams", len(teams)); err != nil {
		return u, err
	}
	for i := range teams {
		if err := teams[i].check(); err != nil {
			return u, err
		}
	}
	if err := bounds.CheckNames("organizations", r.Organizations.Or(nil)); err != nil {
		return u, err
	}
	var err error
	if u.Metadata, err = bounds.Encode("metadata", r.Metadata.Value); err != nil {
		return u, err
	}
	return u, r.ApplyLimits(limit.OfUser(&u), limit.Rules{Types: limit.OwnerTypes(), Metadata: true, Now: now})
}

// checkNames refuses a user whose id or names could not be kept.
func checkNames(u *db.UserTable) error {
	if err := bounds.CheckID("user_id", u.UserID); err != nil {
		return err
	}
	for _, name := range []struct {
		member string
		text   *string
	}{{"user_email", u.UserEmail}, {"sso_user_id", u.SsoUserID}} {
		if name.text == nil {
			continue
		}
		if err := bounds.CheckID(name.member, *name.text); err != nil {
			return err
		}
	}
	if err := bounds.CheckOptional("user_alias", u.UserAlias, bounds.Text); err != nil {
		return err
	}
	return bounds.CheckNames("models", u.Models)
}

// filled is nil for an empty text.
func filled(s *string) *string {
	if s == nil || *s == "" {
		return nil
	}
	return s
}

func insertParams(u *db.UserTable) db.UserInsertParams {
	return db.UserInsertParams{
		UserID: u.UserID, UserAlias: u.UserAlias, UserEmail: u.UserEmail, UserRole: u.UserRole, Teams: u.Teams, Metadata: u.Metadata, Models: u.Models,
		MaxBudgetNano: u.MaxBudgetNano, BudgetDuration: u.BudgetDuration, BudgetResetAt: u.BudgetResetAt,
		MaxParallelRequests: u.MaxParallelRequests, TpmLimit: u.TpmLimit, RpmLimit: u.RpmLimit,
		TphLimit: u.TphLimit, RphLimit: u.RphLimit, TpdLimit: u.TpdLimit, RpdLimit: u.RpdLimit, SoftBudgetNano: u.SoftBudgetNano,
		BudgetLimits: u.BudgetLimits, ModelMaxBudget: u.ModelMaxBudget, SsoUserID: u.SsoUserID, Password: u.Password,
	}
}

func updateParams(u *db.UserTable, setSpend *int64) db.UserUpdateParams {
	return db.UserUpdateParams{
		UserID: u.UserID, UserAlias: u.UserAlias, UserEmail: u.UserEmail, UserRole: u.UserRole, Metadata: u.Metadata, Models: u.Models,
		SetSpendNano: setSpend, MaxBudgetNano: u.MaxBudgetNano, BudgetDuration: u.BudgetDuration, BudgetResetAt: u.BudgetResetAt,
		MaxParallelRequests: u.MaxParallelRequests, TpmLimit: u.TpmLimit, RpmLimit: u.RpmLimit,
		TphLimit: u.TphLimit, RphLimit: u.RphLimit, TpdLimit: u.TpdLimit, RpdLimit: u.RpdLimit, SoftBudgetNano: u.SoftBudgetNano,
		BudgetLimits: u.BudgetLimits, ModelMaxBudget: u.ModelMaxBudget, SsoUserID: u.SsoUserID, Password: u.Password,
	}
}

package key

import (
	"encoding/json"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Info is a key as LiteLLM shows it, without its hash.
type Info struct {
	limit.View

	KeyName              *string         `json:"key_name"`
	KeyAlias             *string         `json:"key_alias"`
	SoftBudgetCooldown   bool            `json:"soft_budget_cooldown"`
	Spend                float64         `json:"spend"`
	Expires              *time.Time      `json:"expires"`
	Models               []string        `json:"models"`
	Aliases              json.RawMessage `json:"aliases"`
	Config               json.RawMessage `json:"config"`
	UserID               *string         `json:"user_id"`
	TeamID               *string         `json:"team_id"`
	OrganizationID       *string         `json:"organization_id"`
	AgentID              *string         `json:"agent_id"`
	ProjectID            *string         `json:"project_id"`
	Permissions          json.RawMessage `json:"permissions"`
	Metadata             json.RawMessage `json:"metadata"`
	Blocked              *bool           `json:"blocked"`
	AllowedCacheControls []string        `json:"allowed_cache_controls"`
	AllowedRoutes        []string        `json:"allowed_routes"`
	ModelSpend           json.RawMessage `json:"model_spend"`
	BudgetID             *string         `json:"budget_id"`
	ObjectPermissionID   *string         `json:"object_permission_id"`
	BudgetTable          *tier.Budget    `json:"litellm_budget_table"`
	CreatedAt            time.Time       `json:"created_at"`
	CreatedBy            *string         `json:"created_by"`
	UpdatedAt            time.Time       `json:"updated_at"`
	UpdatedBy            *string         `json:"updated_by"`
	LastActive           *time.Time      `json:"last_active"`
	RotationCount        int64           `json:"rotation_count"`
	LastRotationAt       *time.Time      `json:"last_rotation_at"`
	AutoRotate           bool            `json:"auto_rotate"`
	RotationInterval     *string         `json:"rotation_interval"`
	KeyRotationAt        *time.Time      `json:"key_rotation_at"`
	AccessGroupIDs       []string        `json:"access_group_ids"`
	RouterSettings       json.RawMessage `json:"router_settings"`
	ObjectPermission     *PermissionView `json:"object_permission"`
}

// Row is a key with its hash.
type Row struct {
	Info

	Token string `json:"token"`
}

// Generated is the reply to generate and regenerate: the only time that the
// key itself is shown.
type Generated struct {
	Info

	Key            string          `json:"key"`
	Token          string          `json:"token"`
	TokenID        string          `json:"token_id"`
	ModelRPMLimit  json.RawMessage `json:"model_rpm_limit"`
	ModelTPMLimit  json.RawMessage `json:"model_tpm_limit"`
	RPMLimitType   json.RawMessage `json:"rpm_limit_type"`
	TPMLimitType   json.RawMessage `json:"tpm_limit_type"`
	Guardrails     json.RawMessage `json:"guardrails"`
	Policies       json.RawMessage `json:"policies"`
	Prompts        json.RawMessage `json:"prompts"`
	Tags           json.RawMessage `json:"tags"`
	EnforcedParams json.RawMessage `json:"enforced_params"`
	// Duration is what was asked for; Expires is when that is over.
	Duration *string `json:"duration"`
}

// Updated is the reply to update: the key as it was sent, then its columns.
type Updated struct {
	Row

	Key string `json:"key"`
}

// View shows a row.
func View(k db.VerificationToken) Row {
	now := time.Now()
	limits := limit.OfKey(&k).View(now)
	var table *tier.Budget
	if limits.SoftBudget != nil { // LiteLLM makes a row for it, which is where its clients look
		table = &tier.Budget{SoftBudget: limits.SoftBudget}
	}
	return Row{Token: k.Token, Info: Info{
		View: limits, KeyName: k.KeyName, KeyAlias: k.KeyAlias, Spend: money.Nano(budget.Current(k.SpendNano, k.BudgetResetAt, now)).USD(), Expires: utc(k.Expires),
		Models: k.Models, Aliases: k.Aliases, Config: k.Config, UserID: k.UserID, TeamID: k.TeamID, OrganizationID: k.OrganizationID,
		Permissions: k.Permissions, Metadata: k.Metadata, Blocked: k.Blocked,
		AllowedCacheControls: k.AllowedCacheControls, AllowedRoutes: k.AllowedRoutes,
		ModelSpend: json.RawMessage("{}"), BudgetID: k.BudgetID, BudgetTable: table,
		CreatedAt: k.CreatedAt.UTC(), CreatedBy: k.CreatedBy, UpdatedAt: k.UpdatedAt.UTC(), UpdatedBy: k.UpdatedBy,
		LastActive: utc(k.LastActive), RotationCount: k.RotationCount, LastRotationAt: utc(k.LastRotationAt),
		AgentID: k.AgentID, ProjectID: k.ProjectID, ObjectPermissionID: k.ObjectPermissionID, AccessGroupIDs: list(k.AccessGroupIds),
		RouterSettings: k.RouterSettings, AutoRotate: k.AutoRotate, RotationInterval: k.RotationInterval, KeyRotationAt: utc(k.KeyRotationAt),
	}}
}

// Views shows rows.
func Views(keys []db.VerificationToken) []Row {
	out := make([]Row, len(keys))
	for i, k := range keys {
		out[i] = View(k)
	}
	return out
}

func generated(plain string, row db.VerificationToken, duration *string) Generated {
	var meta map[string]json.RawMessage
	_ = json.Unmarshal(row.Metadata, &meta) // we wrote it ourselves
	return Generated{
		Key: plain, Token: row.Token, TokenID: row.Token, Info: View(row).Info, Duration: duration,
		ModelRPMLimit: meta["model_rpm_limit"], ModelTPMLimit: meta["model_tpm_limit"], RPMLimitType: meta["rpm_limit_type"],
		TPMLimitType: meta["tpm_limit_type"], Guardrails: meta["guardrails"], Policies: meta["policies"], Prompts: meta["prompts"],
		Tags: meta["tags"], EnforcedParams: meta["enforced_params"],
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

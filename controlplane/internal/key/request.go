package key

import (
	"encoding/json"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/period"
)

// Request is the body of /key/generate, /key/update and /key/regenerate. Only
// members that were sent have an effect on an existing key.
type Request struct {
	limit.Fields
	hoistedFields

	Key                  field.Of[string]         `json:"key"`
	KeyAlias             field.Of[string]         `json:"key_alias"`
	Duration             field.Of[string]         `json:"duration"`
	Models               field.Of[[]string]       `json:"models"`
	Aliases              field.Of[map[string]any] `json:"aliases"`
	Config               field.Of[map[string]any] `json:"config"`
	Permissions          field.Of[map[string]any] `json:"permissions"`
	Metadata             field.Of[map[string]any] `json:"metadata"`
	Spend                field.Of[float64]        `json:"spend"`
	BudgetID             field.Of[string]         `json:"budget_id"`
	UserID               field.Of[string]         `json:"user_id"`
	TeamID               field.Of[string]         `json:"team_id"`
	OrganizationID       field.Of[string]         `json:"organization_id"`
	AllowedCacheControls field.Of[[]string]       `json:"allowed_cache_controls"`
	AllowedRoutes        field.Of[[]string]       `json:"allowed_routes"`
	Blocked              field.Of[bool]           `json:"blocked"`
	KeyType              field.Of[string]         `json:"key_type"`
	AgentID              field.Of[string]         `json:"agent_id"`
	ProjectID            field.Of[string]         `json:"project_id"`
	AccessGroupIDs       field.Of[[]string]       `json:"access_group_ids"`
	RouterSettings       field.Of[map[string]any] `json:"router_settings"`
	ObjectPermission     field.Of[Permission]     `json:"object_permission"`
	AutoRotate           field.Of[bool]           `json:"auto_rotate"`
	RotationInterval     field.Of[string]         `json:"rotation_interval"`

	// These are for a new text of the key: what it is, and for how long the
	// present one goes on to work.
	NewKey      field.Of[string] `json:"new_key"`
	GracePeriod field.Of[string] `json:"grace_period"`
	// NewMasterKey is for the master key, which package masterkey replaces.
	NewMasterKey field.Of[string] `json:"new_master_key"`
}

// check refuses ids that can not be one, and text that is too long.
func (r *Request) check() error {
	for _, id := range []struct {
		name string
		sent field.Of[string]
	}{
		{"user_id", r.UserID},
		{"team_id", r.TeamID},
		{"organization_id", r.OrganizationID},
		{"budget_id", r.BudgetID},
		{"agent_id", r.AgentID},
		{"project_id", r.ProjectID},
		{"key_alias", r.KeyAlias},
	} {
		if text := id.sent.Or(""); text != "" {
			if err := bounds.CheckID(id.name, text); err != nil {
				return err
			}
		}
	}
	for _, list := range []struct {
		name string
		sent field.Of[[]string]
	}{{"models", r.Models}, {"allowed_routes", r.AllowedRoutes}, {"allowed_cache_controls", r.AllowedCacheControls}, {"access_group_ids", r.AccessGroupIDs}} {
		if err := bounds.CheckNames(list.name, list.sent.Or(nil)); err != nil {
			return err
		}
	}
	return nil
}

// apply changes row by what was sent.
func (r *Request) apply(row *db.VerificationToken, now time.Time) error {
	if err := r.check(); err != nil {
		return err
	}
	r.KeyAlias.Into(&row.KeyAlias)
	r.UserID.Into(&row.UserID)
	r.TeamID.Into(&row.TeamID)
	r.OrganizationID.Into(&row.OrganizationID)
	r.BudgetID.Into(&row.BudgetID)
	r.AgentID.Into(&row.AgentID)
	r.ProjectID.Into(&row.ProjectID)
	for _, id := range []**string{
		&row.KeyAlias, &row.UserID, &row.TeamID, &row.OrganizationID, &row.BudgetID, &row.AgentID, &row.ProjectID,
	} {
		if *id != nil && **id == "" {
			*id = nil
		}
	}
	r.Models.IntoValue(&row.Models)
	r.AllowedRoutes.IntoValue(&row.AllowedRoutes)
	r.AllowedCacheControls.IntoValue(&row.AllowedCacheControls)
	r.AccessGroupIDs.IntoValue(&row.AccessGroupIds)
	r.Blocked.Into(&row.Blocked)
	if err := r.applyRotation(row, now); err != nil {
		return err
	}
	if err := r.applyKeyType(row); err != nil {
		return err
	}
	if err := r.applySpend(row); err != nil {
		return err
	}
	if err := r.applyExpiry(row, now); err != nil {
		return err
	}
	if err := r.applyObjects(row); err != nil {
		return err
	}
	if err := r.applyMetadata(row); err != nil {
		return err
	}
	return r.ApplyLimits(limit.OfKey(row), limit.Rules{Types: limit.KeyTypes(), Metadata: r.Metadata.Sent, Now: now})
}

func (r *Request) applyKeyType(row *db.VerificationToken) error {
	switch r.KeyType.Or("") {
	case "", "default":
	case "llm_api":
		row.AllowedRoutes = []string{"llm_api_routes"}
	case "management":
		row.AllowedRoutes = []string{"management_routes"}
	case "read_only":
		row.AllowedRoutes = []string{"info_routes"}
	default:
		return apierr.BadRequest("key_type %q is not one of default, llm_api, management, read_only", r.KeyType.Value)
	}
	return nil
}

func (r *Request) applySpend(row *db.VerificationToken) error {
	if !r.Spend.Sent {
		return nil
	}
	n, err := money.FromUSD(r.Spend.Or(0))
	if err != nil || n < 0 {
		return apierr.BadRequest("spend must be a non-negative number of dollars")
	}
	row.SpendNano = int64(n)
	return nil
}

func (r *Request) applyExpiry(row *db.VerificationToken, now time.Time) error {
	if !r.Duration.Sent {
		return nil
	}
	if d := r.Duration.Or("-1"); d == "-1" || d == "" {
		row.Expires = nil
		return nil
	}
	p, err := period.Parse(r.Duration.Value)
	if err != nil {
		return apierr.BadRequest("duration: %v", err)
	}
	at := p.After(now).Truncate(time.Microsecond)
	row.Expires = &at
	return nil
}

func (r *Request) applyObjects(row *db.VerificationToken) error {
	if r.RouterSettings.Sent {
		row.RouterSettings = nil
	}
	if !r.RouterSettings.Null && r.RouterSettings.Sent {
		b, err := bounds.Encode("router_settings", r.RouterSettings.Value)
		if err != nil {
			return err //nolint:wrapcheck // it is for the client
		}
		row.RouterSettings = b
	}
	for _, m := range []struct {
		name string
		from field.Of[map[string]any]
		to   *json.RawMessage
	}{{"aliases", r.Aliases, &row.Aliases}, {"config", r.Config, &row.Config}, {"permissions", r.Permissions, &row.Permissions}} {
		if err := setObject(m.to, m.name, m.from); err != nil {
			return err
		}
	}
	return nil
}

func setObject(dst *json.RawMessage, name string, sent field.Of[map[string]any]) error {
	if !sent.Sent && *dst != nil {
		return nil
	}
	b, err := bounds.Encode(name, sent.Value)
	if err != nil {
		return err //nolint:wrapcheck // it is for the client
	}
	*dst = b
	return nil
}

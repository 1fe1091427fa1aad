package key

import (
	"encoding/json"
	"time"

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
	NewKey               field.Of[string]         `json:"new_key"`

	// What LiteLLM keeps inside metadata under the same name.
	EnforcedParams field.Of[json.RawMessage] `json:"enforced_params"`
	Guardrails     field.Of[json.RawMessage] `json:"guardrails"`
	Policies       field.Of[json.RawMessage] `json:"policies"`
	Tags           field.Of[json.RawMessage] `json:"tags"`
	Prompts        field.Of[json.RawMessage] `json:"prompts"`
	Logging        field.Of[json.RawMessage] `json:"logging"`
}

func (r *Request) hoisted() map[string]field.Of[json.RawMessage] {
	return map[string]field.Of[json.RawMessage]{
		"enforced_params": r.EnforcedParams, "guardrails": r.Guardrails, "policies": r.Policies, "tags": r.Tags,
		"prompts": r.Prompts, "logging": r.Logging,
	}
}

// apply changes row by what was sent.
func (r *Request) apply(row *db.VerificationToken, now time.Time) error {
	r.KeyAlias.Into(&row.KeyAlias)
	r.UserID.Into(&row.UserID)
	r.TeamID.Into(&row.TeamID)
	r.OrganizationID.Into(&row.OrganizationID)
	r.BudgetID.Into(&row.BudgetID)
	for _, id := range []**string{&row.KeyAlias, &row.UserID, &row.TeamID, &row.OrganizationID, &row.BudgetID} {
		if *id != nil && **id == "" {
			*id = nil
		}
	}
	r.Models.IntoValue(&row.Models)
	r.AllowedRoutes.IntoValue(&row.AllowedRoutes)
	r.AllowedCacheControls.IntoValue(&row.AllowedCacheControls)
	r.Blocked.Into(&row.Blocked)
	if err := r.applyKeyType(row); err != nil {
		return err
	}
	if err := r.applySpend(row); err != nil {
		return err
	}
	if err := r.applyExpiry(row, now); err != nil {
		return err
	}
	for _, m := range []struct {
		from field.Of[map[string]any]
		to   *json.RawMessage
	}{{r.Aliases, &row.Aliases}, {r.Config, &row.Config}, {r.Permissions, &row.Permissions}} {
		if err := setObject(m.to, m.from); err != nil {
			return err
		}
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

func setObject(dst *json.RawMessage, sent field.Of[map[string]any]) error {
	if !sent.Sent && *dst != nil {
		return nil
	}
	value := sent.Value
	if value == nil {
		value = map[string]any{}
	}
	b, err := json.Marshal(value)
	if err != nil {
		return apierr.BadRequest("invalid object: %v", err)
	}
	*dst = b
	return nil
}

// applyMetadata replaces metadata where it was sent, and then sets the members
// that are sent beside it but kept inside it.
func (r *Request) applyMetadata(row *db.VerificationToken) error {
	if err := setObject(&row.Metadata, r.Metadata); err != nil {
		return err
	}
	var meta map[string]json.RawMessage
	if err := json.Unmarshal(row.Metadata, &meta); err != nil || meta == nil {
		meta = map[string]json.RawMessage{}
	}
	changed := false
	for name, f := range r.hoisted() {
		if !f.Sent {
			continue
		}
		changed = true
		if f.Null {
			delete(meta, name)
		} else {
			meta[name] = f.Value
		}
	}
	if !changed {
		return nil
	}
	b, err := json.Marshal(meta)
	if err != nil {
		return apierr.BadRequest("metadata can not be encoded: %v", err)
	}
	row.Metadata = b
	return nil
}

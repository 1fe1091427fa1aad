package key

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/period"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Request is the body of /key/generate, /key/update and /key/regenerate. Only
// members that were sent have an effect on an existing key.
type Request struct {
	Key                  field.Of[string]         `json:"key"`
	KeyAlias             field.Of[string]         `json:"key_alias"`
	Duration             field.Of[string]         `json:"duration"`
	Models               field.Of[[]string]       `json:"models"`
	Aliases              field.Of[map[string]any] `json:"aliases"`
	Config               field.Of[map[string]any] `json:"config"`
	Permissions          field.Of[map[string]any] `json:"permissions"`
	Metadata             field.Of[map[string]any] `json:"metadata"`
	ModelMaxBudget       field.Of[map[string]any] `json:"model_max_budget"`
	Spend                field.Of[float64]        `json:"spend"`
	MaxBudget            field.Of[float64]        `json:"max_budget"`
	BudgetDuration       field.Of[string]         `json:"budget_duration"`
	UserID               field.Of[string]         `json:"user_id"`
	TeamID               field.Of[string]         `json:"team_id"`
	OrganizationID       field.Of[string]         `json:"organization_id"`
	MaxParallelRequests  field.Of[int64]          `json:"max_parallel_requests"`
	TPMLimit             field.Of[int64]          `json:"tpm_limit"`
	RPMLimit             field.Of[int64]          `json:"rpm_limit"`
	AllowedCacheControls field.Of[[]string]       `json:"allowed_cache_controls"`
	AllowedRoutes        field.Of[[]string]       `json:"allowed_routes"`
	Blocked              field.Of[bool]           `json:"blocked"`
	KeyType              field.Of[string]         `json:"key_type"`
	NewKey               field.Of[string]         `json:"new_key"`

	// What LiteLLM keeps inside metadata under the same name.
	ModelRPMLimit      field.Of[json.RawMessage] `json:"model_rpm_limit"`
	ModelTPMLimit      field.Of[json.RawMessage] `json:"model_tpm_limit"`
	RPMLimitType       field.Of[json.RawMessage] `json:"rpm_limit_type"`
	TPMLimitType       field.Of[json.RawMessage] `json:"tpm_limit_type"`
	EnforcedParams     field.Of[json.RawMessage] `json:"enforced_params"`
	TempBudgetIncrease field.Of[json.RawMessage] `json:"temp_budget_increase"`
	TempBudgetExpiry   field.Of[json.RawMessage] `json:"temp_budget_expiry"`
	Guardrails         field.Of[json.RawMessage] `json:"guardrails"`
	Policies           field.Of[json.RawMessage] `json:"policies"`
	Tags               field.Of[json.RawMessage] `json:"tags"`
	Prompts            field.Of[json.RawMessage] `json:"prompts"`
	Logging            field.Of[json.RawMessage] `json:"logging"`
}

func (r *Request) hoisted() map[string]field.Of[json.RawMessage] {
	return map[string]field.Of[json.RawMessage]{
		"model_rpm_limit": r.ModelRPMLimit, "model_tpm_limit": r.ModelTPMLimit, "rpm_limit_type": r.RPMLimitType,
		"tpm_limit_type": r.TPMLimitType, "enforced_params": r.EnforcedParams, "temp_budget_increase": r.TempBudgetIncrease,
		"temp_budget_expiry": r.TempBudgetExpiry, "guardrails": r.Guardrails, "policies": r.Policies, "tags": r.Tags,
		"prompts": r.Prompts, "logging": r.Logging,
	}
}

// apply changes row by what was sent.
func (r *Request) apply(row *db.VerificationToken, now time.Time) error {
	r.KeyAlias.Into(&row.KeyAlias)
	r.UserID.Into(&row.UserID)
	r.TeamID.Into(&row.TeamID)
	r.OrganizationID.Into(&row.OrganizationID)
	for _, id := range []**string{&row.KeyAlias, &row.UserID, &row.TeamID, &row.OrganizationID} {
		if *id != nil && **id == "" {
			*id = nil
		}
	}
	r.Models.IntoValue(&row.Models)
	r.AllowedRoutes.IntoValue(&row.AllowedRoutes)
	r.AllowedCacheControls.IntoValue(&row.AllowedCacheControls)
	r.Blocked.Into(&row.Blocked)
	r.MaxParallelRequests.Into(&row.MaxParallelRequests)
	r.TPMLimit.Into(&row.TpmLimit)
	r.RPMLimit.Into(&row.RpmLimit)
	if err := r.applyKeyType(row); err != nil {
		return err
	}
	if err := r.applyMoney(row, now); err != nil {
		return err
	}
	if err := r.applyExpiry(row, now); err != nil {
		return err
	}
	for _, m := range []struct {
		from field.Of[map[string]any]
		to   *json.RawMessage
	}{{r.Aliases, &row.Aliases}, {r.Config, &row.Config}, {r.Permissions, &row.Permissions}, {r.ModelMaxBudget, &row.ModelMaxBudget}} {
		if err := setObject(m.to, m.from); err != nil {
			return err
		}
	}
	return r.applyMetadata(row)
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

func (r *Request) applyMoney(row *db.VerificationToken, now time.Time) error {
	if err := SetBudget(&row.MaxBudgetNano, r.MaxBudget); err != nil {
		return err
	}
	if r.Spend.Sent {
		n, err := money.FromUSD(r.Spend.Or(0))
		if err != nil || n < 0 {
			return apierr.BadRequest("spend must be a non-negative number of dollars")
		}
		row.SpendNano = int64(n)
	}
	return SetBudgetDuration(&row.BudgetDuration, &row.BudgetResetAt, r.BudgetDuration, now)
}

// SetBudget stores a budget in dollars as nano-dollars.
func SetBudget(dst **int64, sent field.Of[float64]) error {
	if !sent.Sent {
		return nil
	}
	if sent.Null {
		*dst = nil
		return nil
	}
	n, err := money.FromUSD(sent.Value)
	if err != nil {
		return apierr.BadRequest("max_budget is out of range")
	}
	if n < 0 {
		return &apierr.Error{Status: http.StatusBadRequest, NoneText: true, Type: apierr.TypeBadRequest, Message: "max_budget cannot be negative. Received: " + n.String()}
	}
	v := int64(n)
	*dst = &v
	return nil
}

// SetBudgetDuration stores a budget's period and when it starts again.
func SetBudgetDuration(dst **string, resetAt **time.Time, sent field.Of[string], now time.Time) error {
	if !sent.Sent {
		return nil
	}
	*dst, *resetAt = nil, nil
	if sent.Or("") == "" {
		return nil
	}
	p, err := period.Parse(sent.Value)
	if err != nil {
		return apierr.BadRequest("budget_duration: %v", err)
	}
	at := p.Reset(now)
	*dst, *resetAt = &sent.Value, &at
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

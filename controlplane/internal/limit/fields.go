package limit

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/period"
)

// raw is a member that ApplyLimits decodes, to refuse it in the words that LiteLLM's
// clients know.
type raw = field.Of[json.RawMessage]

// Fields are the members of a request that are about limits. Those for hours
// and days are ours; all others are LiteLLM's.
type Fields struct {
	RPM         raw `json:"rpm_limit"`
	TPM         raw `json:"tpm_limit"`
	RPH         raw `json:"rph_limit"`
	TPH         raw `json:"tph_limit"`
	RPD         raw `json:"rpd_limit"`
	TPD         raw `json:"tpd_limit"`
	MaxParallel raw `json:"max_parallel_requests"`

	MaxBudget      raw `json:"max_budget"`
	SoftBudget     raw `json:"soft_budget"`
	BudgetDuration raw `json:"budget_duration"`
	BudgetLimits   raw `json:"budget_limits"`
	ModelMaxBudget raw `json:"model_max_budget"`

	// LiteLLM keeps these inside metadata under the same names.
	ModelRPM     raw `json:"model_rpm_limit"`
	ModelTPM     raw `json:"model_tpm_limit"`
	RPMType      raw `json:"rpm_limit_type"`
	TPMType      raw `json:"tpm_limit_type"`
	TempIncrease raw `json:"temp_budget_increase"`
	TempExpiry   raw `json:"temp_budget_expiry"`
}

// Rules are what a kind of object adds to what holds for all.
type Rules struct {
	// Types are the values that the types of rates may have.
	Types []contract.RateType
	// Metadata says that the request replaced the metadata, where limits may
	// stand too.
	Metadata bool
	Now      time.Time
}

// KeyTypes are the types of rates that a key may have.
func KeyTypes() []contract.RateType {
	return []contract.RateType{contract.Guaranteed, contract.BestEffort, contract.Dynamic}
}

// OwnerTypes are those that a team or a user may have.
func OwnerTypes() []contract.RateType {
	return []contract.RateType{contract.Guaranteed, contract.BestEffort}
}

// SetsLimits reports whether the request says anything about limits.
func (f *Fields) SetsLimits() bool {
	all := []raw{
		f.RPM, f.TPM, f.RPH, f.TPH, f.RPD, f.TPD, f.MaxParallel,
		f.MaxBudget, f.SoftBudget, f.BudgetDuration, f.BudgetLimits, f.ModelMaxBudget,
	}
	for _, m := range f.hoisted() {
		all = append(all, m.sent)
	}
	return slices.ContainsFunc(all, func(m raw) bool { return m.Sent })
}

// ApplyLimits changes the columns by what was sent. Metadata must have been changed
// before. When it fails, the columns are half changed and not to be stored.
func (f *Fields) ApplyLimits(c Columns, r Rules) error {
	for _, m := range []struct {
		name string
		sent raw
		to   **int64
		read func(name string, value json.RawMessage) (*int64, error)
	}{
		{"rpm_limit", f.RPM, c.RPM, count},
		{"tpm_limit", f.TPM, c.TPM, count},
		{"rph_limit", f.RPH, c.RPH, count},
		{"tph_limit", f.TPH, c.TPH, count},
		{"rpd_limit", f.RPD, c.RPD, count},
		{"tpd_limit", f.TPD, c.TPD, count},
		{"max_parallel_requests", f.MaxParallel, c.MaxParallel, count},
		{"max_budget", f.MaxBudget, c.MaxBudget, dollarsOrNone},
		{"soft_budget", f.SoftBudget, c.SoftBudget, dollarsOrNone},
	} {
		if !m.sent.Sent {
			continue
		}
		*m.to = nil
		if m.sent.Null {
			continue
		}
		var err error
		if *m.to, err = m.read(m.name, m.sent.Value); err != nil {
			return err
		}
	}
	if err := f.applyDuration(c, r.Now); err != nil {
		return err
	}
	if err := f.applyWindows(c); err != nil {
		return err
	}
	if err := f.applyModels(c); err != nil {
		return err
	}
	return f.applyMetadata(c, r)
}

// applyDuration stores a budget's period and when it next starts again.
func (f *Fields) applyDuration(c Columns, now time.Time) error {
	if !f.BudgetDuration.Sent {
		return nil
	}
	*c.BudgetDuration, *c.BudgetResetAt = nil, nil
	if f.BudgetDuration.Null {
		return nil
	}
	s, err := text("budget_duration", f.BudgetDuration.Value)
	if err != nil || s == "" {
		return err
	}
	p, err := period.Parse(s)
	if err != nil {
		return apierr.BadRequest("budget_duration: %v", err)
	}
	*c.BudgetDuration, *c.BudgetResetAt = &s, new(p.Reset(now))
	return nil
}

// applyWindows stores budgets of further periods. Two of one period would be
// counted by one counter.
func (f *Fields) applyWindows(c Columns) error {
	if f.BudgetLimits.Sent {
		*c.BudgetLimits = json.RawMessage("[]")
		if !f.BudgetLimits.Null {
			stored, err := storedWindows(f.BudgetLimits.Value)
			if err != nil {
				return err
			}
			*c.BudgetLimits = stored
		}
	}
	if len(*c.BudgetLimits) == 0 {
		*c.BudgetLimits = json.RawMessage("[]")
	}
	if !f.BudgetLimits.Sent && !f.BudgetDuration.Sent && !f.MaxBudget.Sent || *c.MaxBudget == nil {
		return nil
	}
	for _, w := range windows(*c.BudgetLimits) {
		if *c.BudgetDuration != nil && w.Duration == **c.BudgetDuration {
			return badRequest("budget_limits: there is a max_budget for %s already", w.Duration)
		}
	}
	return nil
}

func (f *Fields) applyModels(c Columns) error {
	if f.ModelMaxBudget.Sent || len(*c.ModelMaxBudget) == 0 {
		*c.ModelMaxBudget = json.RawMessage("{}")
	}
	if !f.ModelMaxBudget.Sent || f.ModelMaxBudget.Null {
		return nil
	}
	if err := checkModelBudgets(f.ModelMaxBudget.Value); err != nil {
		return err
	}
	*c.ModelMaxBudget = f.ModelMaxBudget.Value
	return nil
}

package limit

import (
	"encoding/json"
	"time"

	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/period"
)

// View is the limits of an object as LiteLLM shows them. Limits that LiteLLM
// does not have are shown where there are some.
type View struct {
	TPMLimit            *int64          `json:"tpm_limit"`
	RPMLimit            *int64          `json:"rpm_limit"`
	TPHLimit            *int64          `json:"tph_limit,omitempty"`
	RPHLimit            *int64          `json:"rph_limit,omitempty"`
	TPDLimit            *int64          `json:"tpd_limit,omitempty"`
	RPDLimit            *int64          `json:"rpd_limit,omitempty"`
	MaxParallelRequests *int64          `json:"max_parallel_requests"`
	MaxBudget           *float64        `json:"max_budget"`
	SoftBudget          *float64        `json:"soft_budget"`
	BudgetDuration      *string         `json:"budget_duration"`
	BudgetResetAt       *time.Time      `json:"budget_reset_at"`
	BudgetLimits        []window        `json:"budget_limits"`
	ModelMaxBudget      json.RawMessage `json:"model_max_budget"`
}

// View shows the columns. A budget's reset is the next one: nothing happens in
// the database when one comes.
func (c Columns) View(now time.Time) View {
	v := View{
		TPMLimit: *c.TPM, RPMLimit: *c.RPM, TPHLimit: *c.TPH, RPHLimit: *c.RPH, TPDLimit: *c.TPD, RPDLimit: *c.RPD,
		MaxParallelRequests: *c.MaxParallel, MaxBudget: USD(*c.MaxBudget), SoftBudget: USD(*c.SoftBudget),
		BudgetDuration: *c.BudgetDuration, ModelMaxBudget: *c.ModelMaxBudget,
	}
	if *c.BudgetDuration != nil {
		v.BudgetResetAt = nextReset(**c.BudgetDuration, now)
	}
	for _, w := range windows(*c.BudgetLimits) {
		w.ResetAt = nextReset(w.Duration, now)
		v.BudgetLimits = append(v.BudgetLimits, w)
	}
	return v
}

func nextReset(duration string, now time.Time) *time.Time {
	p, err := period.Parse(duration)
	if err != nil {
		return nil
	}
	return new(p.Reset(now))
}

// USD turns an optional amount of nano-dollars into the number of dollars that
// JSON carries.
func USD(nano *int64) *float64 {
	if nano == nil {
		return nil
	}
	return new(money.Nano(*nano).USD())
}

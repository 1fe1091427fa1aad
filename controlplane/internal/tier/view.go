package tier

import (
	"encoding/json"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// Budget is a budget as LiteLLM shows it inside of those who use it. Members
// that LiteLLM does not have are shown where they say something.
type Budget struct {
	BudgetID            string          `json:"budget_id"`
	SoftBudget          *float64        `json:"soft_budget"`
	MaxBudget           *float64        `json:"max_budget"`
	MaxParallelRequests *int64          `json:"max_parallel_requests"`
	TPMLimit            *int64          `json:"tpm_limit"`
	RPMLimit            *int64          `json:"rpm_limit"`
	TPHLimit            *int64          `json:"tph_limit,omitempty"`
	RPHLimit            *int64          `json:"rph_limit,omitempty"`
	TPDLimit            *int64          `json:"tpd_limit,omitempty"`
	RPDLimit            *int64          `json:"rpd_limit,omitempty"`
	ModelMaxBudget      json.RawMessage `json:"model_max_budget"`
	BudgetDuration      *string         `json:"budget_duration"`
	BudgetLimits        json.RawMessage `json:"budget_limits,omitempty"`
	Metadata            json.RawMessage `json:"metadata,omitempty"`
}

// Row is a budget by itself.
type Row struct {
	Budget

	BudgetResetAt *time.Time `json:"budget_reset_at"`
	CreatedAt     time.Time  `json:"created_at"`
	CreatedBy     string     `json:"created_by"`
	UpdatedAt     time.Time  `json:"updated_at"`
	UpdatedBy     string     `json:"updated_by"`
}

// Show returns a budget as those who use it show it.
func Show(b *db.BudgetTable) *Budget {
	v := Columns(b).View(time.Now())
	out := &Budget{
		BudgetID: b.BudgetID, SoftBudget: v.SoftBudget, MaxBudget: v.MaxBudget, MaxParallelRequests: v.MaxParallelRequests,
		TPMLimit: v.TPMLimit, RPMLimit: v.RPMLimit, TPHLimit: v.TPHLimit, RPHLimit: v.RPHLimit, TPDLimit: v.TPDLimit, RPDLimit: v.RPDLimit,
		BudgetDuration: b.BudgetDuration,
	}
	if len(object(b.ModelMaxBudget)) > 0 {
		out.ModelMaxBudget = b.ModelMaxBudget
	}
	if len(list(b.BudgetLimits)) > 0 {
		out.BudgetLimits = b.BudgetLimits
	}
	if len(object(b.Metadata)) > 0 {
		out.Metadata = b.Metadata
	}
	return out
}

func show(b db.BudgetTable) Row {
	return Row{
		Budget: *Show(&b), BudgetResetAt: Columns(&b).View(time.Now()).BudgetResetAt,
		CreatedAt: b.CreatedAt.UTC(), CreatedBy: b.CreatedBy, UpdatedAt: b.UpdatedAt.UTC(), UpdatedBy: b.UpdatedBy,
	}
}

func shown(rows []db.BudgetTable) []Row {
	out := make([]Row, len(rows))
	for i, r := range rows {
		out[i] = show(r)
	}
	return out
}

// Shown shows the budget of this id, or nil when there is none.
func Shown(budgets map[string]db.BudgetTable, id *string) *Budget {
	if id == nil {
		return nil
	}
	b, ok := budgets[*id]
	if !ok {
		return nil
	}
	return Show(&b)
}

// ShownTogether shows a budget and what it does not say from another.
func ShownTogether(budgets map[string]db.BudgetTable, id, otherwise string) *Budget {
	b, ok := budgets[id]
	other, also := budgets[otherwise]
	switch {
	case !ok:
		return Shown(budgets, &otherwise)
	case also:
		fill(Columns(&b), Columns(&other))
	}
	return Show(&b)
}

package limit

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// Limits are the columns as data planes are told. What can not be read is left
// out: ApplyLimits lets nothing of that kind in.
func (c Columns) Limits() contract.Limits {
	meta := members(*c.Metadata)
	l := contract.Limits{
		Rates:       contract.Rates{RPM: *c.RPM, TPM: *c.TPM, RPH: *c.RPH, TPH: *c.TPH, RPD: *c.RPD, TPD: *c.TPD},
		MaxParallel: *c.MaxParallel, SoftBudgetNano: *c.SoftBudget,
		Budgets: c.budgets(meta), Models: c.models(meta),
	}
	if *c.SoftBudget != nil && *c.BudgetDuration != nil {
		l.SoftDuration = **c.BudgetDuration
	}
	l.Requests, _ = rateType(meta, rpmType, KeyTypes())
	l.Tokens, _ = rateType(meta, tpmType, KeyTypes())
	return l
}

// budgets are max_budget, which a temporary increase is for, and then those of
// budget_limits.
func (c Columns) budgets(meta map[string]json.RawMessage) []contract.Budget {
	var all []contract.Budget
	if *c.MaxBudget != nil {
		b := contract.Budget{MaxNano: **c.MaxBudget}
		if *c.BudgetDuration != nil {
			b.Duration = **c.BudgetDuration
		}
		if nano, until, err := increase(meta); err == nil && nano > 0 {
			b.IncreaseNano, b.Until = nano, until
		}
		all = append(all, b)
	}
	for _, w := range windows(*c.BudgetLimits) {
		b, ok := w.budget()
		if ok && (len(all) == 0 || *c.MaxBudget == nil || all[0].Duration != b.Duration) {
			all = append(all, b)
		}
	}
	return all
}

// models are the limits by model. model_rpm_limit and model_tpm_limit come
// before the rates of model_max_budget.
func (c Columns) models(meta map[string]json.RawMessage) map[string]contract.ModelLimits {
	all := map[string]contract.ModelLimits{}
	for model, item := range members(*c.ModelMaxBudget) {
		l, _ := modelLimits(item)
		if model != "" && (l.RPM != nil || l.TPM != nil || l.Budget != nil) {
			all[model] = l
		}
	}
	requests, _ := modelCounts(meta, modelRPM)
	for model, n := range requests {
		l := all[model]
		l.RPM = &n
		all[model] = l
	}
	tokens, _ := modelCounts(meta, modelTPM)
	for model, n := range tokens {
		l := all[model]
		l.TPM = &n
		all[model] = l
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

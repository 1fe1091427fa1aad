package tier

import (
	"context"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Setting is a member of a budget as forms show it.
type Setting struct {
	FieldName         string `json:"field_name"`
	FieldType         string `json:"field_type"`
	FieldDescription  string `json:"field_description"`
	FieldValue        any    `json:"field_value"`
	StoredInDB        bool   `json:"stored_in_db"`
	FieldDefaultValue any    `json:"field_default_value"`
	PremiumField      bool   `json:"premium_field"`
	NestedFields      []any  `json:"nested_fields"`
}

// Settings describes the members of a budget and their values in this one.
func (s *Service) Settings(ctx context.Context, _ caller.Caller, id string) ([]Setting, error) {
	if id == "" {
		e := apierr.Invalid("missing", "budget_id", "Field required")
		e.Invalid.Loc[0] = "query"
		return nil, e
	}
	row, err := s.store.BudgetByID(ctx, s.store.DB(), id)
	if err != nil {
		return nil, lost(id, err)
	}
	b := Show(&row)
	out := []Setting{
		{FieldName: "max_parallel_requests", FieldType: "Integer", FieldDescription: "Requests that may be under way at one time.", FieldValue: b.MaxParallelRequests},
		{FieldName: "tpm_limit", FieldType: "Integer", FieldDescription: "Tokens a minute.", FieldValue: b.TPMLimit},
		{FieldName: "rpm_limit", FieldType: "Integer", FieldDescription: "Requests a minute.", FieldValue: b.RPMLimit},
		{FieldName: "budget_duration", FieldType: "String", FieldDescription: "After which time the budget starts anew, for example 1d.", FieldValue: b.BudgetDuration},
		{FieldName: "max_budget", FieldType: "Float", FieldDescription: "Spend in US dollars from which on requests are refused.", FieldValue: b.MaxBudget},
		{FieldName: "soft_budget", FieldType: "Float", FieldDescription: "Spend in US dollars from which on there are alerts; nothing is refused.", FieldValue: b.SoftBudget},
		{FieldName: "model_max_budget", FieldType: "Object", FieldDescription: "Budget, duration and rates for each model.", FieldValue: b.ModelMaxBudget},
	}
	for i := range out {
		out[i].StoredInDB = true
	}
	return out, nil
}

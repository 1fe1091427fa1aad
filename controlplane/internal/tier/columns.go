package tier

import (
	"encoding/json"
	"maps"

	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// Columns are the columns of a budget.
func Columns(b *db.BudgetTable) limit.Columns {
	return limit.Columns{
		RPM: &b.RpmLimit, TPM: &b.TpmLimit, RPH: &b.RphLimit, TPH: &b.TphLimit, RPD: &b.RpdLimit, TPD: &b.TpdLimit,
		MaxParallel: &b.MaxParallelRequests, MaxBudget: &b.MaxBudgetNano, SoftBudget: &b.SoftBudgetNano,
		BudgetDuration: &b.BudgetDuration, BudgetResetAt: &b.BudgetResetAt,
		BudgetLimits: &b.BudgetLimits, ModelMaxBudget: &b.ModelMaxBudget, Metadata: &b.Metadata,
	}
}

// fill takes from a budget what columns do not say themselves.
func fill(to, from limit.Columns) {
	for _, c := range []struct{ to, from **int64 }{
		{to.RPM, from.RPM},
		{to.TPM, from.TPM},
		{to.RPH, from.RPH},
		{to.TPH, from.TPH},
		{to.RPD, from.RPD},
		{to.TPD, from.TPD},
		{to.MaxParallel, from.MaxParallel},
		{to.MaxBudget, from.MaxBudget},
		{to.SoftBudget, from.SoftBudget},
	} {
		if *c.to == nil {
			*c.to = *c.from
		}
	}
	if *to.BudgetDuration == nil {
		*to.BudgetDuration, *to.BudgetResetAt = *from.BudgetDuration, *from.BudgetResetAt
	}
	if len(list(*to.BudgetLimits)) == 0 {
		*to.BudgetLimits = *from.BudgetLimits
	}
	*to.ModelMaxBudget = merged(*to.ModelMaxBudget, *from.ModelMaxBudget)
	*to.Metadata = filledMetadata(*to.Metadata, *from.Metadata)
}

func list(raw json.RawMessage) (items []json.RawMessage) {
	_ = json.Unmarshal(raw, &items) // nothing that can be read is nothing
	return items
}

func object(raw json.RawMessage) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil || m == nil {
		return map[string]json.RawMessage{}
	}
	return m
}

// merged is an object whose members come before those of another.
func merged(first, second json.RawMessage) json.RawMessage {
	all := object(second)
	if len(all) == 0 {
		return first
	}
	maps.Copy(all, object(first))
	return encoded(all, first)
}

func encoded(m map[string]json.RawMessage, otherwise json.RawMessage) json.RawMessage {
	b, err := json.Marshal(m)
	if err != nil {
		return otherwise // it was read from JSON
	}
	return b
}

// filledMetadata takes from a budget the members of metadata that are limits.
func filledMetadata(own, base json.RawMessage) json.RawMessage {
	from := object(base)
	if len(from) == 0 {
		return own
	}
	to := object(own)
	for _, byModel := range []string{"model_rpm_limit", "model_tpm_limit"} {
		if m := merged(to[byModel], from[byModel]); len(m) > 0 {
			to[byModel] = m
		}
	}
	for _, members := range [][]string{{"rpm_limit_type"}, {"tpm_limit_type"}, {"temp_budget_increase", "temp_budget_expiry"}} {
		if to[members[0]] != nil {
			continue
		}
		for _, name := range members {
			if from[name] != nil {
				to[name] = from[name]
			}
		}
	}
	return encoded(to, own)
}

func insertParams(b db.BudgetTable) db.BudgetInsertParams {
	return db.BudgetInsertParams{
		BudgetID: b.BudgetID, Owner: b.Owner, BasedOn: b.BasedOn, MaxBudgetNano: b.MaxBudgetNano, SoftBudgetNano: b.SoftBudgetNano,
		BudgetDuration: b.BudgetDuration, BudgetResetAt: b.BudgetResetAt, MaxParallelRequests: b.MaxParallelRequests,
		TpmLimit: b.TpmLimit, RpmLimit: b.RpmLimit, TphLimit: b.TphLimit, RphLimit: b.RphLimit, TpdLimit: b.TpdLimit, RpdLimit: b.RpdLimit,
		BudgetLimits: b.BudgetLimits, ModelMaxBudget: b.ModelMaxBudget, Metadata: b.Metadata, CreatedBy: b.CreatedBy,
	}
}

func updateParams(b db.BudgetTable) db.BudgetUpdateParams {
	return db.BudgetUpdateParams{
		BudgetID: b.BudgetID, BasedOn: b.BasedOn, MaxBudgetNano: b.MaxBudgetNano, SoftBudgetNano: b.SoftBudgetNano,
		BudgetDuration: b.BudgetDuration, BudgetResetAt: b.BudgetResetAt, MaxParallelRequests: b.MaxParallelRequests,
		TpmLimit: b.TpmLimit, RpmLimit: b.RpmLimit, TphLimit: b.TphLimit, RphLimit: b.RphLimit, TpdLimit: b.TpdLimit, RpdLimit: b.RpdLimit,
		BudgetLimits: b.BudgetLimits, ModelMaxBudget: b.ModelMaxBudget, Metadata: b.Metadata, UpdatedBy: b.UpdatedBy,
	}
}

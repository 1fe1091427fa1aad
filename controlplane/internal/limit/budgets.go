package limit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/period"
)

// maxWindows bounds budget_limits: each is counted with every request.
const maxWindows = 10

// window is an entry of budget_limits. ResetAt is shown, not stored.
type window struct {
	Duration string      `json:"budget_duration"`
	Max      json.Number `json:"max_budget"`
	ResetAt  *time.Time  `json:"reset_at,omitempty"`
}

// storedWindows checks budget_limits and returns them in the form that is
// stored.
func storedWindows(value json.RawMessage) (json.RawMessage, error) {
	const name = "budget_limits"
	var items []json.RawMessage
	if json.Unmarshal(value, &items) != nil {
		return nil, invalid("list_type", "Input should be a valid list", name)
	}
	if len(items) > maxWindows {
		return nil, badRequest("%s: there can be %d of them, received %d", name, maxWindows, len(items))
	}
	out := make([]window, 0, len(items))
	for i, item := range items {
		w, err := readWindow(item, name, strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(other window) bool { return other.Duration == w.Duration }) {
			return nil, badRequest("%s: there are two for %s", name, w.Duration)
		}
		out = append(out, w)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode budget_limits: %w", err)
	}
	return b, nil
}

func readWindow(item json.RawMessage, loc ...string) (window, error) {
	var w window
	m, err := object(item, loc...)
	if err != nil {
		return w, err
	}
	at := func(member string) []string { return append(slices.Clone(loc), member) }
	for _, member := range []string{"budget_duration", "max_budget"} {
		if null(m[member]) {
			return w, invalid("missing", "Field required", at(member)...)
		}
	}
	if json.Unmarshal(m["budget_duration"], &w.Duration) != nil {
		return w, invalid("string_type", "Input should be a valid string", at("budget_duration")...)
	}
	if _, err := period.Parse(w.Duration); err != nil {
		return w, badRequest("budget_limits: %v", err)
	}
	n, err := dollars(m["max_budget"], at("max_budget")...)
	w.Max = json.Number(n.String())
	return w, err
}

// windows returns what is stored, without what can not be read.
func windows(stored json.RawMessage) []window {
	var all []window
	if json.Unmarshal(stored, &all) != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(w window) bool {
		_, err := period.Parse(w.Duration)
		return err != nil
	})
}

func (w window) budget() (contract.Budget, bool) {
	n, err := money.ParseUSD(w.Max.String())
	return contract.Budget{MaxNano: int64(n), Duration: w.Duration}, err == nil && n >= 0
}

const exampleModelBudget = ". Example of valid model_max_budget: " +
	`{"gpt-4o": {"budget_limit": 0.5, "time_period": "1d", "rpm_limit": 10, "tpm_limit": 1000}}`

func checkModelBudgets(value json.RawMessage) error {
	const name = "model_max_budget"
	models, err := object(value, name)
	if err != nil {
		return err
	}
	for model, item := range models {
		if model == "" {
			return badRequest("Invalid %s: a model has no name%s", name, exampleModelBudget)
		}
		if _, err := modelLimits(item); err != nil {
			return badRequest("Invalid %s: %s: %v%s", name, model, err, exampleModelBudget)
		}
	}
	return nil
}

// modelLimits reads one model of model_max_budget. Its members have two
// spellings each, which LiteLLM takes alike. What can not be read is left out
// of the limits that it returns with the error.
func modelLimits(item json.RawMessage) (contract.ModelLimits, error) {
	var l contract.ModelLimits
	m, err := object(item, "value")
	if err != nil {
		return l, err
	}
	var problems [3]error
	l.RPM, problems[0] = optionalCount(m, "rpm_limit")
	l.TPM, problems[1] = optionalCount(m, "tpm_limit")
	l.Budget, problems[2] = modelBudget(m)
	return l, errors.Join(problems[:]...)
}

func optionalCount(m map[string]json.RawMessage, name string) (*int64, error) {
	if null(m[name]) {
		return nil, nil //nolint:nilnil // there is no limit
	}
	return count(name, m[name])
}

// modelBudget reads the budget of a model. One whose period can not be read is
// for good.
func modelBudget(m map[string]json.RawMessage) (*contract.Budget, error) {
	var b *contract.Budget
	for _, name := range []string{"max_budget", "budget_limit"} {
		if null(m[name]) {
			continue
		}
		n, err := dollars(m[name], name)
		if err != nil {
			return nil, err
		}
		b = &contract.Budget{MaxNano: int64(n)}
	}
	for _, name := range []string{"budget_duration", "time_period"} {
		if null(m[name]) {
			continue
		}
		s, err := text(name, m[name])
		if err != nil {
			return b, err
		}
		if _, err := period.Parse(s); err != nil {
			return b, err
		}
		if b != nil {
			b.Duration = s
		}
	}
	return b, nil
}

package proxyconfig

import (
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/period"
)

const (
	// MaxDollars is the largest budget, so that the sum of two fits into an
	// int64 of nano-dollars.
	MaxDollars = 4_000_000_000
	// MaxLimit is the largest limit of anything else: what JSON numbers carry
	// exactly.
	MaxLimit = 1 << 53
)

// Budget is what may be spent in a period.
type Budget struct {
	Max      money.Nano
	Duration string // such as 30d; "" is for good
}

// budget reads an amount and its period. Each has one or more names.
func (o *object) budget(amounts, periods []string) *Budget {
	var b *Budget
	for _, key := range amounts {
		if n := o.dollars(key); n != nil && b == nil {
			b = &Budget{Max: *n}
		}
	}
	for _, key := range periods {
		if d := o.period(key); b != nil && b.Duration == "" {
			b.Duration = d
		}
	}
	return b
}

// ParseDollars reads the amount of a budget. One of less than a nano-dollar is
// rounded away from zero, as no money at all refuses everything. Negative ones
// are returned; the error is money.ErrSyntax or money.ErrRange.
func ParseDollars(text string) (money.Nano, error) {
	n, err := money.ParseUSD(text)
	if err != nil {
		return 0, err
	}
	if n > MaxDollars*money.NanosPerUSD {
		return 0, fmt.Errorf("%.40q: %w", text, money.ErrRange)
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	switch {
	case n != 0 || !strings.ContainsAny(mantissa, "123456789"):
		return n, nil
	case strings.HasPrefix(text, "-"):
		return -1, nil
	default:
		return 1, nil
	}
}

// dollars is an amount of money.
func (o *object) dollars(key string) *money.Nano {
	n := o.scalar(key)
	if n == nil {
		return nil
	}
	amount, err := ParseDollars(n.literal())
	if err != nil || amount < 0 {
		o.wrong(n, join(o.path, key), fmt.Sprintf("a number of dollars from 0 to %d", MaxDollars))
		return nil
	}
	return &amount
}

// period is a duration such as 30d.
func (o *object) period(key string) string {
	s := o.text(key)
	if s == "" {
		return ""
	}
	if n := o.get(key); n.reference != nil && !n.reference.found {
		return ""
	}
	if _, err := period.Parse(s); err != nil {
		o.problems.errorf(o.get(key).place(join(o.path, key)), "expected a duration, for example 30s, 15m, 12h, 7d, 2w or 1mo")
		return ""
	}
	return s
}

// limit is the number of something that is let through; zero is none.
func (o *object) limit(key string) *int64 {
	n := o.scalar(key)
	if n == nil {
		return nil
	}
	i, ok := n.whole()
	if !ok || i < 0 || i > MaxLimit {
		o.wrong(n, join(o.path, key), fmt.Sprintf("a whole number from 0 to %d", MaxLimit))
		return nil
	}
	return new(int64(i))
}

const budgetKeys = `
budget_duration budget_limit max_budget time_period
`

// budgets reads a mapping of names to budgets.
func (o *object) budgets(key string) map[string]Budget {
	all := o.object(key)
	if all.node == nil {
		return nil
	}
	out := map[string]Budget{}
	for _, f := range all.node.fields {
		const want = "a name and its budget, such as {budget_limit: 100, time_period: 1d}"
		if f.key == "" || f.value.kind != mapKind {
			all.wrong(f.value, join(all.path, f.key), want)
			continue
		}
		one := all.object(f.key)
		one.warnUnknown(keysOf(budgetKeys))
		b := one.budget([]string{"budget_limit", "max_budget"}, []string{"time_period", "budget_duration"})
		switch {
		case b != nil:
			out[f.key] = *b
		case one.get("budget_limit") == nil && one.get("max_budget") == nil:
			all.wrong(f.value, one.path, want)
		}
	}
	return out
}

// providerBudgets are budgets by provider, under the name that deployments
// have: an alias such as vertex_ai_beta is the same provider.
func (o *object) providerBudgets(key string) map[string]Budget {
	byName := o.budgets(key)
	if byName == nil {
		return nil
	}
	out := make(map[string]Budget, len(byName))
	for _, f := range o.get(key).fields {
		b, ok := byName[f.key]
		if !ok {
			continue
		}
		at := Place{File: f.value.file, Line: f.line, Path: join(join(o.path, key), f.key)}
		slug, _, err := catalog.Split("any", f.key)
		switch _, twice := out[slug]; {
		case err != nil:
			o.problems.warnf(at, "no provider has this name; its budget limits nothing")
		case twice:
			o.problems.errorf(at, "there is a budget for this provider already, under another of its names")
		default:
			out[slug] = b
		}
	}
	return out
}

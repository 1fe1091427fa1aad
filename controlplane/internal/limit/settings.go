package limit

import (
	"maps"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	// defaultPriority is what LiteLLM documents; its code had 0.25.
	// https://docs.litellm.ai/docs/proxy/dynamic_rate_limit
	defaultPriority   = 0.5
	defaultSaturation = 0.5
)

// Settings renders the limits of the config file. Where litellm_settings and
// another section say the same, litellm_settings wins over general_settings,
// and router_settings over litellm_settings.
func Settings(cfg *proxyconfig.Config) contract.LimitSettings {
	g, s := &cfg.General.Limits, &cfg.Settings.Limits
	out := contract.LimitSettings{
		FailClosed: g.FailClosed, TokenType: g.TokenRateType,
		Proxy: contract.Limits{
			Rates:       contract.Rates{RPM: g.RPM, TPM: g.TPM, RPH: g.RPH, TPH: g.TPH, RPD: g.RPD, TPD: g.TPD},
			MaxParallel: g.MaxParallel,
		},
		Providers: budgets(cfg.Router.ProviderBudgets), Tags: budgets(s.Tags), Priorities: priorities(s.Priorities),
		SplitBatches: g.SplitBatches, FreeBatches: g.FreeBatches,
	}
	if out.Providers == nil {
		out.Providers = budgets(cfg.Settings.Router.ProviderBudgets)
	}
	if s.Budget != nil {
		out.Proxy.Budgets = []contract.Budget{budget(*s.Budget)}
	}
	for _, c := range []proxyconfig.CustomerLimits{s.Customers, g.Customers} {
		if c.Budget != nil && out.Customers == nil {
			out.Customers = &contract.Limits{Budgets: []contract.Budget{budget(*c.Budget)}}
		}
	}
	return out
}

// CustomerBudgetID names the row of budgets that is for each customer without
// one of its own, or is "". It comes before a number in Settings.
func CustomerBudgetID(cfg *proxyconfig.Config) string {
	if id := cfg.Settings.Limits.Customers.BudgetID; id != "" {
		return id
	}
	return cfg.General.Limits.Customers.BudgetID
}

func budget(b proxyconfig.Budget) contract.Budget {
	return contract.Budget{MaxNano: int64(b.Max), Duration: b.Duration}
}

func budgets(byName map[string]proxyconfig.Budget) map[string]contract.Budget {
	if len(byName) == 0 {
		return nil
	}
	out := make(map[string]contract.Budget, len(byName))
	for name, b := range byName {
		out[name] = budget(b)
	}
	return out
}

// priorities completes what the file says. Fractions that add up to more than
// the whole are divided by their sum, as at LiteLLM. Without any shares there
// is nobody to keep something for, so that all may have everything.
func priorities(p *proxyconfig.Priorities) *contract.Priorities {
	if p == nil {
		return nil
	}
	out := &contract.Priorities{Default: defaultPriority, Saturation: defaultSaturation}
	if len(p.Shares) == 0 {
		out.Default = 1
	}
	if p.Default != nil {
		out.Default = *p.Default
	}
	if p.Saturation != nil {
		out.Saturation = *p.Saturation
	}
	sum := percentages(p.Shares)
	for name, s := range p.Shares {
		if out.Shares == nil {
			out.Shares = map[string]contract.Share{}
		}
		if s.Type == percent && sum > 1+1e-9 {
			s.Value /= sum
		}
		out.Shares[name] = contract.Share{Type: s.Type, Value: s.Value}
	}
	return out
}

const percent = "percent"

// percentages adds up fractions in an order of their own, so that every replica
// gets the same last bit.
func percentages(shares map[string]proxyconfig.Share) float64 {
	sum := 0.0
	for _, name := range slices.Sorted(maps.Keys(shares)) {
		if shares[name].Type == percent {
			sum += shares[name].Value
		}
	}
	return sum
}

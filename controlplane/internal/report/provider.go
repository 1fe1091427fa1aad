package report

import (
	"context"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/money"
)

// ProviderBudget is a provider's budget, and what is spent of it.
type ProviderBudget struct {
	Limit   float64    `json:"budget_limit"`
	Period  *string    `json:"time_period"`
	Spend   float64    `json:"spend"`
	ResetAt *time.Time `json:"budget_reset_at"`
}

// ProviderBudgets is the reply of /provider/budgets.
type ProviderBudgets struct {
	Providers map[string]ProviderBudget `json:"providers"`
}

// ProviderBudgets are the budgets of providers in their present periods.
func (s *Service) ProviderBudgets(ctx context.Context) (ProviderBudgets, error) {
	if len(s.limits.Providers) == 0 {
		return ProviderBudgets{}, apierr.New(500, apierr.TypeInternal,
			"No provider budget config found. Please set a provider budget config in the router settings. https://docs.litellm.ai/docs/proxy/provider_budget_routing")
	}
	out := ProviderBudgets{Providers: map[string]ProviderBudget{}}
	slugs := map[string]string{} // by counter
	var p db.BudgetSpendOfParams
	for slug, b := range s.limits.Providers {
		l := &limits.OfProvider(slug, &contract.Limits{Budgets: []contract.Budget{b}}).Always[0]
		start, end := l.Window.Bounds(s.now())
		c := pool.OfBudget(l.Key, start.Unix())
		slugs[c.Key] = slug
		p.Counters, p.Starts = append(p.Counters, c.Key), append(p.Starts, time.Unix(c.Start, 0))
		shown := ProviderBudget{Limit: money.Nano(b.MaxNano).USD()}
		if b.Duration != "" {
			shown.Period = &b.Duration
		}
		if !end.IsZero() {
			end = end.UTC()
			shown.ResetAt = &end
		}
		out.Providers[slug] = shown
	}
	rows, err := s.store.BudgetSpendOf(ctx, s.read, p)
	if err != nil {
		return ProviderBudgets{}, fmt.Errorf("read spend of providers: %w", err)
	}
	for _, r := range rows {
		shown := out.Providers[slugs[r.Counter]]
		shown.Spend = money.Nano(r.Booked).USD()
		out.Providers[slugs[r.Counter]] = shown
	}
	return out, nil
}

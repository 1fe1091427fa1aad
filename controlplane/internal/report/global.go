package report

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/money"
)

// days reads a sum a day, of all that was spent or of one user or key.
func (s *Service) days(ctx context.Context, r Range, of scope) ([]db.OwnDaysRow, error) {
	if !of.everybody() {
		return s.store.OwnDays(ctx, s.read, db.OwnDaysParams{StartDate: r.Start, EndDate: r.End, UserID: of.user, ApiKey: of.key})
	}
	rows, err := s.store.AllDays(ctx, s.read, db.AllDaysParams{StartDate: r.Start, EndDate: r.End})
	return convert(rows, func(d db.AllDaysRow) db.OwnDaysRow { return db.OwnDaysRow(d) }), err
}

// Spend is the reply of /global/spend.
type Spend struct {
	Spend     float64  `json:"spend"`
	MaxBudget *float64 `json:"max_budget"`
}

// Spend is what was spent in the last days, of the budget of the installation.
func (s *Service) Spend(ctx context.Context, who caller.Caller) (Spend, error) {
	var out Spend
	of, err := scopeOf(who, nil, nil)
	if err != nil {
		return out, err
	}
	rows, err := s.days(ctx, s.recent(), of)
	if err != nil {
		return out, fmt.Errorf("sum spend: %w", err)
	}
	var nano int64
	for _, r := range rows {
		nano += r.SpendNano
	}
	out.Spend = money.Nano(nano).USD()
	if b := s.limits.Proxy.Budgets; len(b) > 0 {
		usd := money.Nano(b[0].MaxNano).USD()
		out.MaxBudget = &usd
	}
	return out, nil
}

// DaySpend is what was spent on one day.
type DaySpend struct {
	Date  string  `json:"date"`
	Spend float64 `json:"spend"`
}

// SpendLogs is the reply of /global/spend/logs: the last days, one by one.
func (s *Service) SpendLogs(ctx context.Context, who caller.Caller, key *string) ([]DaySpend, error) {
	of, err := scopeOf(who, nil, key)
	if err != nil {
		return nil, err
	}
	rows, err := s.days(ctx, s.recent(), of)
	if err != nil {
		return nil, fmt.Errorf("sum spend: %w", err)
	}
	return convert(rows, func(r db.OwnDaysRow) DaySpend { return DaySpend{date(r.Date), money.Nano(r.SpendNano).USD()} }), nil
}

// KeySpend is what a key spent.
type KeySpend struct {
	APIKey     string  `json:"api_key"`
	KeyAlias   *string `json:"key_alias"`
	KeyName    *string `json:"key_name"`
	TotalSpend float64 `json:"total_spend"`
}

// Keys are the keys that spent most in the last days.
func (s *Service) Keys(ctx context.Context, who caller.Caller, limit int) ([]KeySpend, error) {
	of, err := scopeOf(who, nil, nil)
	if err != nil {
		return nil, err
	}
	r := s.recent()
	rows, err := s.store.OwnKeys(ctx, s.read, db.OwnKeysParams{StartDate: r.Start, EndDate: r.End, UserID: of.user, ApiKey: of.key, PageSize: int32(limit)}) //nolint:gosec // bounded where it is read
	if err != nil {
		return nil, fmt.Errorf("sum spend of keys: %w", err)
	}
	return convert(rows, func(r db.OwnKeysRow) KeySpend {
		return KeySpend{r.ApiKey, r.KeyAlias, r.KeyName, money.Nano(r.SpendNano).USD()}
	}), nil
}

// ModelSpend is what was spent on a model.
type ModelSpend struct {
	Model       string  `json:"model"`
	TotalSpend  float64 `json:"total_spend"`
	TotalTokens *int64  `json:"total_tokens,omitempty"`
}

// Models are the models on which most was spent in the last days. Those who see
// their own alone are shown tokens too.
func (s *Service) Models(ctx context.Context, who caller.Caller, limit int) ([]ModelSpend, error) {
	of, err := scopeOf(who, nil, nil)
	if err != nil {
		return nil, err
	}
	r, size := s.recent(), int32(limit) //nolint:gosec // bounded where it is read
	if of.everybody() {
		rows, err := s.store.AllModels(ctx, s.read, db.AllModelsParams{StartDate: r.Start, EndDate: r.End, PageSize: size})
		if err != nil {
			return nil, fmt.Errorf("sum spend of models: %w", err)
		}
		return convert(rows, func(r db.AllModelsRow) ModelSpend { return ModelSpend{r.Model, money.Nano(r.SpendNano).USD(), nil} }), nil
	}
	rows, err := s.store.OwnModels(ctx, s.read, db.OwnModelsParams{StartDate: r.Start, EndDate: r.End, UserID: of.user, ApiKey: of.key, PageSize: size})
	if err != nil {
		return nil, fmt.Errorf("sum spend of models: %w", err)
	}
	return convert(rows, func(r db.OwnModelsRow) ModelSpend {
		return ModelSpend{r.Model, money.Nano(r.SpendNano).USD(), &r.TotalTokens}
	}), nil
}

// ProviderSpend is what was spent at a provider.
type ProviderSpend struct {
	Provider string  `json:"provider"`
	Spend    float64 `json:"spend"`
}

// Providers is the reply of /global/spend/provider.
func (s *Service) Providers(ctx context.Context, who caller.Caller, r Range) ([]ProviderSpend, error) {
	of, err := scopeOf(who, nil, nil)
	if err != nil {
		return nil, err
	}
	var rows []db.OwnProvidersRow
	if of.everybody() {
		var all []db.AllProvidersRow
		all, err = s.store.AllProviders(ctx, s.read, db.AllProvidersParams{StartDate: r.Start, EndDate: r.End})
		rows = convert(all, func(p db.AllProvidersRow) db.OwnProvidersRow { return db.OwnProvidersRow(p) })
	} else {
		rows, err = s.store.OwnProviders(ctx, s.read, db.OwnProvidersParams{StartDate: r.Start, EndDate: r.End, UserID: of.user, ApiKey: of.key})
	}
	if err != nil {
		return nil, fmt.Errorf("sum spend of providers: %w", err)
	}
	return convert(rows, func(p db.OwnProvidersRow) ProviderSpend {
		return ProviderSpend{p.Provider, money.Nano(p.SpendNano).USD()}
	}), nil
}

// CustomerSpend is what was spent for a customer.
type CustomerSpend struct {
	EndUser    string  `json:"end_user"`
	TotalCount int64   `json:"total_count"`
	TotalSpend float64 `json:"total_spend"`
}

// Customers are those for whom most was spent; a range that is empty is the
// last days.
func (s *Service) Customers(ctx context.Context, who caller.Caller, key *string, start, end string) ([]CustomerSpend, error) {
	of, err := scopeOf(who, nil, key)
	if err != nil {
		return nil, err
	}
	if of.user != nil { // whose keys are many: the key that asks
		of.key = &who.KeyHash
	}
	r := s.recent()
	if start != "" || end != "" {
		if r, err = Between(start, end); err != nil {
			return nil, err
		}
	}
	rows, err := s.store.TopCustomers(ctx, s.read, db.TopCustomersParams{StartDate: r.Start, EndDate: r.End, ApiKey: of.key})
	if err != nil {
		return nil, fmt.Errorf("sum spend of customers: %w", err)
	}
	return convert(rows, func(r db.TopCustomersRow) CustomerSpend {
		return CustomerSpend{r.EndUser, r.TotalCount, money.Nano(r.SpendNano).USD()}
	}), nil
}

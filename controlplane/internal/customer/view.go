package customer

import (
	"context"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Row is a customer as LiteLLM shows it.
type Row struct {
	UserID             string       `json:"user_id"`
	Blocked            bool         `json:"blocked"`
	Alias              *string      `json:"alias"`
	Spend              float64      `json:"spend"`
	AllowedModelRegion *string      `json:"allowed_model_region"`
	DefaultModel       *string      `json:"default_model"`
	BudgetTable        *tier.Budget `json:"litellm_budget_table"`
	ObjectPermissionID *string      `json:"object_permission_id"`
	ObjectPermission   *struct{}    `json:"object_permission"`
}

// Stored is a customer as replies to changes show it.
type Stored struct {
	Row

	BudgetID *string `json:"budget_id"`
}

func (s *Service) stored(ctx context.Context, conn db.DBTX, row db.EndUserTable) (Stored, error) {
	all, err := s.views(ctx, conn, []db.EndUserTable{row})
	if err != nil {
		return Stored{}, err
	}
	return all[0], nil
}

func (s *Service) views(ctx context.Context, conn db.DBTX, rows []db.EndUserTable) ([]Stored, error) {
	var ids []string
	for _, r := range rows {
		if r.BudgetID != nil {
			ids = append(ids, *r.BudgetID)
		}
	}
	budgets, err := tier.Resolve(ctx, s.store, conn, ids)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	out := make([]Stored, len(rows))
	for i, r := range rows {
		out[i] = Stored{BudgetID: r.BudgetID, Row: Row{
			UserID: r.UserID, Blocked: r.Blocked, Alias: r.Alias, Spend: money.Nano(budget.Current(r.SpendNano, r.BudgetResetAt, now)).USD(),
			AllowedModelRegion: r.AllowedModelRegion, DefaultModel: r.DefaultModel, BudgetTable: tier.Shown(budgets, r.BudgetID),
		}}
	}
	return out, nil
}

package team

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
)

// BlockRequest is the body of /team/block and /team/unblock.
type BlockRequest struct {
	TeamID string `json:"team_id"`
}

// Block closes a team to all of its keys.
func (s *Service) Block(ctx context.Context, who caller.Caller, r *BlockRequest) (View, error) {
	return s.setBlocked(ctx, who, r.TeamID, true, "/team/block")
}

// Unblock opens it again.
func (s *Service) Unblock(ctx context.Context, who caller.Caller, r *BlockRequest) (View, error) {
	return s.setBlocked(ctx, who, r.TeamID, false, "/team/unblock")
}

func (s *Service) setBlocked(ctx context.Context, who caller.Caller, id string, blocked bool, path string) (View, error) {
	var out View
	err := s.governed(ctx, who, id, path, func(tx *store.Tx, row db.TeamTable) error {
		after, err := s.store.TeamSetBlocked(ctx, tx, db.TeamSetBlockedParams{TeamID: id, Blocked: blocked})
		if err != nil {
			return fmt.Errorf("write team: %w", err)
		}
		action := audit.Unblocked
		if blocked {
			action = audit.Blocked
		}
		out = Show(after)
		if err := tx.AuditedChange(ctx, entry(who, action, id, Show(row), out)); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindTeam, id)
	})
	return out, err
}

// governed runs f on a team whose row is locked, for a caller who decides about
// what it may do and cost.
func (s *Service) governed(ctx context.Context, who caller.Caller, id, path string, f func(*store.Tx, db.TeamTable) error) error {
	return s.locked(ctx, who, id, path, f, func(row *db.TeamTable) error { return who.May().GovernTeam(who.In(row), path) })
}

// managed runs f on a team whose row is locked, for one of its admins.
func (s *Service) managed(ctx context.Context, who caller.Caller, id, path string, f func(*store.Tx, db.TeamTable) error) error {
	return s.locked(ctx, who, id, path, f, func(row *db.TeamTable) error { return who.May().ManageTeam(who.In(row), path) })
}

func (s *Service) locked(
	ctx context.Context, who caller.Caller, id, path string, f func(*store.Tx, db.TeamTable) error, may func(*db.TeamTable) error,
) error {
	if id == "" {
		return apierr.Invalid("missing", "team_id", "Field required")
	}
	if err := bounds.CheckID("team_id", id); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(tx *store.Tx) error {
		if err := s.holdOrg(ctx, tx, id, nil); err != nil {
			return err
		}
		row, err := s.lockTeam(ctx, tx, id)
		if err != nil && apierr.Public(err).Status == http.StatusNotFound {
			return lost(who, id, path)
		}
		if err != nil {
			return err
		}
		if err := may(&row); err != nil {
			return err
		}
		return f(tx, row)
	})
}

// SpendReset is the reply of /team/{team_id}/reset_spend.
type SpendReset struct {
	TeamID        string     `json:"team_id"`
	Spend         float64    `json:"spend"`
	PreviousSpend float64    `json:"previous_spend"`
	MaxBudget     *float64   `json:"max_budget"`
	BudgetResetAt *time.Time `json:"budget_reset_at"`
}

// ResetSpend makes what a team has spent in the present period of its budget
// less. What was booked of its calls stays.
func (s *Service) ResetSpend(ctx context.Context, who caller.Caller, id string, usd float64) (SpendReset, error) {
	to, err := money.FromUSD(usd)
	if err != nil || to < 0 {
		return SpendReset{}, apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "reset_to must be a number of dollars, at least 0. Received: %g", usd)
	}
	var out SpendReset
	err = s.governed(ctx, who, id, "/team/{team_id}/reset_spend", func(tx *store.Tx, row db.TeamTable) error {
		switch {
		case to > money.Nano(row.SpendNano):
			return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "reset_to (%s) must not be more than the current spend (%s)", to, money.Nano(row.SpendNano))
		case row.MaxBudgetNano != nil && int64(to) > *row.MaxBudgetNano:
			return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "reset_to (%s) must not be more than max_budget (%s)", to, money.Nano(*row.MaxBudgetNano))
		}
		after, err := s.store.TeamSetSpend(ctx, tx, db.TeamSetSpendParams{TeamID: id, SpendNano: int64(to), BudgetResetAt: row.BudgetResetAt})
		if err != nil {
			return fmt.Errorf("write team: %w", err)
		}
		out = SpendReset{TeamID: id, Spend: to.USD(), PreviousSpend: money.Nano(row.SpendNano).USD(), BudgetResetAt: Show(after).BudgetResetAt}
		if most := row.MaxBudgetNano; most != nil {
			out.MaxBudget = new(money.Nano(*most).USD())
		}
		return changed(ctx, tx, who, &row, &after)
	})
	return out, err
}

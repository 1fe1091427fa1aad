package team

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Updated is the reply of /team/update.
type Updated struct {
	TeamID string `json:"team_id"`
	Data   View   `json:"data"`
}

// Update changes what was sent. Members have routes of their own.
func (s *Service) Update(ctx context.Context, who caller.Caller, r *Request) (Updated, error) {
	if !r.TeamID.Sent || r.TeamID.Null {
		return Updated{}, apierr.Invalid("missing", "team_id", "Field required")
	}
	var row db.TeamTable
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		err := s.holdOrg(ctx, tx, r.TeamID.Value, r.OrganizationID.Ptr())
		if err != nil {
			return err
		}
		row, err = s.update(ctx, tx, who, r)
		return err
	})
	return Updated{TeamID: r.TeamID.Value, Data: Show(row)}, err
}

func (s *Service) update(ctx context.Context, tx *store.Tx, who caller.Caller, r *Request) (db.TeamTable, error) {
	row, err := s.lockTeam(ctx, tx, r.TeamID.Value)
	if err != nil {
		return row, err
	}
	if err := r.mayUpdate(who, &row); err != nil {
		return row, err
	}
	before := row
	if err := s.change(r, &row, time.Now()); err != nil {
		return row, err
	}
	if err := s.fits(ctx, tx, &change{&before, &row, r}); err != nil {
		return row, err
	}
	if row, err = s.write(ctx, tx, r, row); err != nil {
		return row, err
	}
	if row, err = s.setDefaults(ctx, tx, who, row, &r.MemberDefaults); err != nil {
		return row, err
	}
	if id := defaultBudget(row); r.Metadata.Sent && id != nil {
		if err := tx.Changed(ctx, store.KindBudget, *id); err != nil { // it may be another one now
			return row, err
		}
	}
	return row, changed(ctx, tx, who, &before, &row)
}

// write stores the columns that a request may change.
func (s *Service) write(ctx context.Context, tx *store.Tx, r *Request, row db.TeamTable) (db.TeamTable, error) {
	out, err := s.store.TeamUpdate(ctx, tx, updateParams(row))
	if err != nil {
		return row, fmt.Errorf("write team: %w", err)
	}
	return s.setGroups(ctx, tx, r, out)
}

// setGroups stores the access groups of a team, where they were sent.
func (s *Service) setGroups(ctx context.Context, tx *store.Tx, r *Request, row db.TeamTable) (db.TeamTable, error) {
	if !r.AccessGroupIDs.Sent {
		return row, nil
	}
	out, err := s.store.TeamSetGroups(ctx, tx, db.TeamSetGroupsParams{TeamID: row.TeamID, AccessGroupIds: r.AccessGroupIDs.Or([]string{})})
	if err != nil {
		return row, fmt.Errorf("write access groups of team: %w", err)
	}
	return out, nil
}

// lockTeam reads a team for a change of it, in the present period of its budget.
func (s *Service) lockTeam(ctx context.Context, tx *store.Tx, id string) (db.TeamTable, error) {
	row, err := s.store.TeamForUpdate(ctx, tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return row, apierr.Detail(http.StatusNotFound, "Team not found, passed team_id=%s", id)
	}
	if err != nil {
		return row, fmt.Errorf("read team: %w", err)
	}
	return row, budget.RollTeam(ctx, s.store, tx, &row, time.Now())
}

// change changes row by what was sent.
func (s *Service) change(r *Request, row *db.TeamTable, now time.Time) error {
	r.TeamAlias.Into(&row.TeamAlias)
	r.OrganizationID.Into(&row.OrganizationID)
	if id := row.OrganizationID; id != nil && *id == "" {
		row.OrganizationID = nil
	}
	if r.Models.Sent {
		row.Models = r.Models.Or([]string{})
	}
	r.Blocked.IntoValue(&row.Blocked)
	if err := bounds.CheckOptional("team_alias", row.TeamAlias, bounds.Text); err != nil {
		return err
	}
	if err := bounds.CheckOptional("organization_id", row.OrganizationID, bounds.ID); err != nil {
		return err
	}
	if err := bounds.CheckNames("models", row.Models); err != nil {
		return err
	}
	if err := bounds.CheckNames("access_group_ids", r.AccessGroupIDs.Or(nil)); err != nil {
		return err
	}
	if r.ModelAliases.Sent {
		b, err := json.Marshal(r.ModelAliases.Or(map[string]string{}))
		if err != nil {
			return apierr.BadRequest("model_aliases can not be encoded: %v", err)
		}
		row.ModelAliases = b
	}
	if err := s.changeMetadata(r, row); err != nil {
		return err
	}
	return r.ApplyLimits(limit.OfTeam(row), limit.Rules{Types: limit.OwnerTypes(), Metadata: r.Metadata.Sent, Now: now})
}

func updateParams(t db.TeamTable) db.TeamUpdateParams {
	return db.TeamUpdateParams{
		TeamID: t.TeamID, TeamAlias: t.TeamAlias, OrganizationID: t.OrganizationID, Metadata: t.Metadata, Models: t.Models,
		ModelAliases: t.ModelAliases, Blocked: t.Blocked, MaxBudgetNano: t.MaxBudgetNano, BudgetDuration: t.BudgetDuration,
		BudgetResetAt: t.BudgetResetAt, MaxParallelRequests: t.MaxParallelRequests, TpmLimit: t.TpmLimit, RpmLimit: t.RpmLimit,
		TphLimit: t.TphLimit, RphLimit: t.RphLimit, TpdLimit: t.TpdLimit, RpdLimit: t.RpdLimit, SoftBudgetNano: t.SoftBudgetNano,
		BudgetLimits: t.BudgetLimits, ModelMaxBudget: t.ModelMaxBudget,
	}
}

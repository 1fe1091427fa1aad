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
		var err error
		if row, err = s.lockTeam(ctx, tx, r.TeamID.Value); err != nil {
			return err
		}
		if err := r.mayUpdate(who, &row); err != nil {
			return err
		}
		if err := r.change(&row, time.Now()); err != nil {
			return err
		}
		if row, err = s.store.TeamUpdate(ctx, tx, updateParams(row)); err != nil {
			return fmt.Errorf("write team: %w", err)
		}
		if row, err = s.setDefaults(ctx, tx, who, row, &r.MemberDefaults); err != nil {
			return err
		}
		if id := defaultBudget(row); r.Metadata.Sent && id != nil {
			if err := tx.Changed(ctx, store.KindBudget, *id); err != nil { // it may be another one now
				return err
			}
		}
		return tx.Changed(ctx, store.KindTeam, row.TeamID)
	})
	return Updated{TeamID: r.TeamID.Value, Data: Show(row)}, err
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
func (r *Request) change(row *db.TeamTable, now time.Time) error {
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
	if r.ModelAliases.Sent {
		b, err := json.Marshal(r.ModelAliases.Or(map[string]string{}))
		if err != nil {
			return apierr.BadRequest("model_aliases can not be encoded: %v", err)
		}
		row.ModelAliases = b
	}
	if err := r.changeMetadata(row); err != nil {
		return err
	}
	return r.ApplyLimits(limit.OfTeam(row), limit.Rules{Types: limit.OwnerTypes(), Metadata: r.Metadata.Sent, Now: now})
}

// changeMetadata replaces the metadata, but for the budget of members: who
// does not know of it must not take it away.
func (r *Request) changeMetadata(row *db.TeamTable) error {
	if !r.Metadata.Sent {
		return nil
	}
	kept := defaultBudget(*row)
	meta, err := bounds.Encode("metadata", r.Metadata.Value)
	if err != nil {
		return err
	}
	if _, given := r.Metadata.Value[memberBudget].(string); kept != nil && !given {
		if meta, err = withMember(meta, memberBudget, *kept); err != nil {
			return err
		}
	}
	row.Metadata = meta
	return nil
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

// Package organization manages organisations by LiteLLM's rules: who is in them
// and to which limits all that belongs to one is held together. It owns no
// goroutine.
package organization

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

const routeInfo = "/organization/info"

// Service holds the rules. It is safe for concurrent use.
type Service struct{ store *store.Store }

// New returns a service over the store.
func New(st *store.Store) *Service { return &Service{store: st} }

// New makes an organisation. It always has a budget, as at LiteLLM.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (Row, error) {
	if !r.OrganizationAlias.Sent || r.OrganizationAlias.Null {
		return Row{}, apierr.Invalid("missing", "organization_alias", "Field required")
	}
	wanted := db.OrganizationTable{OrganizationID: r.OrganizationID.Or(""), CreatedBy: *who.ID()}
	if wanted.OrganizationID == "" {
		wanted.OrganizationID = uuid.NewString()
	}
	if err := bounds.CheckID("organization_id", wanted.OrganizationID); err != nil {
		return Row{}, err
	}
	if err := r.apply(&wanted); err != nil {
		return Row{}, err
	}
	var out Row
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := s.store.OrgInsert(ctx, tx, insertParams(wanted)); err != nil {
			if _, taken := store.Duplicate(err); taken {
				return apierr.Detail(http.StatusBadRequest, "Organization with id %s already exists", wanted.OrganizationID)
			}
			return fmt.Errorf("write organization: %w", err)
		}
		row, err := s.write(ctx, tx, who, wanted, r)
		if err != nil {
			return err
		}
		if out, err = s.row(ctx, tx, row); err != nil {
			return err
		}
		return tx.Audited(ctx, entry(who, audit.Created, row.OrganizationID, nil, out))
	})
	return out, err
}

// write gives an organisation the budget that a request asks for and stores the
// row. Limits by model are kept in its metadata.
func (s *Service) write(ctx context.Context, tx *store.Tx, who caller.Caller, row db.OrganizationTable, r *Request) (db.OrganizationTable, error) {
	var err error
	row.BudgetID, err = tier.Assign(ctx, s.store, tx, tier.Assignment{
		Owner: tier.Owner(store.KindOrg, row.OrganizationID), Current: row.BudgetID, BudgetID: r.BudgetID, Fields: r.limits(),
		Columns: func(c *limit.Columns) { c.Metadata = &row.Metadata }, Always: true, By: *who.ID(),
	})
	if err != nil {
		return row, tier.Detail(err)
	}
	if row, err = s.store.OrgUpdate(ctx, tx, updateParams(row, r.spend(), *who.ID())); err != nil {
		return row, fmt.Errorf("write organization: %w", err)
	}
	return row, tx.Changed(ctx, store.KindOrg, row.OrganizationID)
}

// Update changes what was sent; metadata is merged.
func (s *Service) Update(ctx context.Context, who caller.Caller, r *Request) (Full, error) {
	if r.OrganizationID.Or("") == "" {
		return Full{}, apierr.Invalid("missing", "organization_id", "Field required")
	}
	var row db.OrganizationTable
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if row, err = s.store.OrgForUpdate(ctx, tx, r.OrganizationID.Value); err != nil {
			return lost(http.StatusNotFound, r.OrganizationID.Value, err)
		}
		before, err := s.row(ctx, tx, row)
		if err != nil {
			return err
		}
		if err := r.apply(&row); err != nil {
			return err
		}
		if row, err = s.write(ctx, tx, who, row, r); err != nil {
			return err
		}
		after, err := s.row(ctx, tx, row)
		if err != nil {
			return err
		}
		return tx.AuditedChange(ctx, entry(who, audit.Updated, row.OrganizationID, before, after))
	})
	if err != nil {
		return Full{}, err
	}
	all, err := s.full(ctx, []db.OrganizationTable{row})
	if err != nil {
		return Full{}, err
	}
	return all[0], nil
}

func lost(status int, id string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return apierr.Detail(status, "Organization not found for organization_id=%s", id)
	}
	return fmt.Errorf("read organization: %w", err)
}

// List returns organisations: all of them to admins, to others those that they
// are in.
func (s *Service) List(ctx context.Context, who caller.Caller, id, alias *string) ([]Full, error) {
	var member *string
	if !who.May().Sees() {
		if who.UserID == "" {
			return []Full{}, nil
		}
		member = &who.UserID
	}
	rows, err := s.store.OrgList(ctx, s.store.DB(), db.OrgListParams{OrganizationID: id, Alias: alias, Member: member})
	if err != nil {
		return nil, fmt.Errorf("list organizations: %w", err)
	}
	return s.full(ctx, rows)
}

// Info returns an organisation to admins and to its own.
func (s *Service) Info(ctx context.Context, who caller.Caller, id string) (Info, error) {
	if id == "" {
		e := apierr.Invalid("missing", "organization_id", "Field required")
		e.Invalid.Loc[0] = "query"
		return Info{}, e
	}
	if err := who.May().SeeOrg(id, routeInfo); err != nil {
		return Info{}, err
	}
	row, err := s.store.OrgByID(ctx, s.store.DB(), id)
	if errors.Is(err, store.ErrNotFound) {
		return Info{}, apierr.Detail(http.StatusNotFound, "Organization not found")
	}
	if err != nil {
		return Info{}, fmt.Errorf("read organization: %w", err)
	}
	all, err := s.full(ctx, []db.OrganizationTable{row})
	if err != nil {
		return Info{}, err
	}
	return all[0].info(), nil
}

// Infos returns those organisations that exist.
func (s *Service) Infos(ctx context.Context, who caller.Caller, ids []string) ([]Full, error) {
	if err := bounds.CheckIDs("organizations", ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := who.May().SeeOrg(id, routeInfo); err != nil {
			return nil, err
		}
	}
	rows, err := s.store.OrgsByIDs(ctx, s.store.DB(), ids)
	if err != nil {
		return nil, fmt.Errorf("read organizations: %w", err)
	}
	return s.full(ctx, rows)
}

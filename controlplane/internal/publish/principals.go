package publish

import (
	"context"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// budgeted brings one of those to the bus whose limits come from budgets, or
// all who use a budget. Package tier says what budgets come to.
func (p *Publisher) budgeted(ctx context.Context, c store.Change) error {
	bucket, id := p.names.PrincipalsBucket(), c.ObjectID
	switch c.Kind {
	case store.KindBudget:
		return p.budget(ctx, c)
	case store.KindMember:
		return write(ctx, p, bucket, contract.PrefixMember+id, func(ctx context.Context, _ *contract.Membership) (*contract.Membership, error) {
			return p.member(ctx, id)
		})
	case store.KindOrg:
		return write(ctx, p, bucket, contract.OrgKey(id), func(ctx context.Context, _ *contract.Organization) (*contract.Organization, error) {
			return p.organization(ctx, id)
		})
	case store.KindCustomer:
		return write(ctx, p, bucket, contract.CustomerKey(id), func(ctx context.Context, _ *contract.Customer) (*contract.Customer, error) {
			return p.customer(ctx, id)
		})
	case store.KindTag:
		return write(ctx, p, bucket, contract.TagKey(id), func(ctx context.Context, _ *contract.Tag) (*contract.Tag, error) {
			return p.tag(ctx, id)
		})
	case store.KindJWTMapping:
		return write(ctx, p, bucket, contract.PrefixJWTMapping+id, func(ctx context.Context, _ *contract.JWTMapping) (*contract.JWTMapping, error) {
			return p.jwtMapping(ctx, id)
		})
	default:
		return fmt.Errorf("outbox row %d: unknown kind %q", c.ID, c.Kind)
	}
}

// absent is no error when an object does not exist, which renders to nil.
func absent(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return fmt.Errorf("read object: %w", err)
}

// limits are what budgets come to, the first of them first, after what an
// object says itself.
func (p *Publisher) limits(ctx context.Context, own db.BudgetTable, budgets ...*string) (contract.Limits, error) {
	c := tier.Columns(&own)
	if err := tier.Fill(ctx, p.store, p.store.DB(), c, budgets...); err != nil {
		return contract.Limits{}, err
	}
	return c.Limits(), nil
}

func (p *Publisher) member(ctx context.Context, id string) (*contract.Membership, error) {
	team, user, err := store.SplitMemberID(id)
	if err != nil {
		return nil, err
	}
	row, err := p.store.MemberByID(ctx, p.store.DB(), db.MemberByIDParams{TeamID: team, UserID: user})
	if err != nil {
		return nil, absent(err)
	}
	l, err := p.limits(ctx, db.BudgetTable{}, row.TeamMembership.BudgetID, &row.DefaultBudgetID)
	return &contract.Membership{TeamID: team, UserID: user, Limits: l}, err
}

// organization has its limits by model in its metadata.
func (p *Publisher) organization(ctx context.Context, id string) (*contract.Organization, error) {
	row, err := p.store.OrgByID(ctx, p.store.DB(), id)
	if err != nil {
		return nil, absent(err)
	}
	l, err := p.limits(ctx, db.BudgetTable{Metadata: row.Metadata}, row.BudgetID)
	return &contract.Organization{ID: row.OrganizationID, Alias: row.OrganizationAlias, Models: row.Models, Limits: l, Metadata: object(row.Metadata)}, err
}

// customer leaves out customers whom nobody registered: what is for all of them
// is in the settings.
func (p *Publisher) customer(ctx context.Context, id string) (*contract.Customer, error) {
	row, err := p.store.CustomerManaged(ctx, p.store.DB(), id)
	if err != nil {
		return nil, absent(err)
	}
	l, err := p.limits(ctx, db.BudgetTable{}, row.BudgetID)
	return &contract.Customer{
		ID: row.UserID, Alias: text(row.Alias), Blocked: row.Blocked, Region: text(row.AllowedModelRegion), DefaultModel: text(row.DefaultModel), Limits: l,
	}, err
}

func (p *Publisher) tag(ctx context.Context, name string) (*contract.Tag, error) {
	row, err := p.store.TagByName(ctx, p.store.DB(), name)
	if err != nil {
		return nil, absent(err)
	}
	l, err := p.limits(ctx, db.BudgetTable{}, row.BudgetID)
	return &contract.Tag{Name: row.TagName, Limits: l}, err
}

// page reads a page of the objects of one kind, in the order of an index.
type page struct {
	kind store.Kind
	key  func(id string) string
	next func(after string) ([]string, error)
}

// budgetedPages are the pages of those whose limits come from budgets, but for
// keys.
func (p *Publisher) budgetedPages(ctx context.Context) []page {
	conn := p.store.DB()
	return []page{
		{store.KindMember, func(id string) string { return contract.PrefixMember + id }, func(after string) ([]string, error) {
			team, user, err := afterMember(after)
			if err != nil {
				return nil, err
			}
			rows, err := p.store.MembersAfter(ctx, conn, db.MembersAfterParams{AfterTeam: team, AfterUser: user, PageSize: reconcilePage})
			return collect(rows, func(r db.MembersAfterRow) string { return store.MemberID(r.TeamID, r.UserID) }), err
		}},
		{store.KindOrg, contract.OrgKey, func(after string) ([]string, error) {
			return p.store.OrgsAfter(ctx, conn, db.OrgsAfterParams{After: after, PageSize: reconcilePage})
		}},
		{store.KindCustomer, contract.CustomerKey, func(after string) ([]string, error) {
			return p.store.CustomersAfter(ctx, conn, db.CustomersAfterParams{After: after, PageSize: reconcilePage})
		}},
		{store.KindTag, contract.TagKey, func(after string) ([]string, error) {
			return p.store.TagsAfter(ctx, conn, db.TagsAfterParams{After: after, PageSize: reconcilePage})
		}},
		{store.KindJWTMapping, func(id string) string { return contract.PrefixJWTMapping + id }, func(after string) ([]string, error) {
			name, value, err := afterMember(after) // of the same form
			if err != nil {
				return nil, err
			}
			rows, err := p.store.JWTMappingsAfter(ctx, conn, db.JWTMappingsAfterParams{AfterName: name, AfterValue: value, PageSize: reconcilePage})
			return collect(rows, func(r db.JWTMappingsAfterRow) string { return contract.JWTMappingID(r.JwtClaimName, r.JwtClaimValue) }), err
		}},
	}
}

// afterMember reads where a page of members begins.
func afterMember(after string) (team, user string, err error) {
	if after == "" {
		return "", "", nil
	}
	return store.SplitMemberID(after)
}

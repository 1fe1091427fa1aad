package budget

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// Lock returns the accounts of those of a kind that exist, in the order of
// their ids, and keeps others from changing them. The id of a member is that of
// the team and of the user with MemberSeparator in between.
func Lock(ctx context.Context, st *store.Store, tx pgx.Tx, kind store.Kind, ids []string, shared *Shared) ([]*Account, error) {
	switch kind {
	case store.KindKey:
		return lockKeys(ctx, st, tx, ids)
	case store.KindTeam:
		return lockTeams(ctx, st, tx, ids)
	case store.KindUser:
		return lockUsers(ctx, st, tx, ids)
	case store.KindMember:
		return lockMembers(ctx, st, tx, ids)
	case store.KindOrg:
		return lockOrgs(ctx, st, tx, ids)
	case store.KindCustomer:
		return lockCustomers(ctx, st, tx, ids, shared)
	case store.KindTag:
		return lockTags(ctx, st, tx, ids)
	default:
		return nil, nil
	}
}

// MemberSeparator is in no id.
const MemberSeparator = "\x00"

// SplitMembers returns the teams and the users of members.
func SplitMembers(ids []string) (teams, users []string) {
	for _, id := range ids {
		team, user, _ := strings.Cut(id, MemberSeparator)
		teams, users = append(teams, team), append(users, user)
	}
	return teams, users
}

// accounts turns rows into accounts.
func accounts[Row any](rows []Row, err error, account func(r *Row) *Account) ([]*Account, error) {
	if err != nil {
		return nil, err
	}
	all := make([]*Account, len(rows))
	for i := range rows {
		all[i] = account(&rows[i])
	}
	return all, nil
}

func lockKeys(ctx context.Context, st *store.Store, tx pgx.Tx, ids []string) ([]*Account, error) {
	rows, err := st.KeysLockSpend(ctx, tx, ids)
	return accounts(rows, err, func(r *db.KeysLockSpendRow) *Account {
		row := db.VerificationToken{
			MaxBudgetNano: r.MaxBudgetNano, SoftBudgetNano: r.SoftBudgetNano, BudgetDuration: r.BudgetDuration,
			BudgetLimits: r.BudgetLimits, ModelMaxBudget: r.ModelMaxBudget, Metadata: r.Metadata,
		}
		a := &Account{
			ID: r.Token, columns: limit.OfKey(&row), Running: RunningOf(r.SpendNano, r.BudgetResetAt),
			of: func(l *contract.Limits) *limits.Set {
				return limits.OfKey(&contract.VirtualKey{Hash: r.Token, Name: text(r.KeyName), Limits: *l})
			},
		}
		if r.BudgetID != nil {
			a.tiers = []*string{r.BudgetID}
		}
		return a
	})
}

func lockTeams(ctx context.Context, st *store.Store, tx pgx.Tx, ids []string) ([]*Account, error) { //nolint:dupl // of other types
	rows, err := st.TeamsLockSpend(ctx, tx, ids)
	return accounts(rows, err, func(r *db.TeamsLockSpendRow) *Account {
		row := db.TeamTable{
			MaxBudgetNano: r.MaxBudgetNano, SoftBudgetNano: r.SoftBudgetNano, BudgetDuration: r.BudgetDuration,
			BudgetLimits: r.BudgetLimits, ModelMaxBudget: r.ModelMaxBudget, Metadata: r.Metadata,
		}
		return &Account{
			ID: r.TeamID, columns: limit.OfTeam(&row), Running: RunningOf(r.SpendNano, r.BudgetResetAt),
			of: func(l *contract.Limits) *limits.Set { return limits.OfTeam(&contract.Team{ID: r.TeamID, Limits: *l}) },
		}
	})
}

func lockUsers(ctx context.Context, st *store.Store, tx pgx.Tx, ids []string) ([]*Account, error) { //nolint:dupl // of other types
	rows, err := st.UsersLockSpend(ctx, tx, ids)
	return accounts(rows, err, func(r *db.UsersLockSpendRow) *Account {
		row := db.UserTable{
			MaxBudgetNano: r.MaxBudgetNano, SoftBudgetNano: r.SoftBudgetNano, BudgetDuration: r.BudgetDuration,
			BudgetLimits: r.BudgetLimits, ModelMaxBudget: r.ModelMaxBudget, Metadata: r.Metadata,
		}
		return &Account{
			ID: r.UserID, columns: limit.OfUser(&row), Running: RunningOf(r.SpendNano, r.BudgetResetAt),
			of: func(l *contract.Limits) *limits.Set { return limits.OfUser(&contract.User{ID: r.UserID, Limits: *l}) },
		}
	})
}

func lockMembers(ctx context.Context, st *store.Store, tx pgx.Tx, ids []string) ([]*Account, error) {
	teams, users := SplitMembers(ids)
	rows, err := st.MembersLockSpend(ctx, tx, db.MembersLockSpendParams{TeamIds: teams, UserIds: users})
	return accounts(rows, err, func(r *db.MembersLockSpendRow) *Account {
		return fromTiers(r.TeamID+MemberSeparator+r.UserID, RunningOf(r.SpendNano, r.BudgetResetAt), func(l *contract.Limits) *limits.Set {
			return limits.OfMember(&contract.Membership{TeamID: r.TeamID, UserID: r.UserID, Limits: *l})
		}, r.BudgetID, &r.DefaultBudgetID)
	})
}

func lockOrgs(ctx context.Context, st *store.Store, tx pgx.Tx, ids []string) ([]*Account, error) {
	rows, err := st.OrgsLockSpend(ctx, tx, ids)
	return accounts(rows, err, func(r *db.OrgsLockSpendRow) *Account {
		return fromTiers(r.OrganizationID, RunningOf(r.SpendNano, r.BudgetResetAt), func(l *contract.Limits) *limits.Set {
			return limits.OfOrg(&contract.Organization{ID: r.OrganizationID, Limits: *l})
		}, r.BudgetID)
	})
}

func lockCustomers(ctx context.Context, st *store.Store, tx pgx.Tx, ids []string, shared *Shared) ([]*Account, error) {
	rows, err := st.CustomersLockSpend(ctx, tx, ids)
	return accounts(rows, err, func(r *db.CustomersLockSpendRow) *Account {
		own := r.BudgetID
		if !r.Managed { // data planes do not know it
			own = nil
		}
		a := fromTiers(r.UserID, RunningOf(r.SpendNano, r.BudgetResetAt), func(l *contract.Limits) *limits.Set {
			return limits.OfCustomer(r.UserID, l)
		}, own)
		a.general = shared.Customers
		return a
	})
}

func lockTags(ctx context.Context, st *store.Store, tx pgx.Tx, ids []string) ([]*Account, error) {
	rows, err := st.TagsLockSpend(ctx, tx, ids)
	return accounts(rows, err, func(r *db.TagsLockSpendRow) *Account {
		return fromTiers(r.TagName, RunningOf(r.SpendNano, r.BudgetResetAt), func(l *contract.Limits) *limits.Set {
			return limits.OfTag(r.TagName, l)
		}, r.BudgetID)
	})
}

// fromTiers is an account of one whose limits are those of budgets alone.
func fromTiers(id string, running Running, of func(*contract.Limits) *limits.Set, tiers ...*string) *Account {
	none := db.BudgetTable{BudgetLimits: json.RawMessage("[]"), ModelMaxBudget: json.RawMessage("{}"), Metadata: json.RawMessage("{}")}
	a := &Account{ID: id, columns: tier.Columns(&none), Running: running, of: of}
	for _, t := range tiers {
		if t != nil && *t != "" {
			a.tiers = append(a.tiers, t)
		}
	}
	return a
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

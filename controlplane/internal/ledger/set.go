package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

func (l *Ledger) setKeys(ctx context.Context, tx pgx.Tx, c columns) error {
	return l.store.KeysSetSpend(ctx, tx, db.KeysSetSpendParams{Ids: c.IDs, Spends: c.Spends, Ends: c.Ends})
}

func (l *Ledger) setTeams(ctx context.Context, tx pgx.Tx, c columns) error {
	return l.store.TeamsSetSpend(ctx, tx, db.TeamsSetSpendParams{Ids: c.IDs, Spends: c.Spends, Ends: c.Ends})
}

func (l *Ledger) setUsers(ctx context.Context, tx pgx.Tx, c columns) error {
	return l.store.UsersSetSpend(ctx, tx, db.UsersSetSpendParams{Ids: c.IDs, Spends: c.Spends, Ends: c.Ends})
}

func (l *Ledger) setMembers(ctx context.Context, tx pgx.Tx, c columns) error {
	teams, users := budget.SplitMembers(c.IDs)
	return l.store.MembersSetSpend(ctx, tx, db.MembersSetSpendParams{TeamIds: teams, UserIds: users, Spends: c.Spends, Ends: c.Ends})
}

func (l *Ledger) setOrgs(ctx context.Context, tx pgx.Tx, c columns) error {
	return l.store.OrgsSetSpend(ctx, tx, db.OrgsSetSpendParams{Ids: c.IDs, Spends: c.Spends, Ends: c.Ends})
}

func (l *Ledger) setCustomers(ctx context.Context, tx pgx.Tx, c columns) error {
	return l.store.CustomersSetSpend(ctx, tx, db.CustomersSetSpendParams{Ids: c.IDs, Spends: c.Spends, Ends: c.Ends})
}

func (l *Ledger) setTags(ctx context.Context, tx pgx.Tx, c columns) error {
	return l.store.TagsSetSpend(ctx, tx, db.TagsSetSpendParams{Ids: c.IDs, Spends: c.Spends, Ends: c.Ends})
}

func (l *Ledger) makeCustomers(ctx context.Context, tx pgx.Tx, ids []string) error {
	return l.store.CustomersEnsure(ctx, tx, ids)
}

package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// kind is one kind of those who spend.
type kind struct {
	store.Kind

	name string
	// always says that calls that cost nothing are of interest too.
	always bool
	of     func(e *contract.Usage) []string
	set    func(ctx context.Context, tx pgx.Tx, c columns) error
	// ensure makes those that nobody registered; nil does not.
	ensure func(ctx context.Context, tx pgx.Tx, ids []string) error
}

// lock locks the rows of ids, of which some may not exist.
func (k kind) lock(ctx context.Context, st *store.Store, tx pgx.Tx, ids []string, shared *budget.Shared) ([]*budget.Account, error) {
	locked, err := budget.Lock(ctx, st, tx, k.Kind, ids, shared)
	if err != nil || k.ensure == nil || len(locked) == len(ids) {
		return locked, err
	}
	if err := k.ensure(ctx, tx, ids); err != nil {
		return nil, err
	}
	return budget.Lock(ctx, st, tx, k.Kind, ids, shared)
}

// columns are running spends as they are stored.
type columns struct {
	IDs    []string
	Spends []int64
	Ends   []time.Time // the epoch stands for none
}

func (k kind) write(ctx context.Context, tx pgx.Tx, accounts []*account) error {
	if len(accounts) == 0 {
		return nil
	}
	var c columns
	for _, a := range accounts {
		ends := a.Running.Ends
		if ends.IsZero() {
			ends = time.Unix(0, 0)
		}
		c.IDs, c.Spends, c.Ends = append(c.IDs, a.ID), append(c.Spends, a.Running.Nano), append(c.Ends, ends)
	}
	return k.set(ctx, tx, c)
}

// kinds are in the order in which their rows are locked. Tags are the last.
func (l *Ledger) kinds() []kind {
	return []kind{
		{Kind: store.KindKey, name: "keys", always: true, set: l.setKeys, of: func(e *contract.Usage) []string { return []string{e.KeyHash} }},
		{Kind: store.KindTeam, name: "teams", set: l.setTeams, of: func(e *contract.Usage) []string { return []string{clean(e.TeamID)} }},
		{Kind: store.KindUser, name: "users", set: l.setUsers, of: func(e *contract.Usage) []string { return []string{clean(e.UserID)} }},
		{Kind: store.KindMember, name: "members", set: l.setMembers, of: memberOf},
		{Kind: store.KindOrg, name: "organizations", set: l.setOrgs, of: func(e *contract.Usage) []string { return []string{clean(e.OrgID)} }},
		{
			Kind: store.KindCustomer, name: "customers", always: true, set: l.setCustomers, ensure: l.makeCustomers,
			of: func(e *contract.Usage) []string { return []string{clean(e.EndUser)} },
		},
		{Kind: store.KindTag, name: "tags", set: l.setTags, of: bookedTags},
	}
}

func memberOf(e *contract.Usage) []string {
	if e.TeamID == "" || e.UserID == "" {
		return nil
	}
	return []string{clean(e.TeamID) + budget.MemberSeparator + clean(e.UserID)}
}

// maxTags bounds the tags of one event that are booked.
const maxTags = 100

// bookedTags are the tags of an event as they are stored, each once.
func bookedTags(e *contract.Usage) []string {
	var out []string
	for _, tag := range e.Tags[:min(len(e.Tags), maxTags)] {
		if tag = clean(tag); !slices.Contains(out, tag) {
			out = append(out, tag)
		}
	}
	return out
}

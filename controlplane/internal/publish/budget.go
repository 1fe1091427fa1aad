package publish

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
)

const (
	// fanOutPage is how many users of a budget one transaction finds.
	fanOutPage = 500
	// fanOutUsers is about how many are published at a time: the relay goes on
	// with the others, so that a budget of many does not hold up the outbox.
	fanOutUsers = 2000
)

// errUnfinished means that an outbox row stays, for there is more of it to do.
var errUnfinished = errors.New("more to publish")

// progress is how far the users of a changed budget are published. It is kept
// in the outbox row: first the budget's id alone, then the place as well. Ids
// hold no control characters.
type progress struct {
	budget string
	stage  int
	after  string
}

const progressSeparator = "\x1f"

func readProgress(objectID string) (progress, error) {
	parts := strings.SplitN(objectID, progressSeparator, 3)
	if len(parts) != 3 {
		return progress{budget: objectID}, nil
	}
	stage, err := strconv.Atoi(parts[1])
	if err != nil {
		return progress{}, fmt.Errorf("read progress of budget: %w", err)
	}
	return progress{parts[0], stage, parts[2]}, nil
}

func (p progress) String() string {
	return strings.Join([]string{p.budget, strconv.Itoa(p.stage), p.after}, progressSeparator)
}

// budget publishes all who use a budget that changed. Each page of them is
// written to the outbox in a short transaction, together with how far that is,
// and then published as any other change; whatever dies in between, the relay
// goes on from there. A budget that was deleted is taken from those who had it.
func (p *Publisher) budget(ctx context.Context, c store.Change) error {
	at, err := readProgress(c.ObjectID)
	if err != nil {
		return err
	}
	if at.stage == 0 && at.after == "" {
		if err := p.writeLimits(ctx); err != nil { // the budget may be that of all customers
			return err
		}
	}
	stages := p.stages()
	for published := 0; at.stage < len(stages); {
		if published >= fanOutUsers {
			return errUnfinished
		}
		changes, err := p.fanOut(ctx, c.ID, &at, stages[at.stage])
		if err != nil {
			return fmt.Errorf("find users of budget: %w", err)
		}
		if err := p.publishAll(ctx, changes); err != nil {
			return err
		}
		published += len(changes)
	}
	return nil
}

// fanOut writes one page of users to the outbox and moves on.
func (p *Publisher) fanOut(ctx context.Context, row int64, at *progress, s stage) (changes []store.Change, err error) {
	next := *at
	err = pgx.BeginFunc(ctx, p.store.DB(), func(tx pgx.Tx) error {
		users, last, err := s.users(ctx, tx, at.budget, at.after)
		if err != nil {
			return err
		}
		if next.after = last; len(users) < fanOutPage {
			next.stage, next.after = at.stage+1, ""
		}
		if changes, err = p.enqueue(ctx, tx, users); err != nil {
			return err
		}
		_, err = p.store.BudgetByID(ctx, tx, at.budget)
		if errors.Is(err, store.ErrNotFound) && len(users) > 0 {
			err = s.leave(ctx, tx, at.budget, users)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return p.store.OutboxAdvance(ctx, tx, db.OutboxAdvanceParams{ID: row, ObjectID: next.String()})
	})
	*at = next
	return changes, err
}

// enqueue writes users to the outbox, those of one kind in one statement.
func (p *Publisher) enqueue(ctx context.Context, tx pgx.Tx, users []user) ([]store.Change, error) {
	byKind := map[store.Kind][]string{}
	for _, u := range users {
		if u.kind != "" {
			byKind[u.kind] = append(byKind[u.kind], u.id)
		}
	}
	var changes []store.Change
	for kind, ids := range byKind {
		rows, err := p.store.OutboxInsertMany(ctx, tx, db.OutboxInsertManyParams{Kind: string(kind), ObjectIds: ids})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			changes = append(changes, store.Change{ID: r.ID, Kind: kind, ObjectID: r.ObjectID})
		}
	}
	return changes, nil
}

// user is somebody who uses a budget: an object that is published, and where
// the use stands.
type user struct {
	kind store.Kind // "" is not published
	id   string
	row  string
}

// stage is one place where budgets are used.
type stage struct {
	// users returns a page of users, and the last of them to go on from.
	users func(ctx context.Context, tx pgx.Tx, budget, after string) (users []user, last string, err error)
	// leave takes the budget, which does not exist any more, from users.
	leave func(ctx context.Context, tx pgx.Tx, budget string, users []user) error
}

// stages are all places where budgets are used. Their order must stay the same:
// the outbox holds their numbers.
func (p *Publisher) stages() []stage {
	q := p.store
	return []stage{
		simple(store.KindKey, func(ctx context.Context, tx pgx.Tx, budget *string, after string) ([]string, error) {
			return q.BudgetKeysAfter(ctx, tx, db.BudgetKeysAfterParams{BudgetID: budget, After: after, PageSize: fanOutPage})
		}, func(ctx context.Context, tx pgx.Tx, budget *string, ids []string) error {
			return q.BudgetKeysLeave(ctx, tx, db.BudgetKeysLeaveParams{BudgetID: budget, Ids: ids})
		}),
		simple(store.KindCustomer, func(ctx context.Context, tx pgx.Tx, budget *string, after string) ([]string, error) {
			return q.BudgetCustomersAfter(ctx, tx, db.BudgetCustomersAfterParams{BudgetID: budget, After: after, PageSize: fanOutPage})
		}, func(ctx context.Context, tx pgx.Tx, budget *string, ids []string) error {
			return q.BudgetCustomersLeave(ctx, tx, db.BudgetCustomersLeaveParams{BudgetID: budget, Ids: ids})
		}),
		simple(store.KindOrg, func(ctx context.Context, tx pgx.Tx, budget *string, after string) ([]string, error) {
			return q.BudgetOrgsAfter(ctx, tx, db.BudgetOrgsAfterParams{BudgetID: budget, After: after, PageSize: fanOutPage})
		}, func(ctx context.Context, tx pgx.Tx, budget *string, ids []string) error {
			return q.BudgetOrgsLeave(ctx, tx, db.BudgetOrgsLeaveParams{BudgetID: budget, Ids: ids})
		}),
		simple(store.KindTag, func(ctx context.Context, tx pgx.Tx, budget *string, after string) ([]string, error) {
			return q.BudgetTagsAfter(ctx, tx, db.BudgetTagsAfterParams{BudgetID: budget, After: after, PageSize: fanOutPage})
		}, func(ctx context.Context, tx pgx.Tx, budget *string, ids []string) error {
			return q.BudgetTagsLeave(ctx, tx, db.BudgetTagsLeaveParams{BudgetID: budget, Ids: ids})
		}),
		{p.members, p.membersLeave},
		{p.defaults, func(context.Context, pgx.Tx, string, []user) error { return nil }}, // metadata is the admin's
		{p.owners, p.ownersLeave},
	}
}

// simple is a table whose ids are the ids of published objects.
func simple(
	kind store.Kind,
	find func(ctx context.Context, tx pgx.Tx, budget *string, after string) ([]string, error),
	leave func(ctx context.Context, tx pgx.Tx, budget *string, ids []string) error,
) stage {
	return stage{
		users: func(ctx context.Context, tx pgx.Tx, budget, after string) ([]user, string, error) {
			ids, err := find(ctx, tx, &budget, after)
			users := make([]user, len(ids))
			for i, id := range ids {
				users[i], after = user{kind, id, id}, id
			}
			return users, after, err
		},
		leave: func(ctx context.Context, tx pgx.Tx, budget string, users []user) error {
			return leave(ctx, tx, &budget, collect(users, func(u user) string { return u.row }))
		},
	}
}

// members are those whose own budget it is.
func (p *Publisher) members(ctx context.Context, tx pgx.Tx, budget, after string) ([]user, string, error) {
	team, member, err := afterMember(after)
	if err != nil {
		return nil, "", err
	}
	rows, err := p.store.BudgetMembersAfter(ctx, tx, db.BudgetMembersAfterParams{BudgetID: &budget, AfterTeam: team, AfterUser: member, PageSize: fanOutPage})
	users := make([]user, len(rows))
	for i, r := range rows {
		after = store.MemberID(r.TeamID, r.UserID)
		users[i] = user{store.KindMember, after, after}
	}
	return users, after, err
}

func (p *Publisher) membersLeave(ctx context.Context, tx pgx.Tx, budget string, users []user) error {
	var teams, members []string
	for _, u := range users {
		team, member, err := store.SplitMemberID(u.id)
		if err != nil {
			return err
		}
		teams, members = append(teams, team), append(members, member)
	}
	return p.store.BudgetMembersLeave(ctx, tx, db.BudgetMembersLeaveParams{BudgetID: &budget, TeamIds: teams, UserIds: members})
}

// defaults are members of teams that have it for all of theirs.
func (p *Publisher) defaults(ctx context.Context, tx pgx.Tx, budget, after string) ([]user, string, error) {
	team, member, err := afterMember(after)
	if err != nil {
		return nil, "", err
	}
	rows, err := p.store.BudgetDefaultsAfter(ctx, tx, db.BudgetDefaultsAfterParams{BudgetID: budget, AfterTeam: team, AfterUser: member, PageSize: fanOutPage})
	users := make([]user, len(rows))
	for i, r := range rows {
		after = store.MemberID(r.TeamID, r.UserID)
		users[i] = user{store.KindMember, after, after}
	}
	return users, after, err
}

// owners are those who have a budget of their own that is based on it.
func (p *Publisher) owners(ctx context.Context, tx pgx.Tx, budget, after string) ([]user, string, error) {
	rows, err := p.store.BudgetBasedAfter(ctx, tx, db.BudgetBasedAfterParams{BudgetID: budget, After: after, PageSize: fanOutPage})
	users := make([]user, len(rows))
	for i, r := range rows {
		users[i], after = user{row: r.BudgetID}, r.BudgetID
		if r.Owner == nil {
			continue
		}
		switch kind, id := tier.OwnerOf(*r.Owner); kind {
		case store.KindCustomer, store.KindOrg, store.KindTag, store.KindMember:
			users[i].kind, users[i].id = kind, id
		case store.KindTeam: // what it says for all members
			users[i].kind, users[i].id = store.KindBudget, r.BudgetID
		default: // nobody whom data planes know
		}
	}
	return users, after, err
}

func (p *Publisher) ownersLeave(ctx context.Context, tx pgx.Tx, budget string, users []user) error {
	return p.store.BudgetBasedLeave(ctx, tx, db.BudgetBasedLeaveParams{
		BudgetID: budget, Ids: collect(users, func(u user) string { return u.row }),
	})
}

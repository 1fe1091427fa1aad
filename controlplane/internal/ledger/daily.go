package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// slot is the key of a row of a Daily* table.
type slot struct {
	of                              string // whose sums these are
	day                             int64  // since 1970, UTC
	key, model, group, vendor, call string
}

func (s slot) compare(o slot) int {
	return cmp.Or(
		cmp.Compare(s.of, o.of), cmp.Compare(s.day, o.day), cmp.Compare(s.key, o.key), cmp.Compare(s.model, o.model),
		cmp.Compare(s.group, o.group), cmp.Compare(s.vendor, o.vendor), cmp.Compare(s.call, o.call),
	)
}

// sums are what is added to one row.
type sums struct {
	slot

	prompt, completion, cacheRead, cacheWrite, nano int64
	good, bad, hits, hitTokens, limited             int64
}

func (s *sums) add(e *contract.Usage) {
	s.prompt += e.InputTokens
	s.completion += e.OutputTokens
	s.cacheRead += e.CachedInputTokens
	s.cacheWrite += e.CacheWriteTokens
	s.nano += e.CostNano
	if e.Status == contract.Success {
		s.good++
	} else {
		s.bad++
	}
	if e.CacheHit {
		s.hits++
		s.hitTokens += e.OutputTokens
	}
	if e.HTTPStatus == 429 {
		s.limited++
	}
}

// daily is what a booking adds to one Daily* table.
type daily struct {
	at   map[slot]int
	rows []sums
}

func (d *daily) add(s slot, e *contract.Usage) {
	i, ok := d.at[s]
	if !ok {
		if d.at == nil {
			d.at = map[slot]int{}
		}
		i = len(d.rows)
		d.at[s], d.rows = i, append(d.rows, sums{slot: s})
	}
	d.rows[i].add(e)
}

// sorted brings the rows into the order in which every transaction locks them.
func (d *daily) sorted() []sums {
	slices.SortFunc(d.rows, func(a, b sums) int { return a.compare(b.slot) })
	return d.rows
}

// rollUp adds events that nobody booked before to the sums of their days. The
// tables are locked in one order, and the rows of each, so that two
// transactions never wait for each other in a circle.
func (l *Ledger) rollUp(ctx context.Context, tx *store.Tx, events []*contract.Usage) error {
	var users, teams, tags, orgs, customers, agents, models daily
	for _, e := range events {
		s := slot{
			day: dayOf(e.StartMS), of: clean(e.UserID), key: e.KeyHash, model: clean(e.Model), group: clean(e.ModelGroup),
			vendor: clean(e.Provider), call: clean(e.CallType),
		}
		users.add(s, e)
		for _, owner := range [...]struct {
			days *daily
			id   string
		}{{&teams, e.TeamID}, {&orgs, e.OrgID}, {&customers, e.EndUser}, {&agents, e.AgentID}} {
			if s.of = clean(owner.id); s.of != "" {
				owner.days.add(s, e)
			}
		}
		for _, tag := range bookedTags(e) {
			if s.of = tag; tag != "" {
				tags.add(s, e)
			}
		}
		s.of, s.key = clean(e.APIBase), ""
		models.add(s, e)
	}
	for _, t := range []struct {
		name string
		of   *daily
		add  func(context.Context, db.DBTX, db.DailyTeamAddParams) error
	}{
		{"teams", &teams, l.store.DailyTeamAdd},
		{"tags", &tags, func(ctx context.Context, tx db.DBTX, p db.DailyTeamAddParams) error {
			return l.store.DailyTagAdd(ctx, tx, db.DailyTagAddParams(p))
		}},
		{"organizations", &orgs, func(ctx context.Context, tx db.DBTX, p db.DailyTeamAddParams) error {
			return l.store.DailyOrgAdd(ctx, tx, db.DailyOrgAddParams(p))
		}},
		{"customers", &customers, func(ctx context.Context, tx db.DBTX, p db.DailyTeamAddParams) error {
			return l.store.DailyCustomerAdd(ctx, tx, db.DailyCustomerAddParams(p))
		}},
		{"agents", &agents, func(ctx context.Context, tx db.DBTX, p db.DailyTeamAddParams) error {
			return l.store.DailyAgentAdd(ctx, tx, db.DailyAgentAddParams(p))
		}},
	} {
		if len(t.of.rows) == 0 {
			continue
		}
		if err := t.add(ctx, tx, entityColumns(t.of.sorted())); err != nil {
			return fmt.Errorf("add to the days of %s: %w", t.name, err)
		}
	}
	if err := l.store.DailyUserAdd(ctx, tx, userColumns(users.sorted())); err != nil {
		return fmt.Errorf("add to the days of users: %w", err)
	}
	if err := l.store.DailyModelAdd(ctx, tx, modelColumns(models.sorted())); err != nil {
		return fmt.Errorf("add to the days of models: %w", err)
	}
	return nil
}

const dayMS = int64(24 * time.Hour / time.Millisecond)

// dayOf is the day on which a call began.
func dayOf(ms int64) int64 {
	day := ms / dayMS
	if ms%dayMS < 0 {
		day--
	}
	return day
}

func (s *sums) date() pgtype.Date {
	return pgtype.Date{Time: time.Unix(s.day*dayMS/1000, 0).UTC(), Valid: true}
}

func entityColumns(rows []sums) db.DailyTeamAddParams {
	var p db.DailyTeamAddParams
	for i := range rows {
		r := &rows[i]
		p.Dates, p.Entities, p.ApiKey = append(p.Dates, r.date()), append(p.Entities, r.of), append(p.ApiKey, r.key)
		p.Model, p.ModelGroup = append(p.Model, r.model), append(p.ModelGroup, r.group)
		p.CustomLlmProvider, p.CallType = append(p.CustomLlmProvider, r.vendor), append(p.CallType, r.call)
		p.PromptTokens, p.CompletionTokens = append(p.PromptTokens, r.prompt), append(p.CompletionTokens, r.completion)
		p.CacheReadInputTokens, p.CacheCreationInputTokens = append(p.CacheReadInputTokens, r.cacheRead), append(p.CacheCreationInputTokens, r.cacheWrite)
		p.SpendNano, p.ApiRequests = append(p.SpendNano, r.nano), append(p.ApiRequests, r.good+r.bad)
		p.SuccessfulRequests, p.FailedRequests = append(p.SuccessfulRequests, r.good), append(p.FailedRequests, r.bad)
	}
	return p
}

func userColumns(rows []sums) db.DailyUserAddParams {
	c := entityColumns(rows)
	p := db.DailyUserAddParams{
		Dates: c.Dates, Entities: c.Entities, ApiKey: c.ApiKey, Model: c.Model, ModelGroup: c.ModelGroup, CustomLlmProvider: c.CustomLlmProvider,
		CallType: c.CallType, PromptTokens: c.PromptTokens, CompletionTokens: c.CompletionTokens, CacheReadInputTokens: c.CacheReadInputTokens,
		CacheCreationInputTokens: c.CacheCreationInputTokens, SpendNano: c.SpendNano, SuccessfulRequests: c.SuccessfulRequests,
		FailedRequests: c.FailedRequests, ApiRequests: c.ApiRequests,
	}
	for i := range rows {
		p.CacheHitRequests, p.CacheHitTokens = append(p.CacheHitRequests, rows[i].hits), append(p.CacheHitTokens, rows[i].hitTokens)
	}
	return p
}

// modelColumns are of rows whose entity is the address that was called.
func modelColumns(rows []sums) db.DailyModelAddParams {
	c := entityColumns(rows)
	p := db.DailyModelAddParams{
		Dates: c.Dates, ApiBase: c.Entities, Model: c.Model, ModelGroup: c.ModelGroup, CustomLlmProvider: c.CustomLlmProvider,
		CallType: c.CallType, PromptTokens: c.PromptTokens, CompletionTokens: c.CompletionTokens, CacheReadInputTokens: c.CacheReadInputTokens,
		CacheCreationInputTokens: c.CacheCreationInputTokens, SpendNano: c.SpendNano, SuccessfulRequests: c.SuccessfulRequests,
		FailedRequests: c.FailedRequests, ApiRequests: c.ApiRequests,
	}
	for i := range rows {
		p.RateLimitedRequests = append(p.RateLimitedRequests, rows[i].limited)
	}
	return p
}

package pipeline

import (
	"context"
	"math"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// Quota counts what requests use, and refuses what is too much. Engine in
// package quota is one.
type Quota interface {
	// Admit reserves cost under all demands, or changes nothing and returns the
	// first that is not met.
	Admit(ctx context.Context, g *quota.Grant, want []quota.Demand, cost quota.Cost) *quota.Refusal
}

// Shares divide the capacity of model groups among the classes of callers. What
// they demand is taken for every call to a group: where a fallback serves
// instead, the fallback's capacity is used.
type Shares interface {
	// Demands appends what a call to a group by a caller of a class is admitted
	// by: the group's capacity and the class's part of it.
	Demands(buf []quota.Demand, group, priority string) []quota.Demand
	// Refused words the refusal of one of those, for a client that knows the
	// group by a name.
	Refused(r *quota.Refusal, name, priority string) *apierr.Error
	// Saturation is the used fraction of a group's capacity.
	Saturation(group string) float64
}

// account is what a request holds of limits.
type account struct {
	// grant is of the request, call of the present attempt; standings are how
	// the limits of grant stood when it was last looked.
	grant, call quota.Grant
	standings   []quota.Standing
	reserved    quota.Cost // in grant
	demands     []quota.Demand
	guess       guess
	// called says that a deployment was called: from then on the request counts,
	// however it ends.
	called bool
	// batch is the batch that the request submits, or nil.
	batch *submission
	// gratis says that the request uses no tokens and no money.
	gratis bool
	// shared says that the present attempt uses a part of a group's capacity.
	shared bool
	tags   []string
	tagged bool // tags are known
}

// fresh returns an empty account that uses a's memory again.
func (a *account) fresh() account {
	clear(a.demands[:cap(a.demands)])
	clear(a.standings[:cap(a.standings)])
	return account{grant: a.grant.Fresh(), call: a.call.Fresh(), demands: a.demands[:0], standings: a.standings[:0]}
}

// admit holds the request against all limits that concern it, whoever will
// serve it. It runs before the cache is asked: an answer out of the cache is a
// request as well, of no tokens and no money.
func (x *exchange) admit() error {
	if x.p.opts.Quota == nil {
		return nil
	}
	if err := x.demand(); err != nil {
		return err
	}
	a := &x.account
	if len(a.demands) == 0 {
		return nil
	}
	if a.batch != nil {
		if err := x.stretch(a.demands, a.batch.cost); err != nil {
			return err
		}
		a.reserved = a.batch.cost
	} else {
		a.reserved = x.reservation(a.demands, x.state.held.settings.TokenType)
	}
	if r := x.p.opts.Quota.Admit(x.r.Context(), &a.grant, a.demands, a.reserved); r != nil {
		if x.r.Context().Err() != nil {
			return errClientGone
		}
		if a.batch != nil {
			return x.batchRefused(r, a.batch.cost)
		}
		return x.refused(r)
	}
	return nil
}

// demand gathers the limits in LiteLLM's order, which decides what a client is
// told where several are reached. The master key is held to those of the whole
// installation only.
func (x *exchange) demand() error {
	if !x.master && !x.anonymous {
		if err := x.demandOfCaller(); err != nil {
			return err
		}
	}
	x.demandAll(x.state.held.proxy)
	return nil
}

func (x *exchange) demandOfCaller() error {
	id := &x.identity
	owners := x.owners()
	for _, set := range owners {
		x.demandAll(set)
	}
	for i, set := range owners {
		if found := x.demandForModel(set); !found && i == 0 && x.target.Group != nil {
			x.demandEach(id.Key.InGroup(x.target.Group.Name, x.state.held.keys[x.target.Group.Name]))
		}
	}
	if id.Key.TeamID != "" { // a team pays for what is done in it
		x.trackMoney(limits.User)
		x.trackMoney(limits.UserModel)
	}
	if id.Org != nil {
		x.demandAll(id.Org.Limited)
		x.demandForModel(id.Org.Limited)
	}
	return x.demandOfTags()
}

// owners are the limits of the key, its user, its team, the user in the team,
// and the customer; nil is none.
func (x *exchange) owners() (sets [5]*limits.Set) {
	id := &x.identity
	sets[0] = id.Key.Limited
	if u := id.Counted(); u != nil {
		sets[1] = u.Limited
	}
	if id.Team != nil {
		sets[2] = id.Team.Limited
	}
	if id.Member != nil {
		sets[3] = id.Member.Limited
	}
	if x.customer != nil {
		sets[4] = x.customer.Limited(x.state.held.settings.Customers)
	}
	return sets
}

// trackMoney makes budgets of a scope count without refusing.
func (x *exchange) trackMoney(scope limits.Scope) {
	for i := range x.account.demands {
		if d := &x.account.demands[i]; d.Limit.Unit == limits.Money && d.Limit.Scope == scope {
			d.Track = true
		}
	}
}

// demandAll adds the limits of every request.
func (x *exchange) demandAll(set *limits.Set) {
	if set == nil {
		return
	}
	x.demandEach(set.Always)
	if len(set.Dynamic) > 0 {
		x.demandDynamic(set.Dynamic)
	}
}

func (x *exchange) demandEach(list []limits.Limit) {
	for i := range list {
		x.account.demands = append(x.account.demands, quota.Demand{Limit: &list[i]})
	}
}

// demandDynamic adds the limits that count only while the model fails: they
// are tracked while it does not. It fails when this replica has seen more than
// one failure of its deployments in this minute, which is LiteLLM's threshold,
// or when one of them cools down, which the replicas tell each other.
func (x *exchange) demandDynamic(list []limits.Limit) {
	track := !x.failing()
	for i := range list {
		x.account.demands = append(x.account.demands, quota.Demand{Limit: &list[i], Track: track})
	}
}

// dynamicThreshold is the default of DYNAMIC_RATE_LIMIT_ERROR_THRESHOLD_PER_MINUTE.
const dynamicThreshold = 1

func (x *exchange) failing() bool {
	if x.target.Group == nil {
		return false
	}
	if x.state.groups.of(x.target.Group).failed(minuteOf(x.start)) > dynamicThreshold {
		return true
	}
	for _, d := range x.target.Group.Deployments {
		if d.CoolingFor(x.start) > 0 {
			return true
		}
	}
	return false
}

func minuteOf(t time.Time) uint32 { return uint32(t.Unix() / 60) } //nolint:gosec // until the year 10136

// demandForModel adds the limits that are for the model of the request alone:
// by the name of its group, the name that was asked for, or either without its
// provider. It reports whether there are any.
func (x *exchange) demandForModel(set *limits.Set) bool {
	list, ok := set.ForModel(x.target.Name, x.model)
	x.demandEach(list)
	return ok
}

// limitedAs are the names under which limits of models counted the request,
// where the ledger could not tell: a fallback served, or an alias was asked for.
func (x *exchange) limitedAs() []string {
	if x.target.Name == "" || x.target.Name == x.usage.ModelGroup && x.model == x.target.Name {
		return nil
	}
	return []string{x.target.Name, bounded(x.model)}
}

// demandOfTags adds the limits of the request's tags. The budget that the
// settings give a tag is for one without a budget of its own: the two would
// count the same money.
func (x *exchange) demandOfTags() error {
	for _, name := range x.tags() {
		tag, err := x.p.opts.Principals.Tag(x.r.Context(), name)
		if err = x.unread(err); err != nil {
			return err
		}
		x.demandAll(tag.Limited)
		x.demandForModel(tag.Limited)
		if !tag.Budgeted {
			x.demandAll(x.state.held.tags[name])
		}
	}
	return nil
}

// unread says what becomes of a request that names what can not be looked up
// now: it goes on, as far as limits may be passed over.
func (x *exchange) unread(err error) error {
	switch {
	case err == nil:
		return nil
	case x.r.Context().Err() != nil:
		return errClientGone
	case x.state.held.settings.FailClosed:
		return uncountable().Because(err)
	}
	return nil
}

// reservation is what is reserved until it is known what was used.
func (x *exchange) reservation(demands []quota.Demand, tokenType string) quota.Cost {
	cost := quota.Cost{Requests: 1}
	most, counted, paid := int64(math.MaxInt64), false, false
	for i := range demands {
		d := &demands[i]
		switch d.Limit.Unit {
		case limits.Tokens:
			counted = true
			if !d.Track {
				most = min(most, d.Limit.Ceiling(x.start.Unix()))
			}
		case limits.Money:
			paid = true
		case limits.Requests, limits.Parallel:
		}
	}
	if !counted && !paid {
		return cost
	}
	if x.costless() {
		for i := range demands {
			if demands[i].Limit.Unit == limits.Money {
				demands[i].Track = true
			}
		}
		if paid = false; x.gratis() {
			return cost
		}
	}
	g := x.expect()
	if counted {
		// What is larger than a limit would never pass. It takes the whole limit
		// instead, and what it really used is charged afterwards.
		cost.Tokens = min(tokensOf(tokenType, g.in, g.out), max(most, 1))
	}
	if paid {
		cost.Nano = g.nano
	}
	return cost
}

// costless reports whether the request costs nothing for certain. Then no
// budget refuses it, and what a fallback costs is counted all the same.
func (x *exchange) costless() bool {
	if x.gratis() {
		return true
	}
	return x.target.Group != nil && !x.route.InFallback() && x.state.groups.of(x.target.Group).free
}

// gratis reports whether the request uses no tokens either.
func (x *exchange) gratis() bool { return x.endpoint.Count != nil || x.account.gratis }

// tokensOf is how many tokens count.
func tokensOf(tokenType string, in, out int64) int64 {
	switch tokenType {
	case "input":
		return in
	case "output":
		return out
	}
	return in + out
}

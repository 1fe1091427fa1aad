package standing

import (
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/money"
)

const (
	// timeout bounds an answer, askTimeout how long data planes have.
	timeout      = 2 * time.Second
	askTimeout   = time.Second
	readParallel = 16
)

// Service reads. It is safe for concurrent use.
type Service struct {
	js    jetstream.JetStream
	names contract.Names
	pool  *pool.Pool
}

// New returns a service. It does not need NATS to be up.
func New(js jetstream.JetStream, n contract.Names, p *pool.Pool) *Service {
	return &Service{js: js, names: n, pool: p}
}

// Answer is how the limits of somebody stand.
type Answer struct {
	Kind   string  `json:"kind"`
	ID     string  `json:"id"`
	Limits []Limit `json:"limits"`
}

// Limit is how one limit stands. Money is in dollars. What is not known is null.
type Limit struct {
	Scope  limits.Scope `json:"scope"`
	Name   string       `json:"name"`
	Model  string       `json:"model,omitempty"`
	Unit   string       `json:"unit"`
	Window *string      `json:"window"`
	Max    any          `json:"max"`
	// Used was used in this window, Leased is what data planes may give out
	// without asking, Reserved is of calls under way.
	Used      any        `json:"used"`
	Leased    any        `json:"leased"`
	Reserved  any        `json:"reserved"`
	Remaining any        `json:"remaining"`
	ResetsAt  *time.Time `json:"resets_at"`
	// Replicas are those that hold something or refused somebody.
	Replicas []Replica `json:"replicas,omitempty"`
	// Degraded are replicas that did not answer, or that count alone.
	Degraded []string `json:"degraded,omitempty"`
	// Unknown says why something is null.
	Unknown string `json:"unknown,omitempty"`
}

// Replica is one data plane's part in a limit.
type Replica struct {
	Replica  string `json:"replica"`
	Leased   any    `json:"leased"`
	Reserved any    `json:"reserved"`
	Refused  int64  `json:"refused"`
}

// Show returns the limits of somebody, to admins. Others see their own, without
// what is about the installation.
func (s *Service) Show(ctx context.Context, who caller.Caller, kind, id string) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if !s.js.Conn().IsConnected() {
		return Answer{}, away(nil)
	}
	found, err := s.find(ctx, kind, id)
	if err != nil {
		return Answer{}, err
	}
	sees := who.May().Sees()
	if !sees && !found.of(who) {
		return Answer{}, apierr.Forbidden("key not allowed to access the limits of this %s", kind)
	}
	if !found.exists {
		return Answer{}, apierr.Detail(404, "%s '%s' not found", kind, found.id)
	}
	a := Answer{Kind: kind, ID: found.id, Limits: s.stand(ctx, found.limits, time.Now().UTC())}
	if !sees {
		for i := range a.Limits {
			a.Limits[i].Replicas, a.Limits[i].Degraded = nil, nil
		}
	}
	return a, nil
}

func away(err error) error {
	return apierr.Unavailable(apierr.TypeUnavailable, "What is used of limits is not known now: NATS does not answer.", time.Second).Because(err)
}

// stand finds out how limits stand.
func (s *Service) stand(ctx context.Context, list []limits.Limit, now time.Time) []Limit {
	keys, counters := make([]string, len(list)), make([]pool.Counter, len(list))
	for i := range list {
		start, _ := list[i].Window.Bounds(now)
		keys[i], counters[i] = list[i].Key, pool.Counter{Class: list[i].Window.Class(), Key: list[i].Key, Start: start.Unix()}
	}
	values, unread := make([]int64, len(list)), make([]error, len(list))
	var held pool.Holdings
	var unasked error
	var g errgroup.Group
	g.SetLimit(readParallel)
	g.Go(func() error {
		ask, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		held, unasked = s.pool.Holdings(ask, keys)
		return nil
	})
	for i := range list {
		if list[i].Unit == limits.Parallel {
			counters[i].Start = 0
			continue
		}
		g.Go(func() error {
			values[i], unread[i] = s.pool.Value(ctx, counters[i])
			return nil
		})
	}
	_ = g.Wait() // errors are of single limits
	out := make([]Limit, len(list))
	for i := range list {
		out[i] = shown(&list[i], now)
		switch {
		case unread[i] != nil:
			out[i].Unknown = "the counter can not be read"
		case unasked != nil:
			out[i].Unknown = "data planes can not be asked"
		default:
			out[i].fill(&list[i], counters[i], values[i], &held, now)
		}
	}
	return out
}

func shown(l *limits.Limit, now time.Time) Limit {
	v := Limit{Scope: l.Scope, Name: l.Name, Model: l.Model, Unit: l.Unit.String(), Max: number(l.Unit, l.Ceiling(now.Unix()))}
	if _, end := l.Window.Bounds(now); !end.IsZero() {
		v.ResetsAt = &end
	}
	if l.Unit != limits.Parallel && !l.Window.Forever() {
		v.Window = new(l.Window.String())
	}
	return v
}

// fill says what is used: what was handed out or divided beforehand, without
// what data planes still have of it.
func (v *Limit) fill(l *limits.Limit, c pool.Counter, value int64, held *pool.Holdings, now time.Time) {
	used, leased, reserved := value, int64(0), int64(0)
	for _, one := range held.By {
		if one.Degraded {
			v.Degraded = append(v.Degraded, one.Replica)
		}
		h, ok := one.Counters[c.Key]
		if !ok || h.Start != c.Start {
			continue
		}
		used += h.Share - h.Leased - h.Reserved
		leased, reserved = leased+h.Leased, reserved+h.Reserved
		v.Replicas = append(v.Replicas, Replica{one.Replica, number(l.Unit, h.Leased), number(l.Unit, h.Reserved), h.Refused})
	}
	v.Degraded = append(v.Degraded, held.Silent...)
	slices.Sort(v.Degraded)
	if l.Unit == limits.Parallel { // a call uses its slot as long as it lasts
		used, leased = reserved, max(0, leased)
		v.Remaining = number(l.Unit, max(0, l.Max-reserved))
	} else {
		v.Remaining = number(l.Unit, max(0, l.Ceiling(now.Unix())-max(0, used)-reserved))
	}
	v.Used, v.Leased, v.Reserved = number(l.Unit, max(0, used)), number(l.Unit, leased), number(l.Unit, reserved)
}

// number is an amount as clients know it.
func number(u limits.Unit, n int64) any {
	if u == limits.Money {
		return money.Nano(n).USD()
	}
	return n
}

package budget

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	roundEvery   = time.Minute
	sweepEvery   = time.Hour
	roundTimeout = 30 * time.Second
	askTimeout   = 3 * time.Second
	// maxWatched bounds the counters that are looked after at one time. A sweep
	// finds those that had no room.
	maxWatched   = 50_000
	readParallel = 16
)

// Options are what a reconciler is made of. The times have defaults.
type Options struct {
	Store  *store.Store
	Pool   *pool.Pool
	JS     jetstream.JetStream
	Names  contract.Names
	Logger *slog.Logger
	// Registry may be nil.
	Registry prometheus.Registerer
	// Every is the time between two looks at a counter, Sweep between two looks
	// at all of them.
	Every, Sweep time.Duration
}

// Reconciler takes out of the counters of budgets what data planes had taken
// that are gone. It looks at counters of which something was booked, until they
// are quiet and nobody holds anything of them.
//
// A counter is quiet when its value, what is booked of it, and what all live
// data planes together hold of it are the same in two rounds, a minute apart,
// while no usage is on its way to the ledger. The sum of the last two is then
// what the counter ought to be. A minute is much longer than usage needs from a
// data plane to the ledger, or a unit from one data plane to another. What a
// dead data plane has in its spool counts as not spent until the spool is read.
type Reconciler struct {
	opts    Options
	fixed   prometheus.Counter
	watched prometheus.Gauge

	mu       sync.Mutex
	counters map[pool.Counter]*sight
}

// sight is what was seen of a counter in the last round, if anything. It is
// another one when something was booked since; such a counter is not quiet, and
// is left out of the next round.
type sight struct {
	fresh, known        bool
	value, booked, held int64
}

// NewReconciler returns a reconciler. It does not need NATS or Postgres to be up.
func NewReconciler(o Options) *Reconciler {
	if o.Every == 0 {
		o.Every = roundEvery
	}
	if o.Sweep == 0 {
		o.Sweep = sweepEvery
	}
	r := &Reconciler{
		opts: o, counters: map[pool.Counter]*sight{},
		fixed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tianji_controlplane_budget_corrections_total", Help: "Counters of budgets that were not what is booked and held.",
		}),
		watched: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tianji_controlplane_budget_counters_watched", Help: "Counters of budgets that are compared with what is booked.",
		}),
	}
	if o.Registry != nil {
		o.Registry.MustRegister(r.fixed, r.watched)
	}
	return r
}

// Note says that something was booked of counters.
func (r *Reconciler) Note(counters []pool.Counter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range counters {
		s := r.counters[c]
		if s == nil && len(r.counters) >= maxWatched || s != nil && s.fresh {
			continue
		}
		r.counters[c] = &sight{fresh: true}
	}
	r.watched.Set(float64(len(r.counters)))
}

// Run works until ctx ends. One control plane at a time does it.
func (r *Reconciler) Run(ctx context.Context) {
	sweep := time.Now()
	for lifecycle.Sleep(ctx, r.opts.Every) {
		err := r.Round(ctx)
		if err == nil && !time.Now().Before(sweep) {
			if err = r.Sweep(ctx); err == nil {
				sweep = time.Now().Add(r.opts.Sweep)
			}
		}
		if err != nil && ctx.Err() == nil {
			r.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "budgets not reconciled", slog.Any("error", err))
		}
	}
}

// Round looks at all counters that are watched, and corrects those that are
// quiet.
func (r *Reconciler) Round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	seen := r.look(time.Now())
	for page := range slices.Chunk(seen, seedPage) {
		if err := r.page(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// watch is a counter and what was seen of it.
type watch struct {
	pool.Counter

	last *sight
}

// look returns what is watched, without periods that are over.
func (r *Reconciler) look(now time.Time) []watch {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]watch, 0, len(r.counters))
	for c, s := range r.counters {
		switch {
		case over(c, now):
			delete(r.counters, c)
		case s.fresh:
			s.fresh = false
		default:
			all = append(all, watch{c, s})
		}
	}
	r.watched.Set(float64(len(r.counters)))
	slices.SortFunc(all, func(a, b watch) int { return a.Compare(b.Counter) })
	return all
}

// page compares some counters. What is on its way is looked for after all else
// was read: it was then on its way when that was read, or was not there yet.
func (r *Reconciler) page(ctx context.Context, page []watch) error {
	keys := make([]string, len(page))
	for i, w := range page {
		keys[i] = w.Key
	}
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	held, err := r.opts.Pool.Holdings(ask, keys)
	if err != nil {
		return err
	}
	now, err := r.read(ctx, page, &held)
	if err != nil {
		return err
	}
	quiet, err := r.quiet(ctx, &held)
	if err != nil || !quiet {
		return err
	}
	for i, w := range page {
		if err := r.compare(ctx, w, now[i], held.Anything(w.Counter)); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reconciler) read(ctx context.Context, page []watch, held *pool.Holdings) ([]sight, error) {
	counters, index := make([]pool.Counter, len(page)), make([]int, len(page))
	for i, w := range page {
		counters[i], index[i] = w.Counter, i
	}
	now := make([]sight, len(page))
	err := each(ctx, readParallel, index, func(ctx context.Context, i int) error {
		var err error
		now[i].value, err = r.opts.Pool.Value(ctx, counters[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	booked, err := booked(ctx, r.opts.Store, r.opts.Store.DB(), counters)
	if err != nil {
		return nil, err
	}
	for i, c := range counters {
		leased, reserved := held.Of(c)
		now[i].known, now[i].booked, now[i].held = true, booked[c], leased+reserved
	}
	return now, nil
}

// quiet reports whether all data planes were heard, and no usage is on its way.
func (r *Reconciler) quiet(ctx context.Context, held *pool.Holdings) (bool, error) {
	if len(held.Silent) > 0 || held.Spooled {
		return false, nil
	}
	for _, one := range held.By {
		if one.Degraded {
			return false, nil
		}
	}
	usage, err := r.opts.JS.Stream(ctx, r.opts.Names.UsageStream())
	if err != nil {
		return false, fmt.Errorf("look at the usage on its way: %w", err)
	}
	return usage.CachedInfo().State.Msgs == 0, nil
}

// compare corrects a counter that is as it was, and notes what it is otherwise.
func (r *Reconciler) compare(ctx context.Context, w watch, now sight, anything bool) error {
	r.mu.Lock()
	same := r.counters[w.Counter] == w.last && *w.last == now
	drift := now.value - now.booked - now.held
	switch {
	case r.counters[w.Counter] != w.last: // something was booked meanwhile
	case !same:
		*w.last = now
	case drift == 0 && !anything:
		delete(r.counters, w.Counter)
	}
	r.mu.Unlock()
	if !same || drift == 0 {
		return nil
	}
	id := fmt.Sprintf("fix.%s.%d.%d.%d.%d", w.Key, w.Start, now.value, now.booked, now.held)
	if err := r.opts.Pool.Add(ctx, w.Counter, -drift, id); err != nil {
		return err
	}
	r.fixed.Inc()
	r.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "budget's counter corrected", slog.Int64("nano_dollars", -drift))
	return nil
}

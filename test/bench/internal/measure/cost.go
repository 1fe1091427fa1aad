package measure

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/load"
	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
	"github.com/tianjillm/tianjillm/test/bench/internal/stat"
)

// Series is what one target showed in each round: microseconds of CPU a call,
// calls a second, latencies in microseconds, and what a call allocates on the
// heap of a target that tells.
type Series struct {
	Target              string
	CPU, Rate, P50, P99 []float64
	Objects, Bytes      []float64
}

// Cost is a scenario with what its targets showed.
type Cost struct {
	Load   Load
	Series []Series
}

// Of returns the series of a target, nil when it was not measured.
func (c *Cost) Of(target string) *Series {
	for i := range c.Series {
		if c.Series[i].Target == target {
			return &c.Series[i]
		}
	}
	return nil
}

func (s *Series) add(r *load.Result) {
	s.CPU = append(s.CPU, micros(r.PerRequest()))
	s.Rate = append(s.Rate, r.Rate())
	s.P50 = append(s.P50, micros(stat.Quantile(r.Latencies, 0.5)))
	s.P99 = append(s.P99, micros(stat.Quantile(r.Latencies, 0.99)))
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func (r *runner) costs(ctx context.Context) error {
	for _, scenario := range loads(r.opts.Pace) {
		if !r.wants(scenario.Name) {
			continue
		}
		if err := r.rightAnswers(ctx, &scenario); err != nil {
			return fmt.Errorf("%s: %w", scenario.Name, err)
		}
		cost, err := r.cost(ctx, scenario)
		if err != nil {
			return fmt.Errorf("%s: %w", scenario.Name, err)
		}
		r.results.Costs = append(r.results.Costs, cost)
		if err := r.profile(ctx, scenario, r.key); err != nil {
			return fmt.Errorf("%s: %w", scenario.Name, err)
		}
	}
	return nil
}

func (r *runner) cost(ctx context.Context, scenario Load) (Cost, error) {
	c := Cost{Load: scenario, Series: make([]Series, len(r.targets))}
	for round := range r.opts.Rounds {
		for turn := range r.targets {
			i := (turn + round) % len(r.targets) // nobody always follows the same neighbour
			t := r.targets[i]
			s := &c.Series[i]
			s.Target = t.Name
			result, err := r.saturate(ctx, scenario, t, s, r.key)
			if err != nil {
				return c, fmt.Errorf("%s: %w", t.Name, err)
			}
			s.add(&result)
			r.say("%-19s round %d  %-13s %7.1f us CPU  %8.0f calls/s  %3.0f %% of a core", scenario.Name, round+1, t.Name,
				micros(result.PerRequest()), result.Rate(), 100*result.CPU.Seconds()/result.Elapsed.Seconds())
		}
	}
	return c, nil
}

// saturate gives a target one turn. What the target still does when the calls
// have ended, such as bringing usage to the bus, is work for these calls too
// and is added to their cost. What it allocated goes into s.
func (r *runner) saturate(ctx context.Context, scenario Load, t *lab.Target, s *Series, key string) (load.Result, error) {
	if err := r.lab.Quiet(ctx); err != nil {
		return load.Result{}, err
	}
	m, err := r.newMeter(ctx, t)
	if err != nil {
		return load.Result{}, err
	}
	result, err := r.press(ctx, scenario, t, r.opts.Duration, key)
	if err != nil {
		return result, err
	}
	before, err := t.CPU()
	if err != nil {
		return result, err
	}
	if err := r.lab.Quiet(ctx); err != nil {
		return result, err
	}
	after, err := t.CPU()
	if err != nil {
		return result, err
	}
	result.CPU += time.Duration(float64(after-before) * float64(result.Requests) / float64(result.Total))
	return result, m.add(ctx, result.Total, s)
}

func (r *runner) press(ctx context.Context, scenario Load, t *lab.Target, d time.Duration, key string) (load.Result, error) {
	conns := scenario.Conns
	if conns == 0 {
		conns = r.opts.Conns
	}
	result, err := load.Closed{
		Addr: t.Addr, Request: asked(&scenario, t).Request(t.Addr, key), Conns: conns, Duration: d, CPU: t.CPU,
		Spread: payload.Events * scenario.Kind.Pace, Warmup: r.opts.Warmup,
	}.Run(ctx)
	if !scenario.Kind.Cached && key == r.key { // those are free, and others are not on the bill
		r.count(t, result.Total)
	}
	return result, err
}

// profile loads the data plane once more, not to be measured, and takes
// profiles meanwhile.
func (r *runner) profile(ctx context.Context, scenario Load, key string) error {
	if r.opts.Profile == "" {
		return nil
	}
	if err := os.MkdirAll(r.opts.Profile, 0o750); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	for _, t := range r.targets {
		if t.Name != lab.DataPlaneName {
			continue
		}
		for _, profile := range []struct{ name, ending string }{{lab.CPUProfile, ".pprof"}, {lab.AllocsProfile, ".allocs.pprof"}} {
			file := filepath.Join(r.opts.Profile, scenario.Name+profile.ending)
			if err := r.profileOne(ctx, scenario, t, profile.name, file, key); err != nil {
				return err
			}
			r.say("%-19s profile in %s", scenario.Name, file)
		}
	}
	return nil
}

func (r *runner) profileOne(ctx context.Context, scenario Load, t *lab.Target, profile, file, key string) error {
	var saved error
	var wg sync.WaitGroup
	wg.Go(func() {
		if lifecycle.Sleep(ctx, r.opts.Warmup+payload.Events*scenario.Kind.Pace) {
			saved = r.lab.SaveProfile(ctx, t, profile, r.opts.Duration, file)
		}
	})
	_, err := r.press(ctx, scenario, t, r.opts.Duration+time.Second, key)
	wg.Wait()
	if err != nil {
		return err
	}
	return saved
}

const (
	billTimeout = 2 * time.Minute
	billPoll    = 500 * time.Millisecond
)

// bill compares the spend of the key with the calls that were answered: the
// proof that the data plane did all of its work while it was measured.
func (r *runner) bill(ctx context.Context) error {
	if r.install == nil || r.results.Calls == 0 {
		return nil
	}
	for deadline := time.Now().Add(billTimeout); ; {
		spend, err := r.install.Spend(ctx, r.key)
		if err != nil {
			return err
		}
		r.results.Booked = int(math.Round(spend / payload.Price))
		if r.results.Booked >= r.results.Calls || time.Now().After(deadline) {
			r.say("booked %d of %d calls", r.results.Booked, r.results.Calls)
			return nil
		}
		if !lifecycle.Sleep(ctx, billPoll) {
			return context.Cause(ctx)
		}
	}
}

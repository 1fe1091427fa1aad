package route_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/price"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend is called by nobody here; it only remembers what it was made from.
type backend struct {
	provider.Backend

	cfg provider.Config
}

type builder struct {
	mu    sync.Mutex
	built []provider.Config
}

func (b *builder) Build(cfg provider.Config) (provider.Backend, error) {
	if cfg.Provider == "broken" {
		return nil, errors.New("no such provider")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.built = append(b.built, cfg)
	return &backend{cfg: cfg}, nil
}

func (b *builder) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.built)
}

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// newClock starts at the beginning of a minute.
func newClock() *clock { return &clock{now: time.Unix(1_800_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// kit is a router with one table.
type kit struct {
	tb      testing.TB
	clock   *clock
	builder *builder
	router  *route.Router
	env     route.Environment
	table   *route.Table
}

func newKit(tb testing.TB, settings *contract.RouterSettings, deployments ...*contract.Deployment) *kit {
	tb.Helper()
	k := &kit{tb: tb, clock: newClock(), builder: &builder{}}
	log := slog.New(slog.DiscardHandler)
	k.router = route.New(route.Options{Logger: log, Registry: prometheus.NewRegistry(), Clock: k.clock.Now})
	tb.Cleanup(k.router.Close)
	k.env = route.Environment{Builder: k.builder, Getenv: func(string) string { return "" }, Logger: log, Router: k.router}
	k.configure(settings, deployments...)
	return k
}

func (k *kit) configure(settings *contract.RouterSettings, deployments ...*contract.Deployment) {
	k.table = route.Build(k.env, deployments, settings, k.table)
}

// dep is a deployment; edits are applied to it.
func dep(id, name string, edits ...func(*contract.Deployment)) *contract.Deployment {
	d := &contract.Deployment{ID: id, ModelName: name, Provider: "openai", Model: "model-of-" + id}
	for _, edit := range edits {
		edit(d)
	}
	return d
}

// rate prices tokens, in dollars for a million.
func rate(in, out int) *price.Rate {
	r, _, _ := price.ParseLiteLLM(fmt.Appendf(nil, `{"input_cost_per_token":%de-6,"output_cost_per_token":%de-6}`, in, out))
	return r
}

func (k *kit) ask(name string, edits ...func(*route.Ask)) route.Ask {
	k.tb.Helper()
	ask := route.Ask{}
	for _, edit := range edits {
		edit(&ask)
	}
	to, ok := k.table.ResolveFor(ask.TeamID, name)
	require.True(k.tb, ok, name)
	ask.Target = to
	return ask
}

// begin is a request's first pick.
func (k *kit) begin(name string, edits ...func(*route.Ask)) (*route.Route, string, error) {
	k.tb.Helper()
	r := &route.Route{}
	d, err := r.Begin(k.router, k.table, k.ask(name, edits...))
	if err != nil {
		return r, "", err
	}
	return r, d.ID, nil
}

// picks counts which deployments n requests come to that succeed at once.
func (k *kit) picks(n int, name string, edits ...func(*route.Ask)) map[string]int {
	k.tb.Helper()
	seen := map[string]int{}
	for range n {
		r, id, err := k.begin(name, edits...)
		require.NoError(k.tb, err)
		r.Started()
		r.Finished(route.Outcome{})
		r.Reset()
		seen[id]++
	}
	return seen
}

// failure is what a vendor's status is told as.
func failure(status int, class string, after ...time.Duration) route.Failure {
	f := route.Failure{Status: status, Class: class, Err: &apierr.Error{Status: status, Message: fmt.Sprintf("litellm.%s: %d", class, status)}}
	if len(after) > 0 {
		f.RetryAfter = after[0]
	}
	return f
}

// run lets the calls of a request fail as script says, by deployment id, until
// one succeeds or the route gives up, and returns the way that it took: ids in
// order, "!" behind those of a fallback, "~" behind those that had to wait.
func (k *kit) run(name string, script map[string]route.Failure, edits ...func(*route.Ask)) (way string, r *route.Route, err error) {
	k.tb.Helper()
	r = &route.Route{}
	_, err = r.Begin(k.router, k.table, k.ask(name, edits...))
	if err != nil {
		return "", r, err
	}
	next := r.Current()
	var ids []string
	for ok := true; ok && len(ids) < 200; {
		mark := next.Deployment.ID
		if next.Fallback {
			mark += "!"
		}
		if next.Wait > 0 {
			mark += "~"
			k.clock.pass(next.Wait)
		}
		ids = append(ids, mark)
		f, mocked := r.Mock()
		if !mocked {
			var fails bool
			r.Started()
			if f, fails = script[next.Deployment.ID]; !fails {
				r.Finished(route.Outcome{})
				return strings.Join(ids, ","), r, nil
			}
			r.Finished(route.Outcome{Failure: &f})
		}
		if next, ok = r.Next(f); !ok {
			return strings.Join(ids, ","), r, r.Err()
		}
	}
	k.tb.Fatal("the route does not end")
	return "", nil, nil
}

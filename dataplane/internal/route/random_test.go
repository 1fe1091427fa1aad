package route_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// outcomes that deployments may have, "" being a success.
var outcomes = []string{"", "", "RateLimitError", "InternalServerError", "AuthenticationError", "BadRequestError", "NotFoundError", "ContextWindowExceededError", "Timeout", "APIConnectionError"}

var statuses = map[string]int{
	"RateLimitError": 429, "InternalServerError": 500, "AuthenticationError": 401, "BadRequestError": 400, "NotFoundError": 404, "ContextWindowExceededError": 400, "Timeout": 408, "APIConnectionError": 500,
}

// world is a random configuration, and what is known of it from outside.
type world struct {
	*kit

	settings contract.RouterSettings
	groups   map[string][]string // deployments by group
}

func newWorld(t *testing.T, rt *rapid.T) *world {
	t.Helper()
	w := &world{groups: map[string][]string{}}
	names := []string{"g0", "g1", "g2", "g3"}
	w.settings = contract.RouterSettings{
		Strategy:   rapid.SampledFrom([]string{"", "least-busy", "latency-based-routing", "usage-based-routing", "cost-based-routing"}).Draw(rt, "strategy"),
		NumRetries: new(rapid.IntRange(0, 4).Draw(rt, "retries")), MaxFallbacks: new(rapid.IntRange(0, 4).Draw(rt, "fallbacks")),
		CooldownMS: new(int64(rapid.SampledFrom([]int{0, 1000, 10_000}).Draw(rt, "cooldown"))),
	}
	if rapid.Bool().Draw(rt, "allowed") {
		w.settings.AllowedFails = new(int64(rapid.IntRange(0, 3).Draw(rt, "allowed fails")))
	}
	chains := func(label string) []contract.Fallback {
		var fs []contract.Fallback
		for _, name := range append(names, "*") {
			if rapid.Bool().Draw(rt, label+name) {
				fs = append(fs, to(name, rapid.SliceOfN(rapid.SampledFrom(append(names, "nothing")), 1, 4).Draw(rt, label+"of "+name)...))
			}
		}
		return fs
	}
	w.settings.Fallbacks, w.settings.ContextWindowFallbacks = chains("general "), chains("window ")
	var deployments []*contract.Deployment
	for _, name := range names {
		for i := range rapid.IntRange(1, 3).Draw(rt, "size of "+name) {
			id := fmt.Sprint(name, "-", i)
			d := dep(id, name)
			if rapid.Bool().Draw(rt, "ordered") {
				d.Order = new(int64(rapid.IntRange(1, 2).Draw(rt, "order")))
			}
			deployments = append(deployments, d)
			w.groups[name] = append(w.groups[name], id)
		}
	}
	w.kit = newKit(t, &w.settings, deployments...)
	return w
}

func (w *world) cooling(id string) bool {
	return w.table.Deployment(id).CoolingFor(w.clock.Now()) > 0
}

// request plays one request to its end, and checks each step.
func (w *world) request(rt *rapid.T) {
	name := rapid.SampledFrom([]string{"g0", "g1", "g2", "g3"}).Draw(rt, "group")
	most := (1 + *w.settings.NumRetries) * (1 + *w.settings.MaxFallbacks)
	r := &route.Route{}
	defer r.Reset()
	_, err := r.Begin(w.router, w.table, w.ask(name))
	if err != nil {
		for _, id := range w.groups[name] {
			require.True(rt, w.cooling(id), "refused although %s is healthy", id)
		}
		return
	}
	next := r.Current()
	for calls := 1; ; calls++ {
		require.LessOrEqual(rt, calls, most, "it has to end")
		id := next.Deployment.ID
		require.False(rt, w.cooling(id), "%s is cooling down", id)
		require.Contains(rt, w.groups[next.Name], id)
		require.GreaterOrEqual(rt, next.Wait, time.Duration(0))
		class := rapid.SampledFrom(outcomes).Draw(rt, "outcome")
		r.Started()
		w.clock.pass(time.Duration(rapid.IntRange(0, 2000).Draw(rt, "took")) * time.Millisecond)
		if class == "" {
			r.Finished(route.Outcome{Took: time.Second, Tokens: 10})
			break
		}
		f := failure(statuses[class], class)
		r.Finished(route.Outcome{Failure: &f})
		var ok bool
		if next, ok = r.Next(f); !ok {
			require.NotEmpty(rt, r.Err().Message)
			break
		}
		w.clock.pass(next.Wait)
		if next.Wait > 0 && w.cooling(next.Deployment.ID) {
			rt.Fatalf("%s cools down when its turn comes", next.Deployment.ID)
		}
	}
	retries, fallbacks := r.Attempts()
	require.LessOrEqual(rt, fallbacks, *w.settings.MaxFallbacks)
	require.LessOrEqual(rt, retries, *w.settings.NumRetries*(1+*w.settings.MaxFallbacks))
}

// Whatever fails in whatever configuration: nothing that cools down is used,
// nobody is refused while something of the group is healthy, a request ends
// after a bounded number of calls, and nothing stays counted as under way.
func TestRoute_random(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt)
		for range rapid.IntRange(1, 30).Draw(rt, "requests") {
			w.request(rt)
			w.clock.pass(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "pause")) * time.Millisecond)
		}
		for _, ids := range w.groups {
			for _, id := range ids {
				state := w.table.Deployment(id).Member().State
				require.Zero(rt, state.InFlight(), id)
				require.Zero(rt, state.Usage.Slots(), id)
			}
		}
	})
}

// Many requests at once, over configurations that change: for the race
// detector, and for the counts.
func TestRoute_concurrent(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{"", "least-busy", "latency-based-routing", "usage-based-routing-v2", "cost-based-routing"} {
		settings := &contract.RouterSettings{Strategy: strategy, Fallbacks: []contract.Fallback{to("m", "openai/x")}, AllowedFails: new(int64(20))}
		deployments := []*contract.Deployment{dep("w", "openai/*", func(d *contract.Deployment) { d.Model = "*" })}
		for i := range 8 {
			deployments = append(deployments, dep(fmt.Sprint(i), "m", func(d *contract.Deployment) { d.MaxParallel, d.RPM = 4, 1000 }))
		}
		k := newKit(t, settings, deployments...)
		tables := []*route.Table{k.table, route.Build(k.env, slices.Clone(deployments), settings, k.table)}
		var wg sync.WaitGroup
		for worker := range 16 {
			wg.Go(func() {
				r := &route.Route{}
				for i := range 300 {
					to, _ := tables[i%2].Resolve("m")
					if _, err := r.Begin(k.router, tables[i%2], route.Ask{Target: to, Stream: i%3 == 0}); err != nil {
						continue
					}
					r.Started()
					for tries := 0; (i+tries)%5 == 0; tries++ {
						f := failure(500, "InternalServerError")
						if _, ok := r.Next(f); !ok {
							break
						}
						r.Started()
					}
					r.Finished(route.Outcome{Took: time.Duration(worker+1) * time.Millisecond, FirstByte: time.Millisecond, Tokens: 5})
					r.Reset()
				}
			})
		}
		wg.Go(func() {
			for range 20 {
				route.Build(k.env, deployments, settings, k.table)
			}
		})
		wg.Wait()
		for _, d := range deployments[1:] {
			state := k.table.Deployment(d.ID).Member().State
			require.Zero(t, state.InFlight(), strategy)
			require.Zero(t, state.Usage.Slots(), strategy)
		}
	}
}

// A limit of a minute holds however many ask at once, and all of it can be used.
func TestLimits_are_exact(t *testing.T) {
	t.Parallel()
	k := newKit(t, &contract.RouterSettings{EnforceRateLimits: true},
		dep("a", "m", func(d *contract.Deployment) { d.RPM = 37 }), dep("b", "m", func(d *contract.Deployment) { d.RPM = 23 }))
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				r, id, err := k.begin("m")
				if err != nil {
					continue
				}
				r.Started()
				r.Finished(route.Outcome{})
				mu.Lock()
				seen[id]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Equal(t, map[string]int{"a": 37, "b": 23}, seen)
}

func TestPattern_fuzzed_names(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		piece := rapid.StringMatching(`[ab/*]{0,3}`)
		text := piece.Draw(rt, "pattern") + "*" + piece.Draw(rt, "rest")
		name := rapid.StringMatching(`[ab/]{1,8}`).Draw(rt, "name")
		k := newKit(t, nil, dep("x", text, func(d *contract.Deployment) { d.Model = text }))
		to, ok := k.table.Resolve(name)
		glob := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*") + "$")
		require.Equal(rt, glob.MatchString(name), ok, "%s and %s", text, name)
		if !ok {
			return
		}
		require.Equal(rt, text, to.Group.Name)
		r := &route.Route{}
		d, err := r.Begin(k.router, k.table, route.Ask{Target: to})
		require.NoError(rt, err)
		require.Equal(rt, name, d.Model, "the stars' texts put back give the name")
		r.Reset()
	})
}

package route_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// BenchmarkRoute is one request's way among 100 deployments, from the name to
// the outcome.
func BenchmarkRoute(b *testing.B) {
	deployments := func(edit func(i int, d *contract.Deployment)) []*contract.Deployment {
		var ds []*contract.Deployment
		for i := range 100 {
			ds = append(ds, dep(fmt.Sprint(i), "m", func(d *contract.Deployment) { edit(i, d) }))
		}
		return ds
	}
	plain := func(int, *contract.Deployment) {}
	weighted := func(i int, d *contract.Deployment) { d.Weight = float64(i) }
	limited := func(_ int, d *contract.Deployment) { d.RPM, d.TPM = 1<<40, 1<<40 }
	priced := func(i int, d *contract.Deployment) { d.Rate = rate(1+i/10, 0) }
	for _, c := range []struct {
		name     string
		settings contract.RouterSettings
		edit     func(int, *contract.Deployment)
		ask      route.Ask
	}{
		{"simple-shuffle", contract.RouterSettings{}, plain, route.Ask{}},
		{"simple-shuffle_weights", contract.RouterSettings{}, weighted, route.Ask{}},
		{"least-busy", contract.RouterSettings{Strategy: "least-busy"}, plain, route.Ask{}},
		{"latency-based", contract.RouterSettings{Strategy: "latency-based-routing", LatencyBuffer: 0.2}, plain, route.Ask{Stream: true}},
		{"usage-based", contract.RouterSettings{Strategy: "usage-based-routing-v2"}, limited, route.Ask{}},
		{"cost-based", contract.RouterSettings{Strategy: "cost-based-routing"}, priced, route.Ask{}},
		{"tags_and_order", contract.RouterSettings{TagFiltering: true}, func(i int, d *contract.Deployment) {
			d.Tags, d.Order = []string{"x", fmt.Sprint(i % 2)}, new(int64(i%5))
		}, route.Ask{Tags: []string{"1"}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			k := newKit(b, &c.settings, deployments(c.edit)...)
			way(b, k, c.ask, "m")
		})
	}
	b.Run("alias", func(b *testing.B) {
		k := newKit(b, &contract.RouterSettings{Aliases: map[string]contract.GroupAlias{"x": {Model: "m"}}}, dep("a", "m"))
		way(b, k, route.Ask{}, "x")
	})
	b.Run("pattern", func(b *testing.B) {
		k := newKit(b, nil, dep("a", "openai/*", func(d *contract.Deployment) { d.Model = "*" }))
		way(b, k, route.Ask{}, "openai/gpt-4o")
	})
}

func way(b *testing.B, k *kit, ask route.Ask, name string) {
	b.Helper()
	b.ReportAllocs()
	r := &route.Route{}
	for b.Loop() {
		var ok bool
		if ask.Target, ok = k.table.Resolve(name); !ok {
			b.Fatal("not found")
		}
		if _, err := r.Begin(k.router, k.table, ask); err != nil {
			b.Fatal(err)
		}
		r.Started()
		r.Finished(route.Outcome{FirstByte: time.Millisecond, Took: time.Second, Tokens: 100, OutputTokens: 50})
		r.Reset()
	}
}

// The way of a request that succeeds costs no allocation.
//
//nolint:paralleltest // allocations of other tests would be counted
func TestRoute_allocates_nothing(t *testing.T) {
	for _, strategy := range []string{"", "least-busy", "latency-based-routing", "usage-based-routing-v2", "cost-based-routing"} {
		k := newKit(t, &contract.RouterSettings{Strategy: strategy}, dep("a", "m"), dep("b", "m"), dep("w", "openai/*", func(d *contract.Deployment) { d.Model = "*" }))
		for _, name := range []string{"m", "openai/gpt-4o"} {
			r := &route.Route{}
			allocs := testing.AllocsPerRun(100, func() {
				to, _ := k.table.Resolve(name)
				_, _ = r.Begin(k.router, k.table, route.Ask{Target: to})
				r.Started()
				r.Finished(route.Outcome{Took: time.Second, Tokens: 100})
				r.Reset()
			})
			require.Zero(t, allocs, strategy, name)
		}
	}
}

package strategy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/dataplane/internal/route/strategy"
)

type candidate struct{ member strategy.Member }

func (c *candidate) Member() *strategy.Member { return &c.member }

// candidates have a state each; edit sets the rest.
func candidates(n int, edit func(i int, m *strategy.Member)) []*candidate {
	registry := health.NewRegistry()
	var cs []*candidate
	for i := range n {
		c := &candidate{}
		c.member.State = registry.State(string(rune('a' + i)))
		edit(i, &c.member)
		cs = append(cs, c)
	}
	return cs
}

// shares are the parts of n picks that each candidate gets.
func shares(k strategy.Kind, cs []*candidate, ask strategy.Ask) []float64 {
	const n = 20_000
	out := make([]float64, len(cs))
	for range n {
		out[strategy.Pick(k, cs, &ask)] += 1.0 / n
	}
	return out
}

func TestPick(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	ask := strategy.Ask{Now: now.UnixNano(), Minute: health.Minute(now)}
	buffered := ask
	buffered.Buffer = 0.1
	third := 1.0 / 3
	for _, c := range []struct {
		name string
		kind strategy.Kind
		ask  strategy.Ask
		edit func(i int, m *strategy.Member)
		want []float64
	}{
		{"shuffle", strategy.SimpleShuffle, ask, func(int, *strategy.Member) {}, []float64{third, third, third}},
		{"shuffle by weight", strategy.SimpleShuffle, ask, func(i int, m *strategy.Member) { m.Weight, m.RPM = float64(i)*0.5, 7 }, []float64{0, third, 2 * third}},
		{"shuffle by rpm", strategy.SimpleShuffle, ask, func(i int, m *strategy.Member) { m.RPM, m.TPM = int64(2-i), 7 }, []float64{2 * third, third, 0}},
		{"shuffle by tpm", strategy.SimpleShuffle, ask, func(i int, m *strategy.Member) { m.TPM = int64(i) }, []float64{0, third, 2 * third}},
		{"least busy", strategy.LeastBusy, ask, func(i int, m *strategy.Member) {
			if i == 1 {
				m.State.Begin()
			}
		}, []float64{0.5, 0, 0.5}},
		{"least busy, elsewhere", strategy.LeastBusy, ask, func(i int, m *strategy.Member) { m.State.AddRemote(int64(3 - i)) }, []float64{0, 0, 1}},
		{"least used", strategy.Usage, ask, func(i int, m *strategy.Member) { m.State.Usage.Spend(ask.Minute, int64(i)) }, []float64{1, 0, 0}},
		{"least used, elsewhere", strategy.Usage, ask, func(i int, m *strategy.Member) { m.State.Usage.AddRemote(ask.Minute, 1, int64(3-i)) }, []float64{0, 0, 1}},
		{"least used, of this minute", strategy.Usage, ask, func(i int, m *strategy.Member) { m.State.Usage.Spend(ask.Minute-1, int64(i)) }, []float64{third, third, third}},
		{"cheapest", strategy.Cost, ask, func(i int, m *strategy.Member) { m.Cost.Store(int64(i) - 1) }, []float64{0, 1, 0}},
		{"cheapest of unknown", strategy.Cost, ask, func(_ int, m *strategy.Member) { m.Cost.Store(-1) }, []float64{third, third, third}},
		{"fastest", strategy.Latency, ask, func(i int, m *strategy.Member) { m.State.Measure(now, time.Duration(100+i), false, time.Hour) }, []float64{1, 0, 0}},
		{"near the fastest", strategy.Latency, buffered, func(i int, m *strategy.Member) {
			m.State.Measure(now, time.Duration(100+9*i), false, time.Hour)
		}, []float64{0.5, 0.5, 0}},
		{"fastest of the unmeasured", strategy.Latency, ask, func(int, *strategy.Member) {}, []float64{third, third, third}},
		{"an unmeasured one first", strategy.Latency, ask, func(i int, m *strategy.Member) {
			if i > 0 {
				m.State.Measure(now, time.Second, false, time.Hour)
			}
		}, []float64{1, 0, 0}},
		{"an unmeasured one by one call at a time", strategy.Latency, ask, func(i int, m *strategy.Member) {
			m.State.Begin()
			if i > 0 {
				m.State.Measure(now, time.Second, false, time.Hour)
			}
		}, []float64{0, 0.5, 0.5}},
	} {
		require.InDeltaSlice(t, c.want, shares(c.kind, candidates(3, c.edit), c.ask), 0.02, c.name)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]strategy.Kind{
		"": strategy.SimpleShuffle, "simple-shuffle": strategy.SimpleShuffle, "least-busy": strategy.LeastBusy, "latency-based-routing": strategy.Latency,
		"usage-based-routing": strategy.Usage, "usage-based-routing-v2": strategy.Usage, "cost-based-routing": strategy.Cost,
	} {
		got, ok := strategy.Parse(name)
		require.True(t, ok, name)
		require.Equal(t, want, got, name)
	}
	_, ok := strategy.Parse("fastest")
	require.False(t, ok)
}

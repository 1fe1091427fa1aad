package priority_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/priority"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// used is what a group has used of each unit.
type used map[limits.Unit]int64

func (u used) Used(l *limits.Limit) int64 { return u[l.Unit] }

func deployments(rpm, tpm int64) []*contract.Deployment {
	d := func() *contract.Deployment {
		return &contract.Deployment{ModelName: "m", Routing: contract.Routing{RPM: rpm / 2, TPM: tpm / 2}}
	}
	return []*contract.Deployment{d(), d(), {ModelName: "unknown"}}
}

func TestDemands_share_out_what_the_deployments_can_do(t *testing.T) {
	t.Parallel()
	u := used{}
	l := priority.New(u)
	require.Empty(t, l.Demands(nil, "m", "prod"), "nothing is shared out unless it is asked for")
	l.Configure(&contract.Priorities{
		Shares:  map[string]contract.Share{"prod": {Type: "percent", Value: 0.5}, "dev": {Type: "rpm", Value: 10}, "none": {Type: "percent"}},
		Default: 0.25, Saturation: 0.5,
	}, deployments(100, 1000))
	require.Empty(t, l.Demands(nil, "unknown", "prod"), "a capacity that nobody told can not be shared out")
	ceilings := func(name string) (all []int64) {
		for _, d := range l.Demands(nil, "m", name) {
			all = append(all, d.Limit.Max)
		}
		return all
	}
	require.Equal(t, []int64{100, 1000, 50, 500}, ceilings("prod"))
	require.Equal(t, []int64{100, 1000, 10, 100}, ceilings("dev"))
	require.Equal(t, []int64{100, 1000, 0, 0}, ceilings("none"))
	require.Equal(t, []int64{100, 1000, 25, 250}, ceilings("somebody"))
	require.Equal(t, ceilings("somebody"), ceilings(""), "all without a share have one together")
	other, nobody := l.Demands(nil, "m", "somebody"), l.Demands(nil, "m", "")
	require.Equal(t, other[2].Limit.Key, nobody[2].Limit.Key)
}

func TestDemands_promise_no_more_than_there_is(t *testing.T) {
	t.Parallel()
	l := priority.New(used{})
	l.Configure(&contract.Priorities{Shares: map[string]contract.Share{"a": {Value: 0.9}, "b": {Value: 0.6}}, Default: 0.5, Saturation: 0.5}, deployments(100, 0))
	sum := int64(0)
	for _, name := range []string{"a", "b", ""} {
		d := l.Demands(nil, "m", name)
		require.Len(t, d, 2, "a model of which only the requests are known is shared out by them")
		sum += d[1].Limit.Max
	}
	require.LessOrEqual(t, sum, int64(100))
	require.Greater(t, sum, int64(95))
}

func TestDemands_lend_until_the_group_is_busy(t *testing.T) {
	t.Parallel()
	u := used{}
	l := priority.New(u)
	l.Configure(&contract.Priorities{Shares: map[string]contract.Share{"a": {Value: 0.5}}, Default: 0.5, Saturation: 0.5}, deployments(100, 1000))
	borrows := func() bool {
		d := l.Demands(nil, "m", "a")
		require.False(t, d[0].Track, "the capacity itself is never passed")
		return d[2].Track
	}
	require.True(t, borrows())
	u[limits.Requests] = 49
	require.True(t, borrows())
	u[limits.Tokens] = 500
	require.False(t, borrows(), "tokens alone can make it busy")
	r := quota.Refusal{Limit: l.Demands(nil, "m", "a")[2].Limit, Remaining: 0}
	require.Equal(t, "Priority-based rate limit exceeded. Priority: a, Rate limit type: requests, Remaining: 0, Model saturation: 50.0%", l.Refused(&r, "m", "a").Message)
	r.Limit = l.Demands(nil, "m", "a")[0].Limit
	require.Equal(t, "Model capacity reached for m. Priority: default, Rate limit type: requests, Remaining: 0", l.Refused(&r, "m", "").Message)
}

func BenchmarkDemands(b *testing.B) {
	l := priority.New(used{})
	l.Configure(&contract.Priorities{Shares: map[string]contract.Share{"a": {Value: 0.5}}, Default: 0.5, Saturation: 0.5}, deployments(100, 1000))
	var buf [8]quota.Demand
	b.ReportAllocs()
	for b.Loop() {
		if len(l.Demands(buf[:0], "m", "a")) != 4 {
			b.Fatal("four demands")
		}
	}
}

func TestDemands_lose_nothing_to_fractions(t *testing.T) {
	t.Parallel()
	l := priority.New(used{})
	for _, n := range []int64{29, 57, 58} { // n/100*100 is less than n
		l.Configure(&contract.Priorities{Shares: map[string]contract.Share{"a": {Type: "rpm", Value: float64(n)}}, Default: 0.1, Saturation: 0.5}, deployments(100, 0))
		require.Equal(t, n, l.Demands(nil, "m", "a")[1].Limit.Max)
	}
}

package quota_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// BenchmarkAdmit is what a request with six limits pays for being admitted and
// settled.
func BenchmarkAdmit(b *testing.B) {
	lab := newLab(b)
	e := lab.replica("r", plan{replicas: 1}, lab.clock)
	var want []quota.Demand
	for i := range 2 {
		id := strconv.Itoa(i)
		for _, l := range []*limits.Limit{rpm(id, 1<<40), tpm(id, 1<<50), budget(id, 1<<50)} {
			want = append(want, quota.Demand{Limit: l})
		}
	}
	var g quota.Grant
	cost := quota.Cost{Requests: 1, Tokens: 100, Nano: 1000}
	require.Nil(b, e.Admit(b.Context(), &g, want, cost))
	g.Settle(cost)
	b.ReportAllocs()
	for b.Loop() {
		if e.Admit(b.Context(), &g, want, cost) != nil {
			b.Fatal("refused")
		}
		g.Settle(cost)
	}
}

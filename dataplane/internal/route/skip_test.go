package route_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
)

func full() *apierr.Error {
	return &apierr.Error{Status: http.StatusTooManyRequests, NoneText: true, Message: "crossed budget", RetryAfter: time.Minute}
}

func TestSkip_tries_each_other_deployment_once(t *testing.T) {
	t.Parallel()
	k := newKit(t, &contract.RouterSettings{NumRetries: new(0)}, dep("a", "m"), dep("b", "m"), dep("c", "m"))
	var r route.Route
	d, err := r.Begin(k.router, k.table, k.ask("m"))
	require.NoError(t, err)
	seen := map[string]bool{d.ID: true}
	for range 2 {
		next, ok := r.Skip(full())
		require.True(t, ok)
		require.Zero(t, next.Wait)
		require.False(t, next.Fallback)
		seen[next.Deployment.ID] = true
	}
	require.Len(t, seen, 3)
	_, ok := r.Skip(full())
	require.False(t, ok)
	require.Equal(t, "crossed budget", r.Err().Message)
	retries, fallbacks := r.Attempts()
	require.Zero(t, retries+fallbacks)
	r.Reset()
	for _, id := range []string{"a", "b", "c"} {
		m := k.table.Deployment(id).Member()
		require.Zero(t, m.State.InFlight())
		require.Zero(t, m.State.Usage.Requests(k.clock.Now().Unix()/60), "it was not called")
		require.Zero(t, k.table.Deployment(id).CoolingFor(k.clock.Now()), "and did not fail")
	}
}

// What has failed before is called again as it would be without the one that
// was left out.
func TestSkip_goes_back_to_what_may_be_repeated(t *testing.T) {
	t.Parallel()
	for status, again := range map[int]bool{http.StatusInternalServerError: true, http.StatusUnauthorized: false} {
		k := newKit(t, &contract.RouterSettings{NumRetries: new(1), DisableCooldowns: true}, dep("a", "m"), dep("b", "m"))
		var r route.Route
		first, err := r.Begin(k.router, k.table, k.ask("m"))
		require.NoError(t, err)
		r.Started()
		next, ok := r.Next(route.Failure{Status: status, Err: apierr.New(status, "", "failed")})
		require.True(t, ok)
		require.NotEqual(t, first.ID, next.Deployment.ID)
		next, ok = r.Skip(full())
		require.Equal(t, again, ok, status)
		if ok {
			require.Equal(t, first.ID, next.Deployment.ID)
			require.Positive(t, next.Wait)
		}
		r.Reset()
		require.Zero(t, first.Member().State.InFlight())
	}
}

func TestSkip_and_GiveUp_lead_to_fallbacks(t *testing.T) {
	t.Parallel()
	k := newKit(t, &contract.RouterSettings{Fallbacks: []contract.Fallback{{Model: "m", To: []contract.FallbackTarget{{Model: "n"}}}}},
		dep("a", "m"), dep("b", "m", func(d *contract.Deployment) { d.Order = new(int64(7)) }), dep("c", "n"))
	var r route.Route
	_, err := r.Begin(k.router, k.table, k.ask("m"))
	require.NoError(t, err)
	next, ok := r.GiveUp(full())
	require.True(t, ok)
	require.Equal(t, "c", next.Deployment.ID, "all of the group is left out")
	require.True(t, next.Fallback)
	_, ok = r.GiveUp(full())
	require.False(t, ok)
	require.Equal(t, "crossed budget", r.Err().Message)

	_, err = r.Begin(k.router, k.table, k.ask("m"))
	require.NoError(t, err)
	for _, want := range []string{"a", "c"} { // b comes first
		next, ok = r.Skip(full())
		require.True(t, ok)
		require.Equal(t, want, next.Deployment.ID)
	}
	r.Reset()
	_, ok = r.Skip(full())
	require.False(t, ok, "nothing is under way")
}

package route_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

type cluster struct {
	t      *testing.T
	server *natstest.Server
	names  contract.Names
	behind time.Duration
}

// now is the clock of the replicas. The cluster begins with a minute: what is used
// at the end of one is told to nobody, and a test would wait for it in vain.
func (c *cluster) now() time.Time { return time.Now().Add(-c.behind) }

func newCluster(t *testing.T) *cluster {
	t.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	dp := names.DataPlanePermissions()
	now := time.Now()
	return &cluster{t: t, names: names, behind: now.Sub(now.Truncate(time.Minute)), server: natstest.Start(t, natsembed.Options{Users: []natsembed.User{
		{Name: "dataplane", Password: "dataplane", PublishAllow: dp.Publish, SubscribeAllow: dp.Subscribe},
	}})}
}

// replica is a router of its own on the bus.
func (c *cluster) replica(name string, settings *contract.RouterSettings, deployments ...*contract.Deployment) *kit {
	c.t.Helper()
	conn := c.server.Connect("dataplane", nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.ReconnectBufSize(-1))
	log := slog.New(slog.DiscardHandler)
	k := &kit{tb: c.t, clock: newClock(), builder: &builder{}}
	k.router = route.New(route.Options{
		Logger: log, Registry: prometheus.NewRegistry(), Clock: c.now, Conn: conn, Names: c.names, Replica: name,
	})
	c.t.Cleanup(k.router.Close)
	require.NoError(c.t, conn.Flush())
	k.env = route.Environment{Builder: k.builder, Getenv: func(string) string { return "" }, Logger: log, Router: k.router}
	k.configure(settings, deployments...)
	return k
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 10*time.Second, 2*time.Millisecond)
}

func cool(k *kit, model string) {
	r, _, err := k.begin(model)
	require.NoError(k.tb, err)
	r.Started()
	f := failure(429, "RateLimitError", time.Minute)
	r.Finished(route.Outcome{Failure: &f})
}

func TestCooldown_is_shared(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	any429 := &contract.RouterSettings{AllowedFails: new(int64(0))}
	deployments := []*contract.Deployment{
		dep("a", "m"), dep("b", "n"), dep("w", "openai/*", func(d *contract.Deployment) { d.Model = "*" }),
	}
	one, two := c.replica("one", any429, deployments...), c.replica("two", any429, deployments...)
	cool(one, "m")
	eventually(t, func() bool { return two.table.Deployment("a").CoolingFor(c.now()) > 50*time.Second })
	_, _, err := two.begin("m")
	require.ErrorContains(t, err, "cooldown_list=['a']")
	require.Zero(t, two.table.Deployment("b").CoolingFor(c.now()))

	// A model of a pattern cools down alone.
	cool(one, "openai/gpt-4o")
	eventually(t, func() bool { _, _, err := two.begin("openai/gpt-4o"); return err != nil })
	_, id, err := two.begin("openai/gpt-5")
	require.NoError(t, err)
	require.Equal(t, "w", id)

	// Who comes later learns of it.
	three := c.replica("three", any429, deployments...)
	eventually(t, func() bool { return three.table.Deployment("a").CoolingFor(c.now()) > 0 })

	// Without NATS each goes on alone, and what began meanwhile is told later.
	c.server.Stop()
	cool(two, "n")
	_, _, err = two.begin("n")
	require.Error(t, err)
	_, _, err = one.begin("n")
	require.NoError(t, err)
	c.server.Restart()
	eventually(t, func() bool { return one.table.Deployment("b").CoolingFor(c.now()) > 0 })
}

// What the replicas use of a deployment counts together, as do their calls
// under way; those of a replica that is gone do not.
func TestUse_is_shared(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	settings := &contract.RouterSettings{Strategy: "least-busy"}
	deployments := []*contract.Deployment{dep("a", "m"), dep("b", "n")}
	one, two := c.replica("one", settings, deployments...), c.replica("two", settings, deployments...)
	state := func(k *kit) (inFlight, requests, tokens int64) {
		s := k.table.Deployment("a").Member().State
		minute := c.now().Unix() / 60
		return s.InFlight(), s.Usage.Requests(minute), s.Usage.Tokens(minute)
	}
	begin := func(k *kit) *route.Route {
		r, _, err := k.begin("m")
		require.NoError(t, err)
		r.Started()
		return r
	}
	open := begin(one)
	eventually(t, func() bool { n, _, _ := state(two); return n == 1 })
	begin(two)
	eventually(t, func() bool { n, _, _ := state(one); return n == 2 })
	open.Finished(route.Outcome{Tokens: 40})
	eventually(t, func() bool { n, requests, tokens := state(two); return n == 1 && requests >= 2 && tokens == 40 })
	begin(one)
	eventually(t, func() bool { n, _, _ := state(two); return n == 2 })
	one.router.Close()
	eventually(t, func() bool { n, _, _ := state(two); return n == 1 })
}

package peer_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/dataplane/internal/route/peer"
	"github.com/tianjillm/tianjillm/shared/contract"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// line hands over what the link publishes, and takes what others do.
type line struct {
	mu      sync.Mutex
	said    chan []byte
	handler nats.MsgHandler
}

func (l *line) Publish(_ string, data []byte) error {
	select {
	case l.said <- data:
	default:
	}
	return nil
}

func (l *line) Subscribe(_ string, handler nats.MsgHandler) (*nats.Subscription, error) {
	l.handler = handler
	return &nats.Subscription{}, nil
}

func (l *line) hear(data string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handler(&nats.Msg{Data: []byte(data)})
}

func open(tb testing.TB, registry *health.Registry) *line {
	tb.Helper()
	return openAt(tb, registry, time.Now)
}

func openAt(tb testing.TB, registry *health.Registry, clock func() time.Time) *line {
	tb.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(tb, err)
	l := &line{said: make(chan []byte, 1)}
	link, err := peer.Open(peer.Options{
		Conn: l, Names: names, Replica: "me", Registry: registry, Clock: clock, Logger: slog.New(slog.DiscardHandler), Cooled: func(string) {},
	})
	require.NoError(tb, err)
	tb.Cleanup(link.Close)
	link.Wake()
	return l
}

// Totals are told, so that what is lost does no harm; they begin anew with a
// minute, and what is left out is idle.
func TestLink_hears(t *testing.T) {
	t.Parallel()
	registry := health.NewRegistry()
	s := registry.State("a")
	l := open(t, registry)
	minute := health.Minute(time.Now())
	use := func() [3]int64 {
		var requests, tokens int64
		for m := minute; m <= minute+1; m++ { // a minute may end while this runs
			requests, tokens = requests+s.Usage.Requests(m), tokens+s.Usage.Tokens(m)
		}
		return [3]int64{requests, tokens, s.InFlight()}
	}
	tell := func(replica string, minute int64, deployment string) {
		l.hear(fmt.Sprintf(`{"v":1,"replica":%q,"minute":%d,"deployments":[%s]}`, replica, minute, deployment))
	}
	tell("x", 7, `{"id":"a","requests":3,"tokens":30,"in_flight":2}`)
	tell("y", 7, `{"id":"a","requests":1,"tokens":10,"in_flight":1},{"id":"unknown","requests":9}`)
	require.Equal(t, [3]int64{4, 40, 3}, use())
	tell("x", 7, `{"id":"a","requests":5,"tokens":50,"in_flight":1}`)
	require.Equal(t, [3]int64{6, 60, 2}, use())
	tell("x", 8, `{"id":"a","requests":1,"tokens":1}`)
	require.Equal(t, [3]int64{7, 61, 1}, use())
	tell("y", 7, ``)
	require.Equal(t, [3]int64{7, 61, 0}, use())
	tell("me", 8, `{"id":"a","requests":100,"in_flight":9}`)
	require.Equal(t, [3]int64{7, 61, 0}, use(), "an echo")
	tell("x", 8, `{"id":"a","requests":-5,"tokens":-5,"in_flight":-5,"cooldown_ms":-5}`)
	require.Equal(t, [3]int64{7, 61, 0}, use(), "nonsense")

	tell("x", 8, `{"id":"a","cooldown_ms":60000,"status":429}`)
	require.Greater(t, s.CoolingFor(time.Now()), 59*time.Second)
	own, _ := s.Own(time.Now())
	require.Zero(t, own, "what was heard is not told on")
	tell("x", 8, `{"id":"a","cooldown_ms":9223372036854775807}`)
	require.LessOrEqual(t, s.CoolingFor(time.Now()), 24*time.Hour)
}

// A replica that crashed takes its calls with it.
func TestLink_forgets_who_is_silent(t *testing.T) {
	t.Parallel()
	registry := health.NewRegistry()
	s := registry.State("a")
	var ahead atomic.Int64
	l := openAt(t, registry, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	l.hear(`{"v":1,"replica":"x","minute":7,"deployments":[{"id":"a","in_flight":2}]}`)
	require.EqualValues(t, 2, s.InFlight())
	ahead.Store(int64(6 * time.Second))
	require.Eventually(t, func() bool { return s.InFlight() == 0 }, 10*time.Second, time.Millisecond)
	l.hear(`{"v":1,"replica":"x","minute":7,"deployments":[{"id":"a","in_flight":2}]}`)
	require.EqualValues(t, 2, s.InFlight(), "until it is back")
}

func TestLink_tells(t *testing.T) {
	t.Parallel()
	registry := health.NewRegistry()
	now := time.Now()
	registry.State("idle")
	registry.State("a").Begin()
	registry.State("b").Cool(now, time.Minute, 429, true)
	registry.State("heard").Cool(now, time.Minute, 429, false)
	registry.Model("w", "openai/x").Begin()
	l := open(t, registry)
	var state contract.RouterState
	require.NoError(t, json.Unmarshal(<-l.said, &state))
	require.Equal(t, "me", state.Replica)
	told := map[string]contract.DeploymentState{}
	for _, d := range state.Deployments {
		told[d.ID+d.Model] = d
	}
	require.Len(t, told, 3)
	require.EqualValues(t, 1, told["a"].InFlight)
	require.EqualValues(t, 1, told["wopenai/x"].InFlight)
	require.Equal(t, 429, told["b"].Status)
	require.InDelta(t, 60_000, told["b"].CooldownMS, 5000)
}

// FuzzLink feeds a link with what anybody on the bus may send.
func FuzzLink(f *testing.F) {
	f.Add(`{"v":1,"replica":"x","minute":1,"deployments":[{"id":"a","requests":1,"tokens":2,"in_flight":3,"cooldown_ms":4}]}`)
	f.Add(`{"replica":"x","deployments":[{"id":"a","model":"m","cooldown_ms":1},{"id":"a"},{"id":"a"}]}`)
	f.Add(`{"replica":"x"}`)
	f.Add(`[`)
	f.Add(strings.Repeat("[", 100_000))
	f.Fuzz(func(t *testing.T, data string) {
		registry := health.NewRegistry()
		s := registry.State("a")
		l := open(t, registry)
		l.hear(data)
		l.hear(`{"replica":"x","minute":1,"deployments":[]}`)
		for _, s := range registry.All(nil) {
			require.GreaterOrEqual(t, s.InFlight(), int64(0))
		}
		require.LessOrEqual(t, s.CoolingFor(time.Now()), 24*time.Hour)
	})
}

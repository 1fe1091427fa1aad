package seat_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota/seat"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/natsx"
	"github.com/tianjillm/tianjillm/testkit/cutter"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// lead is what others have ten seconds for.
	lead = time.Second
	// patience is for how long tests wait on a busy machine.
	patience = 15 * time.Second
)

// bus is a NATS server with the bucket, as the control plane makes it, and a
// user with the permissions that the package says it needs.
type bus struct {
	tb     testing.TB
	server *natstest.Server
	names  contract.Names
}

func newBus(tb testing.TB) *bus {
	tb.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(tb, err)
	bucket := names.SeatsBucket()
	stream := contract.KVStream(bucket)
	return &bus{tb: tb, names: names, server: natstest.Start(tb, natsembed.Options{Users: []natsembed.User{
		{Name: "admin", Password: "admin"},
		{
			Name: "dataplane", Password: "dataplane",
			PublishAllow: []string{
				contract.KVSubject(bucket, "plan"), "$JS.API.STREAM.INFO." + stream, "$JS.API.STREAM.MSG.GET." + stream, names.SeatBeats(),
			},
			SubscribeAllow: []string{names.SeatBeats(), names.InboxPrefix(contract.DataPlane) + ".>"},
		},
	}})}
}

// provision makes the bucket.
func (b *bus) provision() jetstream.KeyValue {
	b.tb.Helper()
	nc := b.server.Connect("admin")
	js, err := jetstream.New(nc)
	require.NoError(b.tb, err)
	kv, err := js.CreateOrUpdateKeyValue(context.Background(), jetstream.KeyValueConfig{
		Bucket: b.names.SeatsBucket(), History: 1, Storage: jetstream.MemoryStorage,
	})
	require.NoError(b.tb, err)
	return kv
}

// replica is a planner with a connection of its own.
type replica struct {
	*seat.Planner

	tb         testing.TB
	conn       *nats.Conn
	line       *cutter.Proxy
	name, boot string
	skew       time.Duration
}

func (r *replica) id() string { return r.name + "/" + r.boot }

func (b *bus) replica(name, boot string, skew time.Duration) *replica {
	b.tb.Helper()
	line := cutter.New(b.tb, b.server.Addr())
	r := &replica{tb: b.tb, line: line, name: name, boot: boot, skew: skew}
	reconnected := &natsx.Signal{}
	log := slog.New(denied{b.tb})
	var err error
	r.conn, err = natsx.Connect(natsx.Options{
		URLs: strings.Replace(b.server.URL("dataplane"), b.server.Addr(), line.Addr(), 1), Names: b.names,
		Plane: contract.DataPlane, Replica: name, Logger: log, Connected: reconnected,
	}, natsx.Control)
	require.NoError(b.tb, err)
	b.tb.Cleanup(r.conn.Close)
	js, err := jetstream.New(r.conn)
	require.NoError(b.tb, err)
	r.Planner, err = seat.Open(seat.Options{
		Conn: r.conn, JS: js, Names: b.names, Replica: name, Boot: boot, Lead: lead, Logger: log,
		Clock: func() time.Time { return time.Now().Add(skew) },
	})
	require.NoError(b.tb, err)
	reconnected.Listen(r.Reconnected)
	b.tb.Cleanup(r.Close)
	return r
}

// leave closes a replica as it ought to be.
func (r *replica) leave() {
	r.Close()
	r.conn.Close()
	r.line.Close()
}

// crash ends it without a goodbye.
func (r *replica) crash() {
	r.line.Close()
	r.leave()
}

// divided waits until a window that starts now is divided so.
func (r *replica) divided(seats int, mine bool) {
	r.tb.Helper()
	require.Eventually(r.tb, func() bool {
		n, m, known := r.Share(time.Now())
		return known && n == seats && m == mine
	}, patience, 5*time.Millisecond, "%s: %d seats, mine %t", r.id(), seats, mine)
}

// denied fails a test when NATS denies what was asked of it: that is no error
// of any call.
type denied struct{ tb testing.TB }

func (d denied) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (d denied) WithAttrs([]slog.Attr) slog.Handler           { return d }
func (d denied) WithGroup(string) slog.Handler                { return d }

func (d denied) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if strings.Contains(strings.ToLower(a.Value.String()), "permissions violation") {
			d.tb.Errorf("%s: %s", r.Message, a.Value)
		}
		return true
	})
	return nil
}

// ledger is all that was ever said about windows.
type ledger struct {
	mu      sync.Mutex
	answers map[int64]map[string]answer // by start and process
	wrong   []string
	known   int
}

type answer struct {
	seats int
	mine  bool
}

func newLedger() *ledger { return &ledger{answers: map[int64]map[string]answer{}} }

// ask enters what a replica says about a window.
func (l *ledger) ask(r *replica, start time.Time) {
	seats, mine, known := r.Share(start)
	if !known {
		return
	}
	ms, a := start.UnixMilli(), answer{seats, mine}
	l.mu.Lock()
	defer l.mu.Unlock()
	said := l.answers[ms]
	if said == nil {
		said = map[string]answer{}
		l.answers[ms] = said
	}
	if old, ok := said[r.id()]; ok && old != a {
		l.wrong = append(l.wrong, fmt.Sprintf("%d: %s says %v after %v", ms, r.id(), a, old))
	}
	owners := 0
	said[r.id()] = a
	for who, other := range said {
		if other.seats != seats {
			l.wrong = append(l.wrong, fmt.Sprintf("%d: %s says %v, %s says %v", ms, r.id(), a, who, other))
		}
		if other.mine {
			owners++
		}
	}
	if owners > seats {
		l.wrong = append(l.wrong, fmt.Sprintf("%d: %d owners of %d seats", ms, owners, seats))
	}
	l.known++
}

// watch asks a replica about windows of so much, past and future ones, until
// the test or stop ends it.
func (l *ledger) watch(r *replica, window time.Duration, stop <-chan struct{}) {
	for ticker := time.NewTicker(window / 4); ; {
		select {
		case <-stop:
			ticker.Stop()
			return
		case <-ticker.C:
		}
		first := time.Now().Add(-lead).Truncate(window)
		for start := first; start.Before(first.Add(3 * lead)); start = start.Add(window) {
			l.ask(r, start)
		}
	}
}

func (l *ledger) check(tb testing.TB) {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(tb, l.wrong[:min(len(l.wrong), 5)])
	require.NotZero(tb, l.known)
}

// variety is into how many different numbers of parts windows were divided.
func (l *ledger) variety() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	kinds := map[int]bool{}
	for _, said := range l.answers {
		for _, a := range said {
			kinds[a.seats] = true
		}
	}
	return len(kinds)
}

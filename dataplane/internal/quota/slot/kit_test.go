package slot_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota/slot"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/natsx"
	"github.com/tianjillm/tianjillm/testkit/cutter"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "par.life.api_key.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// bus is a NATS server with the bucket, as the control plane makes it, and a
// user with the permissions that the package says it needs.
type bus struct {
	tb     testing.TB
	server *natstest.Server
	names  contract.Names
	live   []string

	mu  sync.Mutex
	ops map[string]int64
}

func newBus(tb testing.TB, live ...string) *bus {
	tb.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(tb, err)
	bucket := names.SlotsBucket()
	stream := contract.KVStream(bucket)
	b := &bus{tb: tb, names: names, live: live, ops: map[string]int64{}, server: natstest.Start(tb, natsembed.Options{Users: []natsembed.User{
		{Name: "admin", Password: "admin"},
		{
			Name: "dataplane", Password: "dataplane",
			PublishAllow: []string{
				"$KV." + bucket + ".>", "$JS.API.STREAM.INFO." + stream, "$JS.API.DIRECT.GET." + stream + ".>", names.Prefix() + ".slots.>",
			},
			SubscribeAllow: []string{names.Prefix() + ".slots.>", names.InboxPrefix(contract.DataPlane) + ".>"},
		},
	}})}
	b.provision()
	return b
}

func (b *bus) count(op string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ops[op]++
}

// operations is how many there were for calls, without those that keep leases.
func (b *bus) operations() (n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for op, times := range b.ops {
		if op != "lease" && op != "beat" {
			n += times
		}
	}
	return n
}

// provision makes the bucket.
func (b *bus) provision() {
	b.tb.Helper()
	nc := b.server.Connect("admin")
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(b.tb, err)
	bucket := b.names.SlotsBucket()
	_, err = js.CreateOrUpdateStream(context.Background(), jetstream.StreamConfig{
		Name: contract.KVStream(bucket), Subjects: []string{contract.KVSubject(bucket, ">")}, Storage: jetstream.MemoryStorage,
		MaxMsgsPerSubject: 1, AllowDirect: true, AllowMsgTTL: true, Discard: jetstream.DiscardNew,
	})
	require.NoError(b.tb, err)
}

// record returns what the bucket has of a limit.
func (b *bus) record(of string) (sum int64, byHolder map[string]int64) {
	b.tb.Helper()
	nc := b.server.Connect("admin")
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(b.tb, err)
	stream, err := js.Stream(context.Background(), contract.KVStream(b.names.SlotsBucket()))
	require.NoError(b.tb, err)
	m, err := stream.GetLastMsgForSubject(context.Background(), contract.KVSubject(b.names.SlotsBucket(), of))
	if err != nil {
		require.ErrorIs(b.tb, err, jetstream.ErrMsgNotFound)
		return 0, nil
	}
	var r struct {
		H map[string]int64 `json:"h"`
	}
	require.NoError(b.tb, json.Unmarshal(m.Data, &r))
	for _, n := range r.H {
		sum += n
	}
	return sum, r.H
}

// replica is a table with a connection of its own.
type replica struct {
	*slot.Table

	tb   testing.TB
	conn *nats.Conn
	skew atomic.Int64 // of its clock
}

func (b *bus) replica(name string, ttl time.Duration) *replica {
	b.tb.Helper()
	return b.replicaAt(b.server.URL("dataplane"), name, ttl)
}

func (b *bus) replicaBehind(p *cutter.Proxy, name string, ttl time.Duration) *replica {
	b.tb.Helper()
	return b.replicaAt(strings.Replace(b.server.URL("dataplane"), b.server.Addr(), p.Addr(), 1), name, ttl)
}

func (b *bus) replicaAt(url, name string, ttl time.Duration) *replica {
	b.tb.Helper()
	r := b.open(url, name, ttl)
	r.ready()
	return r
}

func (b *bus) open(url, name string, ttl time.Duration) *replica {
	b.tb.Helper()
	log := slog.New(slog.DiscardHandler)
	nc, err := natsx.Connect(natsx.Options{URLs: url, Names: b.names, Plane: contract.DataPlane, Replica: name, Logger: log}, natsx.Control)
	require.NoError(b.tb, err)
	b.tb.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(b.tb, err)
	r := &replica{tb: b.tb, conn: nc}
	o := slot.Options{
		Conn: nc, JS: js, Names: b.names, Replica: name, TTL: ttl, Logger: log,
		Count: b.count,
	}
	if _, bench := b.tb.(*testing.B); !bench {
		o.Clock = func() time.Time { return time.Now().Add(time.Duration(r.skew.Load())) }
	}
	if b.live != nil {
		o.Live = func() []string { return b.live }
	}
	r.Table, err = slot.Open(o)
	require.NoError(b.tb, err)
	b.tb.Cleanup(r.Close)
	return r
}

func (r *replica) ready() {
	r.tb.Helper()
	require.Eventually(r.tb, r.Ready, 10*time.Second, time.Millisecond)
}

// acquire does what the engine does for a request: it waits for a moment.
func (r *replica) acquire(of string, limit int64) (slot.Slot, bool) {
	deadline := time.After(8 * time.Millisecond)
	for {
		if s, ok := r.Try(of, limit); ok {
			return s, true
		}
		if _, full := r.Full(of); full {
			return slot.Slot{}, false
		}
		select {
		case <-r.More(of, limit):
		case <-deadline:
			return slot.Slot{}, false
		}
	}
}

// must waits for a slot as long as it takes.
func (r *replica) must(of string, limit int64) slot.Slot {
	r.tb.Helper()
	var s slot.Slot
	require.Eventually(r.tb, func() (ok bool) { s, ok = r.acquire(of, limit); return ok }, 15*time.Second, time.Millisecond)
	return s
}

// fill takes that many slots.
func (r *replica) fill(of string, limit int64, want int) []slot.Slot {
	r.tb.Helper()
	var all []slot.Slot
	for len(all) < want {
		all = append(all, r.must(of, limit))
	}
	return all
}

func releaseAll(all []slot.Slot) {
	for _, s := range all {
		s.Release()
	}
}

// meter counts calls under way over all replicas.
type meter struct{ now, most, total, refused atomic.Int64 }

func (m *meter) begin() {
	n := m.now.Add(1)
	m.total.Add(1)
	for {
		if most := m.most.Load(); n <= most || m.most.CompareAndSwap(most, n) {
			return
		}
	}
}

func (m *meter) end() { m.now.Add(-1) }

// load keeps callers busy on a replica until stop is closed.
func load(wg *sync.WaitGroup, r *replica, of string, limit func() int64, callers int, each func() time.Duration, m *meter, stop <-chan struct{}) {
	for range callers {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s, ok := r.acquire(of, limit())
				if !ok {
					m.refused.Add(1)
					wait(2*time.Millisecond, stop)
					continue
				}
				m.begin()
				wait(each(), stop)
				m.end()
				s.Release()
			}
		})
	}
}

func wait(d time.Duration, stop <-chan struct{}) {
	select {
	case <-stop:
	case <-time.After(d):
	}
}

func fixed(limit int64) func() int64 { return func() int64 { return limit } }

func lasting(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

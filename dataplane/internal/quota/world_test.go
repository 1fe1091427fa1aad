package quota_test

import (
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/natsx"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

const (
	maxSkew  = 2 * time.Second
	maxSeats = 4
)

// world is replicas at one server, in a time that moves only when it is told
// to: then it is certain in which window something happens.
type world struct {
	t     *testing.T
	rng   *rand.Rand // of the goroutine that makes things happen
	lab   *lab
	model *model
	seats *seating
	rules []*rule

	at   atomic.Int64
	gate sync.RWMutex // locked while time moves

	mu       sync.Mutex
	replicas []*replica // that live
	dead     []*replica
	started  int
	// unsure says that something may have been lost on the way.
	unsure atomic.Bool
}

// rule is a limit that changes.
type rule struct{ now atomic.Pointer[limits.Limit] }

// replica is an engine with its own connection and clock.
type replica struct {
	name    string
	engine  *quota.Engine
	conn    *nats.Conn
	wire    *wire
	metrics *prometheus.Registry
	skew    atomic.Int64
	use     sync.RWMutex     // by those who admit and settle
	gone    atomic.Bool      // no more is admitted here
	crashed atomic.Bool      // nothing is settled here any more
	serves  []bool           // whether there are requests under each rule
	grants  atomic.Int64     // that are to be settled
	left    map[string]int64 // what the pool thinks it holds, when it ended
}

func newWorld(t *testing.T, seed uint64, begin time.Time) *world {
	t.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 0)), model: newModel(),
		lab: &lab{t: t, server: natstest.Start(t, natsembed.Options{}), names: names},
	}
	w.lab.provision(jetstream.FileStorage)
	w.at.Store(begin.UnixNano())
	w.seats = &seating{rng: rand.New(rand.NewPCG(seed, 1)), windows: map[int64]*window{}}
	return w
}

// join starts a replica.
func (w *world) join() *replica {
	w.t.Helper()
	w.started++
	r := &replica{name: "r" + strconv.Itoa(w.started), wire: newWire(w.t, w.lab.server.Addr()), metrics: prometheus.NewRegistry()}
	r.skew.Store(w.someSkew())
	for range w.rules {
		r.serves = append(r.serves, w.rng.IntN(3) > 0)
	}
	u, err := url.Parse(w.lab.server.URL(natstest.Admin))
	require.NoError(w.t, err)
	u.Host = r.wire.listener.Addr().String()
	r.conn, err = natsx.Connect(natsx.Options{
		URLs: u.String(), Names: w.lab.names, Plane: contract.DataPlane, Replica: r.name, Logger: slog.New(slog.DiscardHandler),
	}, natsx.Control)
	require.NoError(w.t, err)
	w.t.Cleanup(r.conn.Close)
	js, err := jetstream.New(r.conn)
	require.NoError(w.t, err)
	w.seats.live.Add(1)
	r.engine, err = quota.Open(quota.Options{
		Conn: r.conn, JS: js, Names: w.lab.names, Replica: r.name, Plan: seat{w.seats, r.name}, Slots: noSlots{},
		Clock: func() time.Time { return w.clock(r) }, Logger: slog.New(slog.DiscardHandler), Registry: r.metrics,
	})
	require.NoError(w.t, err)
	w.t.Cleanup(r.engine.Close)
	require.NoError(w.t, r.conn.Flush()) // it hears the others
	w.mu.Lock()
	w.replicas = append(w.replicas, r)
	w.mu.Unlock()
	return r
}

func (w *world) someSkew() int64 { return w.rng.Int64N(int64(2*maxSkew)+1) - int64(maxSkew) }

func (w *world) clock(r *replica) time.Time {
	return time.Unix(0, w.at.Load()+r.skew.Load()).UTC()
}

// move lets time pass.
func (w *world) move(d time.Duration) {
	w.gate.Lock()
	defer w.gate.Unlock()
	w.at.Add(int64(d))
}

// drift sets a replica's clock to something else.
func (w *world) drift(r *replica) {
	w.gate.Lock()
	defer w.gate.Unlock()
	r.skew.Store(w.someSkew())
}

// live returns one of the replicas that live, and how many they are.
func (w *world) live(rng *rand.Rand) (*replica, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.replicas) == 0 {
		return nil, 0
	}
	return w.replicas[rng.IntN(len(w.replicas))], len(w.replicas)
}

func (w *world) remove(r *replica) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, one := range w.replicas {
		if one == r {
			w.replicas = append(w.replicas[:i:i], w.replicas[i+1:]...)
		}
	}
	r.gone.Store(true)
}

// crash ends a replica without a word: its connection is cut first.
func (w *world) crash(r *replica, quiet bool) {
	w.remove(r)
	if quiet {
		r.use.Lock()
		r.engine.Halt()
		w.still(r)
		if !w.unsure.Load() { // what it was just giving to others gets to them
			r.engine.Deafen()
			require.NoError(w.t, r.conn.Flush())
		}
		r.use.Unlock()
	} else {
		w.unsure.Store(true)
	}
	r.crashed.Store(true)
	r.conn.Close()
	r.idle()
	r.left = r.holds(w.keys())
	r.engine.Close()
	w.seats.live.Add(-1)
	w.dead = append(w.dead, r)
}

// idle waits for those who are just admitting or settling.
func (r *replica) idle() {
	r.use.Lock()
	defer r.use.Unlock()
}

// still waits until a replica waits for no answer.
func (w *world) still(r *replica) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return !r.engine.Flying() }, 10*time.Second, time.Millisecond)
	if w.unsure.Load() {
		return
	}
	// The others answer questions in turn: this one after all of ours.
	ask, err := json.Marshal([]contract.Reclaim{{V: contract.SchemaVersion, Replica: r.name, Key: "nothing"}})
	require.NoError(w.t, err)
	inbox := r.conn.NewInbox()
	sub, err := r.conn.SubscribeSync(inbox)
	require.NoError(w.t, err)
	require.NoError(w.t, r.conn.PublishRequest(w.lab.names.ReclaimSubject(), inbox, ask))
	for _, other := range w.replicas {
		if other != r {
			_, err = sub.NextMsg(10 * time.Second)
			require.NoError(w.t, err)
		}
	}
	heard := make(chan struct{})
	require.NoError(w.t, r.conn.Barrier(func() { close(heard) }))
	<-heard
}

// leave ends a replica as a shutdown does: first what is under way, then it.
func (w *world) leave(r *replica) {
	w.remove(r)
	require.Eventually(w.t, func() bool {
		w.move(time.Millisecond) // clients at other replicas may be waiting for time to pass
		if !r.use.TryLock() {
			return false
		}
		defer r.use.Unlock()
		return r.grants.Load() == 0
	}, 30*time.Second, time.Millisecond)
	r.wire.mend() // who can not tell what it used when it leaves is one who crashes
	require.Eventually(w.t, func() bool { return !r.engine.Degraded() }, 20*time.Second, time.Millisecond)
	r.engine.Halt()
	w.still(r)
	r.engine.Close()
	r.left = r.holds(w.keys())
	w.seats.live.Add(-1)
	w.dead = append(w.dead, r)
}

func (w *world) keys() []string {
	keys := make([]string, 0, len(w.rules))
	for _, r := range w.rules {
		keys = append(keys, r.now.Load().Key)
	}
	return keys
}

// holds is what the pool has given to a replica that is not used.
func (r *replica) holds(keys []string) map[string]int64 {
	all := r.engine.Surplus()
	for _, c := range r.engine.Report(keys).Counters {
		all[c.Key] += c.Leased
	}
	return all
}

// loneliness is how a replica does without NATS.
type loneliness struct {
	lapse   lapse // the present or the last one
	present bool
	decided float64 // limits decided about alone, if it is present
}

func (r *replica) loneliness() loneliness {
	l := loneliness{lapse: lapse{r.name, r.engine.Lapse()}, present: r.engine.Degraded()}
	if !l.present {
		return l
	}
	families, err := r.metrics.Gather()
	if err != nil {
		panic(err)
	}
	for _, f := range families {
		if f.GetName() == "tianji_dataplane_limit_local_admissions_total" {
			l.decided = f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return l
}

// until returns the lapses in which a request may have been admitted without
// NATS, from one time to another.
func (l loneliness) until(after loneliness, replicas int64) map[lapse]int64 {
	if l.lapse == after.lapse && !l.present && !after.present || l.present && after.present && l.decided == after.decided {
		return nil
	}
	return map[lapse]int64{l.lapse: replicas, after.lapse: replicas}
}

// seating divides windows between replicas, differently each time. Who asks
// first has a seat, and keeps it for that window.
type seating struct {
	live    atomic.Int64
	mu      sync.Mutex
	rng     *rand.Rand
	windows map[int64]*window
}

type window struct {
	seats int
	mine  map[string]bool
	known map[string]int // how often one must ask until it is known
}

type seat struct {
	s    *seating
	name string
}

func (p seat) Share(start time.Time) (seats int, mine, known bool) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	w := p.s.windows[start.Unix()]
	if w == nil {
		w = &window{seats: p.s.rng.IntN(maxSeats + 1), mine: map[string]bool{}, known: map[string]int{}}
		p.s.windows[start.Unix()] = w
	}
	mine, asked := w.mine[p.name]
	if !asked {
		taken := 0
		for _, yes := range w.mine {
			if yes {
				taken++
			}
		}
		mine = taken < w.seats
		w.mine[p.name], w.known[p.name] = mine, max(0, p.s.rng.IntN(12)-8)
	}
	if w.known[p.name] > 0 {
		w.known[p.name]--
		return 0, false, false
	}
	return w.seats, mine, true
}

func (p seat) Replicas() int   { return max(1, int(p.s.live.Load())) }
func (p seat) Peers() []string { return make([]string, p.Replicas()-1) }

// total reads a counter of the pool.
func (w *world) total(js jetstream.JetStream, l *limits.Limit, start int64) int64 {
	w.t.Helper()
	ack, err := js.PublishMsg(w.t.Context(), &nats.Msg{
		Subject: w.lab.names.LimitSubject(string(l.Window.Class()), l.Key, start/int64(time.Second)), Header: nats.Header{"Nats-Incr": {"0"}},
	})
	require.NoError(w.t, err)
	n, err := strconv.ParseInt(ack.Value, 10, 64)
	require.NoError(w.t, err)
	return n
}

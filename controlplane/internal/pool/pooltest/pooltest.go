// Package pooltest gives tests a bus with counters, and data planes that hold
// parts of them and say so. It is for tests only.
package pooltest

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsembed"
)

// Server is a NATS server of a test.
type Server interface {
	Connect(user string, opts ...nats.Option) *nats.Conn
}

// Bus is a NATS server with all streams and buckets, and its two users.
type Bus struct {
	Names  contract.Names
	Server Server
	// JS is of the control plane.
	JS   jetstream.JetStream
	Pool *pool.Pool

	tb testing.TB
}

// Options are of a server that both planes may connect to.
func Options(tb testing.TB) natsembed.Options {
	tb.Helper()
	n := names(tb)
	cp, dp := n.ControlPlanePermissions(), n.DataPlanePermissions()
	return natsembed.Options{Users: []natsembed.User{
		{Name: "controlplane", Password: "c", PublishAllow: cp.Publish, SubscribeAllow: cp.Subscribe},
		{Name: "dataplane", Password: "d", PublishAllow: dp.Publish, SubscribeAllow: dp.Subscribe, AllowResponses: dp.Respond},
	}}
}

func names(tb testing.TB) contract.Names {
	tb.Helper()
	n, err := contract.NewNames("tianji")
	check(tb, err)
	return n
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// New makes streams and buckets on a server with those options.
func New(tb testing.TB, server Server) *Bus {
	tb.Helper()
	n := names(tb)
	js, err := jetstream.New(server.Connect("controlplane", nats.CustomInboxPrefix(n.InboxPrefix(contract.ControlPlane))))
	check(tb, err)
	check(tb, publish.Provision(tb.Context(), js, n, 1))
	return &Bus{Names: n, Server: server, JS: js, Pool: pool.New(js, n), tb: tb}
}

// Value reads a counter.
func (b *Bus) Value(c pool.Counter) int64 {
	b.tb.Helper()
	n, err := b.Pool.Value(b.tb.Context(), c)
	check(b.tb, err)
	return n
}

// DataPlane is a replica that lives, has something of counters, and answers.
type DataPlane struct {
	bus     *Bus
	nc      *nats.Conn
	js      jetstream.JetStream
	replica string

	mu       sync.Mutex
	counters map[string]contract.LimitHolder
	degraded bool
	mute     bool
}

// Join adds a data plane. Its heartbeat is written once, and lasts for as long
// as the bucket keeps it.
func (b *Bus) Join(replica string) *DataPlane {
	b.tb.Helper()
	d := &DataPlane{bus: b, replica: replica, counters: map[string]contract.LimitHolder{}}
	d.nc = b.Server.Connect("dataplane", nats.CustomInboxPrefix(b.Names.InboxPrefix(contract.DataPlane)))
	var err error
	d.js, err = jetstream.New(d.nc)
	check(b.tb, err)
	_, err = d.nc.Subscribe(b.Names.LimitReportSubject(), d.answer)
	check(b.tb, err)
	d.Beat(0)
	return d
}

// Beat writes a heartbeat.
func (d *DataPlane) Beat(spooled int64) {
	d.bus.tb.Helper()
	value, err := json.Marshal(contract.Member{V: 1, Replica: d.replica, Plane: contract.DataPlane, SeenMS: time.Now().UnixMilli(), Spooled: spooled})
	check(d.bus.tb, err)
	_, err = d.js.Publish(d.bus.tb.Context(), contract.KVSubject(d.bus.Names.MembersBucket(), contract.Token(d.replica)), value)
	check(d.bus.tb, err)
}

// Die ends the data plane without a word, and forgets its heartbeat.
func (d *DataPlane) Die() {
	d.bus.tb.Helper()
	d.nc.Close()
	kv, err := d.bus.JS.KeyValue(d.bus.tb.Context(), d.bus.Names.MembersBucket())
	check(d.bus.tb, err)
	check(d.bus.tb, kv.Purge(d.bus.tb.Context(), contract.Token(d.replica)))
}

// Set says what it holds of a counter.
func (d *DataPlane) Set(c pool.Counter, h contract.LimitHolder) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h.Key, h.Start = c.Key, c.Start
	d.counters[c.Key] = h
}

// Lease takes n units from a counter.
func (d *DataPlane) Lease(c pool.Counter, n int64) {
	d.bus.tb.Helper()
	_, err := d.js.PublishMsg(d.bus.tb.Context(), &nats.Msg{
		Subject: d.bus.Names.LimitSubject(string(c.Class), c.Key, c.Start), Header: nats.Header{"Nats-Incr": {strconv.FormatInt(n, 10)}},
	})
	check(d.bus.tb, err)
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.counters[c.Key]
	h.Key, h.Start, h.Leased = c.Key, c.Start, h.Leased+n
	d.counters[c.Key] = h
}

// Spend uses n of the units that it has.
func (d *DataPlane) Spend(c pool.Counter, n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.counters[c.Key]
	h.Leased -= n
	d.counters[c.Key] = h
}

// Degrade says whether it counts alone.
func (d *DataPlane) Degrade(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.degraded = on
}

// Mute keeps it from answering.
func (d *DataPlane) Mute(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mute = on
}

func (d *DataPlane) answer(m *nats.Msg) {
	var q contract.LimitQuery
	if json.Unmarshal(m.Data, &q) != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mute {
		return
	}
	r := contract.LimitReport{V: 1, Replica: d.replica, Degraded: d.degraded}
	for key, h := range d.counters {
		if slices.Contains(q.Keys, key) {
			r.Counters = append(r.Counters, h)
		}
	}
	if data, err := json.Marshal(r); err == nil {
		_ = m.Respond(data) // the test sees that nothing came
	}
}

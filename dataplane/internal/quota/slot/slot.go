package slot

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	workers   = 16
	maxQueued = 4096
	// closeWait bounds how long closing talks to NATS.
	closeWait = time.Second
)

// Options are what a table is made of.
type Options struct {
	Conn    *nats.Conn
	JS      jetstream.JetStream
	Names   contract.Names
	Replica string
	// Live names the replicas that are believed to be alive, this one included.
	// It is asked for their number; while it has none, those are counted whose
	// leases are heard of. It may be nil.
	Live func() []string
	// Clock is for tests; nil is the real one.
	Clock func() time.Time
	// TTL is for how long a replica that is not heard of keeps its slots; 0 is
	// 5 seconds.
	TTL    time.Duration
	Logger *slog.Logger
	// Count counts what is sent to NATS, by kind: read, write, lease, fence,
	// ask, grant, beat. It may be nil.
	Count func(op string)
}

// Table holds this replica's slots of all limits. It is safe for concurrent
// use.
type Table struct {
	opts    Options
	clock   clock
	times   timing
	store   *store
	keeper  *keeper
	peers   *peers
	entries *entries
	queue   chan *entry
	// waits end attempts without an answer, batches gather what is handed over.
	waits, batches *line
	replicas       atomic.Int64
	closed         atomic.Bool

	subs []*nats.Subscription
	wg   sync.WaitGroup
	stop context.CancelFunc
}

// Open starts a table. The connection need not be up.
func Open(o Options) (*Table, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	t := &Table{opts: o, clock: newClock(o.Clock), times: newTiming(o.TTL), entries: newEntries(), queue: make(chan *entry, maxQueued)}
	t.store = &store{conn: o.Conn, js: o.JS, bucket: o.Names.SlotsBucket(), call: t.times.call, count: o.Count}
	var err error
	if t.keeper, err = newKeeper(t); err != nil {
		return nil, err
	}
	t.peers = newPeers(t.store, t.times, &t.clock, t.keeper)
	t.waits = newLine(answerWait, t.unanswered)
	t.batches = newLine(batchWait, func(e *entry, _ *attempt) {
		e.batching = false
		e.enqueue()
	})
	t.countReplicas()
	if err := t.listen(); err != nil {
		t.unlisten()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.stop = cancel
	for _, run := range []func(context.Context){t.keeper.run, t.sweeps, t.waits.run, t.batches.run} {
		t.wg.Go(func() { run(ctx) })
	}
	for range workers {
		t.wg.Go(func() { t.work(ctx) })
	}
	return t, nil
}

// Close gives back what no call uses and ends all goroutines. It waits for NATS
// for a moment at most. Slots in use may be released afterwards; they are free
// for others after the TTL.
func (t *Table) Close() {
	if t.closed.Swap(true) {
		return
	}
	t.unlisten()
	t.stop()
	t.wg.Wait()
	t.leave()
	for e := range t.entries.all() {
		e.mu.Lock()
		if e.attempt != nil {
			e.decide()
		}
		e.mu.Unlock()
	}
}

// leave gives up what is held. When no call is under way that is the lease,
// whatever the number of records; else only what is idle, record by record.
func (t *Table) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	inUse := int64(0)
	t.keeper.current.Load().expires.Store(0)
	for e := range t.entries.all() {
		e.mu.Lock()
		inUse += e.inUse
		e.mu.Unlock()
	}
	if inUse == 0 {
		t.keeper.resign(ctx)
		return
	}
	for e := range t.entries.all() {
		e.mu.Lock()
		idle := e.held - e.inUse
		if idle > 0 {
			e.drop += idle
			e.recount()
		}
		e.mu.Unlock()
		if idle > 0 && ctx.Err() == nil {
			t.sync(ctx, e)
		}
	}
}

// countReplicas finds among how many replicas slots are shared.
func (t *Table) countReplicas() int64 {
	n := 0
	if t.opts.Live != nil {
		n = len(t.opts.Live())
	}
	if n == 0 {
		n = 1 + t.peers.alive()
	}
	t.replicas.Store(int64(n))
	return int64(n)
}

// listen hears what other replicas tell.
func (t *Table) listen() error {
	n := t.opts.Names
	for subject, handle := range map[string]nats.MsgHandler{
		n.SlotSubject(kindAsk, allReplicas):       t.hearAsk,
		n.SlotSubject(kindGrant, t.opts.Replica):  t.hearGrant,
		n.Prefix() + ".slots." + kindLease + ".*": t.hearLease,
	} {
		sub, err := t.opts.Conn.Subscribe(subject, handle)
		if err != nil {
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		t.subs = append(t.subs, sub)
	}
	return nil
}

func (t *Table) unlisten() {
	for _, sub := range t.subs {
		_ = sub.Unsubscribe() // fails when the connection is closed already
	}
}

// Slot is the right of one call to be under way. Copies are the same slot; the
// zero value is none.
type Slot struct {
	entry             *entry
	index, generation uint32
}

// Release gives the slot back. The first call counts, others do nothing.
func (s Slot) Release() {
	if s.entry != nil {
		s.entry.release(s.index, s.generation)
	}
}

// Package principal resolves virtual keys, their owners, and the customers and
// tags that requests name. There may be millions, so a data plane reads one
// from the bucket when it is first used, prepares what requests need of it,
// keeps it, and forgets it when the bucket says that it changed.
//
// Lookups run on goroutines of their own, bounded in number: a NATS client
// that is stuck must not hold a request beyond its patience.
package principal

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	shardCount = 64
	// negativeTTL is how long a key that does not exist is remembered. A change
	// of the bucket ends it earlier.
	negativeTTL = 2 * time.Second
	// changedTTL is how long the sequence of a change is remembered, so that a
	// lagging replica of the stream can not bring the old record back.
	changedTTL = 10 * time.Second
)

// ErrUnavailable means that a principal is not known here and the bus can not
// be asked.
var ErrUnavailable = errors.New("principal is not known here and the bus does not answer")

// Source reads records.
type Source interface {
	// Read returns a record and its sequence; a nil record does not exist.
	// atLeast asks for a reading that includes that sequence.
	Read(ctx context.Context, key string, atLeast uint64) (record any, sequence uint64, err error)
}

// entry is what is known of one key.
type entry struct {
	record  any // nil for a key that does not exist
	kind    kind
	epoch   uint64
	expires int64        // unix nanoseconds, 0: does not expire
	used    atomic.Int64 // coarse time of last use, for eviction
}

type shard struct {
	mu      sync.Mutex
	entries map[string]*entry
	count   [missing + 1]int // entries by kind
	flights map[string]*flight
	changed map[string]changeMark
}

type changeMark struct {
	sequence uint64
	at       int64
}

// flight is a lookup that several requests wait for.
type flight struct {
	done   chan struct{}
	record any
	err    error
	stale  bool // the key changed while it was read
}

// Cache is safe for concurrent use. Each lookup under way is a goroutine that
// ends with its timeout; Close waits for them.
type Cache struct {
	source  Source
	log     *slog.Logger
	shards  [shardCount]shard
	seed    maphash.Seed
	perPart int
	epoch   atomic.Uint64
	// awayUntil is until when no request waits for what it names.
	awayUntil atomic.Int64 // Unix nanoseconds

	lookups chan struct{}
	clock   func() time.Time
	ctx     context.Context //nolint:containedctx // the life of the lookups, not of a request
	cancel  context.CancelFunc
	wg      sync.WaitGroup

	hits, misses, stales prometheus.Counter
}

// Options configure a Cache.
type Options struct {
	Source Source
	// Size bounds the entries; 0 means 200,000.
	Size int
	// Lookups bounds how many reads run at once; 0 means 64.
	Lookups  int
	Logger   *slog.Logger
	Registry prometheus.Registerer
	Clock    func() time.Time
}

// New returns an empty cache.
func New(o Options) *Cache {
	if o.Size == 0 {
		o.Size = 200_000
	}
	if o.Lookups == 0 {
		o.Lookups = 64
	}
	c := &Cache{
		source: o.Source, log: o.Logger, seed: maphash.MakeSeed(), perPart: max(1, o.Size/shardCount),
		lookups: make(chan struct{}, o.Lookups), clock: o.Clock,
		hits:   prometheus.NewCounter(prometheus.CounterOpts{Name: "tianji_dataplane_principal_hits_total", Help: "Principals found in memory."}),
		misses: prometheus.NewCounter(prometheus.CounterOpts{Name: "tianji_dataplane_principal_lookups_total", Help: "Principals read from the bus."}),
		stales: prometheus.NewCounter(prometheus.CounterOpts{Name: "tianji_dataplane_principal_stale_total", Help: "Principals used from memory although the bus could not confirm them."}),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	for i := range c.shards {
		s := &c.shards[i]
		s.entries, s.flights, s.changed = map[string]*entry{}, map[string]*flight{}, map[string]changeMark{}
	}
	o.Registry.MustRegister(c.hits, c.misses, c.stales)
	return c
}

// Close ends lookups under way and waits for them.
func (c *Cache) Close() {
	c.cancel()
	c.wg.Wait()
}

func (c *Cache) shard(key []byte) *shard {
	return &c.shards[maphash.Bytes(c.seed, key)%shardCount]
}

func (s *shard) add(key string, e *entry) {
	s.entries[key] = e
	s.count[e.kind]++
}

func (s *shard) remove(key string) {
	if e := s.entries[key]; e != nil {
		delete(s.entries, key)
		s.count[e.kind]--
	}
}

// forget makes whoever comes from now on read the key anew.
func (s *shard) forget(key string) {
	s.remove(key)
	if f := s.flights[key]; f != nil {
		f.stale = true
		delete(s.flights, key)
	}
}

// Get returns the record of a key, or nil when there is none. An entry that
// may be out of date is read again; when that fails it is used as it is.
func (c *Cache) Get(ctx context.Context, key []byte) (any, error) {
	return c.get(ctx, key, c.clock().UnixNano())
}

func (c *Cache) get(ctx context.Context, key []byte, now int64) (any, error) {
	s := c.shard(key)
	s.mu.Lock()
	e := s.entries[string(key)] // does not copy the key
	if e != nil && e.expires != 0 && now > e.expires {
		s.remove(string(key))
		e = nil
	}
	if e != nil && e.epoch == c.epoch.Load() {
		s.mu.Unlock()
		e.used.Store(now)
		c.hits.Inc()
		return e.record, nil
	}
	f := s.flights[string(key)]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		name := string(key)
		s.flights[name] = f
		c.misses.Inc()
		c.wg.Go(func() { c.lookup(s, name, f) })
	}
	s.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if f.err != nil && e != nil && e.record != nil {
		e.used.Store(now)
		c.stales.Inc()
		return e.record, nil
	}
	return f.record, f.err
}

// peek returns the record of a key that is in memory and up to date, or nil.
func (c *Cache) peek(key []byte, now int64) any {
	s := c.shard(key)
	s.mu.Lock()
	e := s.entries[string(key)]
	s.mu.Unlock()
	if e == nil || e.expires != 0 || e.epoch != c.epoch.Load() {
		return nil
	}
	e.used.Store(now)
	c.hits.Inc()
	return e.record
}

// stale returns the record of a key that is in memory, up to date or not.
func (c *Cache) stale(key []byte) any {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[string(key)]; e != nil {
		c.stales.Inc()
		return e.record
	}
	return nil
}

func (c *Cache) lookup(s *shard, key string, f *flight) {
	epoch := c.epoch.Load()
	record, k, err := c.read(s, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.record, f.err = record, err
	if s.flights[key] == f {
		delete(s.flights, key)
	}
	if err == nil && !f.stale {
		c.keep(s, key, record, k, epoch)
	}
	close(f.done)
}

// keep stores what was read, or that there is nothing.
func (c *Cache) keep(s *shard, key string, record any, k kind, epoch uint64) {
	s.remove(key)
	now := c.clock()
	e := &entry{record: record, kind: k, epoch: epoch}
	e.used.Store(now.UnixNano())
	if k == guessed {
		e.expires = now.Add(negativeTTL).UnixNano()
	}
	if c.roomFor(s, k) {
		s.add(key, e)
	}
}

func (c *Cache) read(s *shard, key string) (any, kind, error) {
	select {
	case c.lookups <- struct{}{}:
		defer func() { <-c.lookups }()
	case <-c.ctx.Done():
		return nil, known, ErrUnavailable
	}
	s.mu.Lock()
	atLeast := s.changed[key].sequence
	s.mu.Unlock()
	record, _, err := c.source.Read(c.ctx, key, atLeast)
	switch {
	case err != nil || record != nil:
		return record, known, err
	default:
		record, k := absence(key)
		return record, k, nil
	}
}

// Changed implements feed.Follower: the key is read again when it is next used.
func (c *Cache) Changed(key string, sequence uint64, _ []byte) {
	now := c.clock().UnixNano()
	s := c.shard([]byte(key))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(key)
	for k, m := range s.changed {
		if now-m.at > int64(changedTTL) {
			delete(s.changed, k)
		}
		break // one of many at random each time keeps the map small
	}
	if len(s.changed) < c.perPart {
		s.changed[key] = changeMark{sequence, now}
	}
}

// Missed implements feed.Follower: everything has to be confirmed by the bus
// before it is used again.
func (c *Cache) Missed(string) { c.epoch.Add(1) }

// Len returns the number of entries.
func (c *Cache) Len() int {
	n := 0
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		n += len(s.entries)
		s.mu.Unlock()
	}
	return n
}

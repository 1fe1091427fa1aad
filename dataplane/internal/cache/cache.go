package cache

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache/bucket"
	"github.com/tianjillm/tianjillm/dataplane/internal/cache/vector"
	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	vectorBytes     = 64 << 20
	vectorsPerShelf = 10_000
)

// Options are what a cache is made of.
type Options struct {
	// Conn carries lookups, Bulk the answers that are stored. Without them there
	// is only the memory of this replica.
	Conn, Bulk *nats.Conn
	Names      contract.Names
	// Embed turns a text into a vector with a model group. Without it nothing is
	// found by its meaning.
	Embed func(ctx context.Context, model, text string) ([]float32, error)
	// Wait is how long a lookup may wait for NATS; 0 means 5 ms.
	Wait     time.Duration
	Clock    func() time.Time // nil means time.Now
	Logger   *slog.Logger
	Registry prometheus.Registerer
}

// Cache keeps answers. It is safe for concurrent use.
type Cache struct {
	opts     Options
	settings atomic.Pointer[settings]
	metrics  *metrics
	local    *local
	bucket   *bucket.Bucket // nil without NATS
	index    *vector.Index
	// deletions counts what was deleted, so that an answer that was read before
	// is not kept after.
	deletions atomic.Uint64
	wg        sync.WaitGroup
}

// New returns a cache that is off until it has been configured. It does not
// need NATS to be up.
func New(o Options) (*Cache, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	c := &Cache{opts: o, index: vector.New(vectorBytes, vectorsPerShelf)}
	c.settings.Store(newSettings(nil))
	c.metrics = newMetrics(c, o.Registry)
	var err error
	if c.local, err = newLocal(c.metrics); err != nil {
		return nil, err
	}
	if o.Conn == nil || o.Bulk == nil {
		return c, nil
	}
	c.bucket, err = bucket.Open(bucket.Options{
		Conn: o.Conn, Bulk: o.Bulk, Names: o.Names, Wait: o.Wait, Metrics: bucket.NewMetrics(o.Registry), Logger: o.Logger, Deleted: c.deleted,
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Close ends all goroutines and waits for them.
func (c *Cache) Close() {
	if c.bucket != nil {
		c.bucket.Close()
	}
	c.wg.Wait()
}

// Configure swaps in new settings; nil turns the cache off.
func (c *Cache) Configure(s *contract.CacheSettings) {
	next := newSettings(s)
	previous := c.settings.Swap(next)
	if next.LocalMaxBytes != previous.LocalMaxBytes {
		c.local.resize(next.LocalMaxBytes)
	}
	if !next.Enabled && previous.Enabled {
		c.forget(nil)
	}
}

// Reconnected is to be called when the connection to NATS was made again. It
// does not block.
func (c *Cache) Reconnected() {
	c.index.Rewind() // the bucket may be another one
	if c.bucket != nil {
		c.bucket.Reconnected()
	}
}

// Enabled reports whether a call is to be looked up and stored at all.
func (c *Cache) Enabled(callType string, ctl Controls) bool {
	s := c.settings.Load()
	return s.Enabled && !ctl.Off && s.types[callType] && (!s.DefaultOff || ctl.UseCache)
}

// Get returns the answer to a call. It waits for NATS a few milliseconds at
// most.
func (c *Cache) Get(ctx context.Context, key Key, ctl Controls) (*Entry, bool) {
	e := c.get(ctx, key, &ctl)
	if e == nil {
		c.metrics.misses.Inc()
	}
	return e, e != nil
}

func (c *Cache) get(ctx context.Context, key Key, ctl *Controls) *Entry {
	if ctl.NoCache {
		return nil
	}
	now := c.opts.Clock()
	if e := c.local.get(key, now.UnixMilli()); e != nil && ctl.accepts(now.Sub(e.StoredAt)) {
		c.metrics.localHits.Inc()
		return e
	}
	if c.bucket == nil || !c.settings.Load().Shared {
		return nil
	}
	deletions := c.deletions.Load()
	value, err := c.bucket.Get(ctx, contract.CacheEntryKey(key))
	if err != nil {
		return nil // not there, or not in time
	}
	return c.fromBucket(key, value, ctl, now, deletions)
}

// fromBucket takes an answer that the bucket had, and keeps it in memory.
func (c *Cache) fromBucket(key Key, value []byte, ctl *Controls, now time.Time, deletions uint64) *Entry {
	e, err := decodeEntry(value)
	if err != nil || e.expires <= now.UnixMilli() {
		return nil // of another version, or the server has not removed it yet
	}
	c.local.put(key, e)
	if c.deletions.Load() != deletions {
		c.local.remove(key) // it may have been read before it was deleted
	}
	if !ctl.accepts(now.Sub(e.StoredAt)) {
		return nil
	}
	c.metrics.sharedHits.Inc()
	return e
}

// Put stores a complete answer. It does not block and copies the body. What is
// not a success, is empty or too large, or is not to be stored, is left out; it
// is the caller's to know that an answer was cut short.
func (c *Cache) Put(key Key, e Entry, ctl Controls) { c.put(key, &e, &ctl) }

// put returns when the entry expires, in Unix milliseconds, or zero.
func (c *Cache) put(key Key, e *Entry, ctl *Controls) int64 {
	s := c.settings.Load()
	ttl := ctl.lifetime(s)
	if ctl.NoStore || ttl <= 0 || !s.Enabled || !storable(e) {
		return 0
	}
	now := c.opts.Clock()
	e.StoredAt = time.UnixMilli(now.UnixMilli())
	e.expires = now.Add(ttl).UnixMilli()
	encoded := e.encode()
	if int64(len(encoded)) <= s.LocalMaxBytes/8 { // one answer must not push out all others
		c.local.put(key, e)
	}
	c.metrics.stored.Add(float64(len(encoded)))
	if c.bucket != nil && s.Shared {
		c.bucket.Put(contract.CacheEntryKey(key), encoded, ttl)
	}
	return e.expires
}

func storable(e *Entry) bool {
	return e.Status == http.StatusOK && len(e.Body) > 0 && len(e.Body) <= MaxBody && len(e.ContentType) <= maxLabel && len(e.Model) <= maxLabel
}

// deleted is told by the bucket what was deleted.
func (c *Cache) deleted(sums [][32]byte) { c.forget(sums) }

// forget removes answers from memory; nil means all.
func (c *Cache) forget(sums [][32]byte) {
	c.deletions.Add(1)
	if sums == nil {
		c.local.clear()
		c.index.Clear()
		return
	}
	for _, sum := range sums {
		c.local.remove(sum)
	}
	c.index.Remove(sums...)
}

package cache

import (
	"fmt"

	"github.com/maypok86/otter/v2"
)

// entryOverhead is what an entry takes besides its encoded form, about.
const entryOverhead = 384

// local is the memory of one replica, bounded in bytes. Entries that expired go
// when they are met or when there is no room: asking each for its time on every
// access would cost more than the room.
type local struct {
	cache *otter.Cache[Key, *Entry]
}

func newLocal(m *metrics) (*local, error) {
	c, err := otter.New(&otter.Options[Key, *Entry]{
		MaximumWeight: defaultLocalBytes,
		Weigher:       func(_ Key, e *Entry) uint32 { return weight(e) },
		OnAtomicDeletion: func(d otter.DeletionEvent[Key, *Entry]) {
			if d.WasEvicted() {
				m.evictions.Inc()
			}
		},
		// Upkeep runs with the call that makes it necessary, so that the cache
		// has no goroutine.
		Executor: func(f func()) { f() },
	})
	if err != nil {
		return nil, fmt.Errorf("make the cache in memory: %w", err)
	}
	return &local{c}, nil
}

func weight(e *Entry) uint32 {
	return uint32(cap(e.Body) + len(e.ContentType) + len(e.Model) + entryOverhead) //nolint:gosec // see MaxBody
}

// get returns an entry that counts at a time, in Unix milliseconds.
func (l *local) get(key Key, now int64) *Entry {
	e, ok := l.cache.GetIfPresent(key)
	switch {
	case !ok:
		return nil
	case e.expires <= now:
		l.cache.ComputeIfPresent(key, func(old *Entry) (*Entry, otter.ComputeOp) {
			if old == e {
				return nil, otter.InvalidateOp
			}
			return old, otter.CancelOp
		})
		return nil
	}
	return e
}

func (l *local) put(key Key, e *Entry) { l.cache.Set(key, e) }

func (l *local) remove(key Key) { l.cache.Invalidate(key) }

func (l *local) clear() { l.cache.InvalidateAll() }

func (l *local) resize(bytes int64) { l.cache.SetMaximum(uint64(max(0, bytes))) }

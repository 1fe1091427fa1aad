package quota

import (
	"hash/maphash"
	"sync"

	"github.com/tianjillm/tianjillm/shared/limits"
)

const shardCount = 64

// table finds counters by their keys.
type table struct {
	seed   maphash.Seed
	shards [shardCount]shard
}

type shard struct {
	mu       sync.RWMutex
	counters map[string]*counter
}

func newTable() *table {
	t := &table{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].counters = map[string]*counter{}
	}
	return t
}

func (t *table) shard(key string) *shard {
	return &t.shards[maphash.String(t.seed, key)%shardCount]
}

// counter returns the counter of a limit, which it makes where there is none.
func (t *table) counter(l *limits.Limit) *counter {
	s := t.shard(l.Key)
	s.mu.RLock()
	c := s.counters[l.Key]
	s.mu.RUnlock()
	if c != nil {
		return c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c = s.counters[l.Key]; c == nil {
		c = &counter{key: l.Key, window: l.Window, unit: l.Unit, shared: shares(l), ceiling: l.Max}
		s.counters[l.Key] = c
	}
	return c
}

// find returns a counter that there is already.
func (t *table) find(key string) *counter {
	s := t.shard(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.counters[key]
}

// shares reports whether half of a limit is divided beforehand: those of
// principals, of which there are many that are seldom used. What belongs to a
// dead replica is lost until the window ends, so windows must be short.
func shares(l *limits.Limit) bool {
	if l.Window.Class() != limits.ClassMinute || l.Unit != limits.Requests && l.Unit != limits.Tokens {
		return false
	}
	switch l.Scope {
	case limits.Group, limits.Priority, limits.Deployment, limits.Provider, limits.Proxy:
		return false
	default:
		return true
	}
}

// each calls f for every counter, which is locked, and forgets those for which
// f says so.
func (t *table) each(f func(*counter) (forget bool)) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.RLock()
		all := make([]*counter, 0, len(s.counters))
		for _, c := range s.counters {
			all = append(all, c)
		}
		s.mu.RUnlock()
		for _, c := range all {
			c.mu.Lock()
			if f(c) {
				c.gone = true
				s.mu.Lock()
				delete(s.counters, c.key)
				s.mu.Unlock()
			}
			c.mu.Unlock()
		}
	}
}

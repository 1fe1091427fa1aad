package slot

import (
	"hash/maphash"
	"iter"
	"sync"
)

const shards = 64

// entries are all entries of a table, by key.
type entries struct {
	seed    maphash.Seed
	shards  [shards]shard
	decided chan struct{} // closed
}

type shard struct {
	mu    sync.RWMutex
	byKey map[string]*entry
}

func newEntries() *entries {
	m := &entries{seed: maphash.MakeSeed(), decided: make(chan struct{})}
	close(m.decided)
	for i := range m.shards {
		m.shards[i].byKey = map[string]*entry{}
	}
	return m
}

func (m *entries) shard(key string) *shard { return &m.shards[maphash.String(m.seed, key)%shards] }

func (m *entries) find(key string) *entry {
	s := m.shard(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byKey[key]
}

// add returns the entry of that key, which is e unless there is one.
func (m *entries) add(e *entry) *entry {
	s := m.shard(e.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if there := s.byKey[e.key]; there != nil {
		return there
	}
	s.byKey[e.key] = e
	return e
}

// remove forgets e if it is idle, which is asked with e locked.
func (m *entries) remove(e *entry, idle func() bool) {
	s := m.shard(e.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if idle() {
		e.gone = true
		delete(s.byKey, e.key)
	}
}

// all yields every entry. Those that come meanwhile may be left out.
func (m *entries) all() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		var some []*entry
		for i := range m.shards {
			s := &m.shards[i]
			s.mu.RLock()
			some = some[:0]
			for _, e := range s.byKey {
				some = append(some, e)
			}
			s.mu.RUnlock()
			for _, e := range some {
				if !yield(e) {
					return
				}
			}
		}
	}
}

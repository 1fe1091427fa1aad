package bearer

import (
	"encoding/binary"
	"sync"
)

const shardCount = 32

// memory remembers tokens that were verified, by their SHA-256. It is bounded: a
// shard that is full forgets one at random of those that it looks at, the one
// that ends first. A lookup allocates nothing.
type memory struct {
	shards  [shardCount]shard
	perPart int
}

type shard struct {
	mu     sync.RWMutex
	passes map[[32]byte]*pass
}

// looked is how many passes a full shard looks at.
const looked = 8

func newMemory(size int) *memory {
	m := &memory{perPart: max(1, size/shardCount)}
	for i := range m.shards {
		m.shards[i].passes = map[[32]byte]*pass{}
	}
	return m
}

func (m *memory) shard(sum *[32]byte) *shard {
	return &m.shards[binary.LittleEndian.Uint32(sum[:4])%shardCount]
}

// get returns the pass of a token, or nil; now is in Unix nanoseconds.
func (m *memory) get(sum [32]byte, now int64) *pass {
	s := m.shard(&sum)
	s.mu.RLock()
	p := s.passes[sum]
	s.mu.RUnlock()
	if p == nil || now >= p.ends {
		return nil
	}
	return p
}

func (m *memory) put(sum [32]byte, p *pass) {
	s := m.shard(&sum)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.passes[sum]; !known && len(s.passes) >= m.perPart {
		var victim [32]byte
		first, n := int64(1<<63-1), 0
		for key, one := range s.passes {
			if one.ends <= first {
				first, victim = one.ends, key
			}
			if n++; n == looked {
				break
			}
		}
		delete(s.passes, victim)
	}
	s.passes[sum] = p
}

// size is how many are remembered.
func (m *memory) size() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.RLock()
		n += len(s.passes)
		s.mu.RUnlock()
	}
	return n
}

package slot

import (
	"context"
	"errors"
	"sync"
)

const (
	maxPeers = 4096
	// peerTTLs is for how many TTLs holders are remembered that say nothing.
	peerTTLs = 120
)

// peers are the other holders as this replica has heard of them.
type peers struct {
	store  *store
	times  timing
	clock  *clock
	keeper *keeper

	mu    sync.Mutex
	known map[string]*peer
}

type peer struct {
	rev  uint64 // of its lease
	seen int64  // when that was first known
	dead bool
}

func newPeers(s *store, times timing, c *clock, k *keeper) *peers {
	return &peers{store: s, times: times, clock: c, keeper: k, known: map[string]*peer{}}
}

func (p *peers) heard(b *beat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.known[b.Holder]
	switch {
	case b.Gone:
		delete(p.known, b.Holder) // and see for ourselves when it matters
	case one == nil && len(p.known) < maxPeers:
		p.known[b.Holder] = &peer{rev: b.Revision, seen: p.clock.now()}
	case one != nil && !one.dead && b.Revision > one.rev:
		one.rev, one.seen = b.Revision, p.clock.now()
	}
}

// alive counts the holders that were heard of within a TTL.
func (p *peers) alive() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, since := 0, p.clock.now()-int64(p.times.ttl)
	for _, one := range p.known {
		if !one.dead && one.seen > since {
			n++
		}
	}
	return n
}

// dead reports whether a holder was found dead before.
func (p *peers) dead(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.known[id]
	return one != nil && one.dead
}

func (p *peers) get(id string) (peer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.known[id]; one != nil {
		return *one, true
	}
	return peer{}, false
}

func (p *peers) set(id string, one peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[id] != nil || len(p.known) < maxPeers {
		p.known[id] = &one
	}
}

// judge reports whether a holder is dead. It talks to NATS only when it does
// not know the holder, or has not heard of it for a TTL.
func (p *peers) judge(ctx context.Context, id string) bool {
	one, known := p.get(id)
	if !known {
		return p.look(ctx, id, true)
	}
	if one.dead {
		return true
	}
	if p.clock.now()-max(one.seen, p.keeper.steady.Load()) < int64(p.times.ttl) {
		return false
	}
	return p.bury(ctx, id, one.rev)
}

// look reads a lease. A tombstone is for good. That there is nothing is proved
// by burying it.
func (p *peers) look(ctx context.Context, id string, first bool) bool {
	data, rev, err := p.store.read(ctx, opFence, leaseKey(id))
	switch {
	case err != nil:
		return false
	case rev == 0:
		return first && p.bury(ctx, id, 0)
	}
	p.set(id, peer{rev: rev, seen: p.clock.now(), dead: len(data) == 0})
	return len(data) == 0
}

// bury replaces a lease of that revision by a tombstone, after which its holder
// can not renew it.
func (p *peers) bury(ctx context.Context, id string, rev uint64) bool {
	at, err := p.store.write(ctx, opFence, leaseKey(id), nil, rev, p.times.kept)
	if errors.Is(err, errConflict) {
		return p.look(ctx, id, false)
	}
	if err != nil {
		return false
	}
	p.set(id, peer{rev: at, seen: p.clock.now(), dead: true})
	return true
}

func (p *peers) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	since := p.clock.now() - peerTTLs*int64(p.times.ttl)
	for id, one := range p.known {
		if one.seen < since {
			delete(p.known, id)
		}
	}
}

//go:build unix

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// load is what a replica is to be offered, whether it keeps up or not.
type load struct {
	Start time.Time `json:"start"`
	// First is the Unix second that the first window begins at.
	First   int64    `json:"first"`
	Streams []stream `json:"streams"`
}

// stream are requests of one kind.
type stream struct {
	// Cell is where they are counted; those of key number n are counted n
	// further on.
	Cell int    `json:"cell"`
	ID   string `json:"id"`
	// Max is the limit of each key. With Keys above 0 there are so many keys,
	// with the popularity of Zipf's law, and six limits a request.
	Max   int64  `json:"max"`
	Keys  int    `json:"keys,omitempty"`
	Steps []step `json:"steps"`
}

// step is a rate, in requests a second, until some time after the start.
type step struct {
	Until time.Duration `json:"until"`
	Rate  float64       `json:"rate"`
}

const (
	zipf = 1.1
	// tokensEach is what a request is said to use where tokens are limited.
	tokensEach = 10
	minute     = 60
)

// source makes the requests of one stream.
type source struct {
	replica *replica
	load    *load
	stream  *stream
	demands [][]quota.Demand // by key
	took    histogram
	grants  sync.Pool
}

func (r *replica) load(ctx context.Context, l *load) *done {
	sources := make([]*source, len(l.Streams))
	var all sync.WaitGroup
	for i := range l.Streams {
		s := &source{replica: r, load: l, stream: &l.Streams[i], grants: sync.Pool{New: func() any { return &quota.Grant{} }}}
		for n := range max(1, s.stream.Keys) {
			s.demands = append(s.demands, s.stream.demandsOf(n))
		}
		sources[i] = s
	}
	for _, s := range sources {
		all.Go(func() { s.run(ctx) })
	}
	all.Wait()
	d := &done{}
	for _, s := range sources {
		d.Latencies = append(d.Latencies, s.took.latencies())
	}
	return d
}

// demandsOf are the limits of one key.
func (s *stream) demandsOf(n int) []quota.Demand {
	one := func(scope limits.Scope, unit limits.Unit, most int64, id string) quota.Demand {
		l := limits.New(scope, unit, limits.Minute, most, id, id)
		return quota.Demand{Limit: &l}
	}
	if s.Keys == 0 {
		return []quota.Demand{one(limits.Key, limits.Requests, s.Max, s.ID)}
	}
	var all []quota.Demand
	for _, scope := range []limits.Scope{limits.Key, limits.User, limits.Team} {
		id := fmt.Sprintf("%s%d", s.ID, n)
		all = append(all, one(scope, limits.Requests, s.Max, id), one(scope, limits.Tokens, s.Max*tokensEach, id))
	}
	return all
}

// run makes requests at random times at the rate of the moment. Each is a
// goroutine, as in a server: one that waits delays no other.
func (s *source) run(ctx context.Context) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 0)) //nolint:gosec // load
	popular := rand.NewZipf(rng, zipf, 1, uint64(max(1, s.stream.Keys)-1))
	var all sync.WaitGroup
	defer all.Wait()
	at := time.Duration(0)
	for _, step := range s.stream.Steps {
		if step.Rate <= 0 {
			at = max(at, step.Until)
			continue
		}
		for {
			next := at + time.Duration(rng.ExpFloat64()/step.Rate*float64(time.Second))
			if next >= step.Until {
				at = step.Until // the process has no memory: begin anew at the next rate
				break
			}
			at = next
			if wait := time.Until(s.load.Start.Add(at)); wait > 0 && !lifecycle.Sleep(ctx, wait) {
				return
			}
			key := int(popular.Uint64()) //nolint:gosec // a number of keys
			all.Go(func() { s.request(ctx, key) })
		}
	}
}

func (s *source) request(ctx context.Context, key int) {
	g, ok := s.grants.Get().(*quota.Grant)
	if !ok {
		return
	}
	cost := quota.Cost{Requests: 1, Tokens: tokensEach}
	began := time.Now()
	refusal := s.replica.engine.Admit(ctx, g, s.demands[key], cost)
	s.took.add(time.Since(began))
	var resets time.Time
	if refusal != nil {
		resets = refusal.Resets
	} else {
		for standing := range g.Standings() {
			resets = standing.Resets
			break
		}
	}
	window := int((resets.Unix() - minute - s.load.First) / minute)
	admitted, refused := s.replica.memory.cell(s.stream.Cell+key, window)
	if refusal != nil {
		refused.Add(1)
	} else {
		admitted.Add(1)
		g.Settle(cost)
	}
	*g = g.Fresh()
	s.grants.Put(g)
}

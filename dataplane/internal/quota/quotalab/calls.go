//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// calls are clients of a limit of calls under way. Each makes one call after the
// other, and tries again after a pause when it is refused.
type calls struct {
	Clients int   `json:"clients"`
	Limit   int64 `json:"limit"`
	// For is how long, or Count how many calls.
	For   time.Duration `json:"for,omitempty"`
	Count int64         `json:"count,omitempty"`
	// Hold is how long a call lasts at most, Pause how long a client rests.
	Hold  time.Duration `json:"hold"`
	Pause time.Duration `json:"pause"`
	// Disconnects is the fraction of clients that go away before the end.
	Disconnects float64 `json:"disconnects"`
}

// fill asks for all slots at once.
type fill struct {
	Limit    int64         `json:"limit"`
	Patience time.Duration `json:"patience"`
}

func slotLimit(most int64) *limits.Limit {
	l := limits.New(limits.Key, limits.Parallel, limits.Window{}, most, "lab", "lab")
	return &l
}

func (r *replica) calls(ctx context.Context, c *calls) *done {
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	want := []quota.Demand{{Limit: slotLimit(c.Limit)}}
	var taken atomic.Int64
	var took histogram
	var clients sync.WaitGroup
	for range c.Clients {
		clients.Go(func() {
			for ctx.Err() == nil && (c.Count == 0 || taken.Load() < c.Count) {
				if r.call(ctx, c, want, &took) {
					taken.Add(1)
					continue
				}
				r.memory.words[wordRefused].Add(1)
				lifecycle.Sleep(ctx, some(c.Pause))
			}
		})
	}
	clients.Wait()
	return &done{Latencies: []latencies{took.latencies()}}
}

// call is one call, and reports whether it was let in.
func (r *replica) call(ctx context.Context, c *calls, want []quota.Demand, took *histogram) bool {
	hold, leaves := some(c.Hold), rand.Float64() < c.Disconnects //nolint:gosec // load
	if leaves {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, some(hold)) // it may be while it waits to be let in
		defer cancel()
	}
	var g quota.Grant
	began := time.Now()
	refusal := r.engine.Admit(ctx, &g, want, quota.Cost{})
	took.add(time.Since(began))
	if refusal != nil {
		return false
	}
	r.memory.enter(r.index)
	lifecycle.Sleep(ctx, hold)
	r.memory.leave(r.index)
	g.Settle(quota.Cost{})
	return true
}

func some(most time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(max(most, 1)))) //nolint:gosec // load
}

const fillPause = 5 * time.Millisecond

// fill takes all slots there are, as far as that can be done.
func (r *replica) fill(ctx context.Context, f *fill) *done {
	ctx, cancel := context.WithTimeout(ctx, f.Patience)
	defer cancel()
	want := []quota.Demand{{Limit: slotLimit(f.Limit)}}
	var held []*quota.Grant
	for int64(len(held)) < f.Limit {
		g := &quota.Grant{}
		if r.engine.Admit(ctx, g, want, quota.Cost{}) == nil {
			held = append(held, g)
		} else if !lifecycle.Sleep(ctx, fillPause) {
			break
		}
	}
	for _, g := range held {
		g.Settle(quota.Cost{})
	}
	return &done{Filled: int64(len(held))}
}

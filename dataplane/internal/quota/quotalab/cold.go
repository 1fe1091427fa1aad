//go:build unix

package main

import (
	"context"
	"strings"
	"time"
)

const (
	coldKeys     = 20_000
	coldLimit    = 100
	coldRate     = 3000.0
	coldCounters = 6
	coldID       = "cold"
)

// coldRound is what many keys that are seldom used came to.
type coldRound struct {
	length                      time.Duration
	requests, admitted, refused uint64
	over                        int64 // of all keys
	unused                      float64
	keys                        int // that had requests
	traffic                     traffic
	sent                        uint64
	took                        latencies
	dropped                     int
}

func (l *lab) cold(ctx context.Context, in *installation) (*coldRound, error) {
	start, length, err := l.nextWindow(ctx, in)
	if err != nil {
		return nil, err
	}
	in.memory.clearCells()
	before, err := in.reports(ctx)
	if err != nil {
		return nil, err
	}
	begin := time.Now().Add(time.Second) // the limits of so many keys take a moment to make
	length -= time.Second
	o := load{Start: begin, First: start.Unix(), Streams: []stream{{
		ID: coldID, Max: coldLimit, Keys: coldKeys, Steps: []step{{Until: length, Rate: coldRate / replicaCount}},
	}}}
	out := &coldRound{length: length}
	err = in.each(ctx, &order{Load: &o}, length+startTimeout, func(e *event) bool { return e.Done != nil }, func(_ int, e *event) {
		out.took.add(e.Done.Latencies[0])
	})
	if err != nil {
		return nil, err
	}
	var sums round
	if err := sums.totals(ctx, in, before); err != nil {
		return nil, err
	}
	out.sent, out.dropped = sums.sent, sums.dropped
	out.traffic = in.observer.sum(start.Unix(), func(id string) bool { return strings.HasPrefix(id, coldID) })
	left, scarce := uint64(0), uint64(0)
	for key := range coldKeys {
		a, r := in.memory.cell(key, 0)
		admitted, refused := a.Load(), r.Load()
		out.admitted += admitted
		out.refused += refused
		if admitted+refused > 0 {
			out.keys++
		}
		out.over += max(0, int64(admitted)-coldLimit) //nolint:gosec // far fewer requests than that
		if refused > 0 {
			scarce++
			left += coldLimit - min(admitted, coldLimit)
		}
	}
	if scarce > 0 {
		out.unused = float64(left) / float64(scarce*coldLimit)
	}
	out.requests = out.admitted + out.refused
	return out, nil
}

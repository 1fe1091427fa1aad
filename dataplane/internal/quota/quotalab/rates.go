//go:build unix

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

// shape is how requests are spread over the replicas.
type shape struct {
	name string
	// parts are each replica's part of the rate; from flipAt on they are
	// reversed where flips.
	parts [replicaCount]float64
	flips bool
}

// When a load flips, and when something breaks, as fractions of its length. Half
// of a load that is twice the limit uses all of it.
const (
	flipAt  = 0.4
	breakAt = 0.25
)

func shapes() []shape {
	return []shape{
		{name: "uniform", parts: [replicaCount]float64{1. / 3, 1. / 3, 1. / 3}},
		{name: "skewed", parts: [replicaCount]float64{0.80, 0.15, 0.05}},
		{name: "flipping", parts: [replicaCount]float64{0.80, 0.15, 0.05}, flips: true},
	}
}

// offer is one limit under twice the load that it lets through.
type offer struct {
	limit int64
	shape shape
	round int // each has keys of its own
}

func (o *offer) id() string { return fmt.Sprintf("%d-%s-%d", o.limit, o.shape.name, o.round) }

// overload is how many times its limit each key is offered.
const overload = 2

// stream is one replica's part.
func (o *offer) stream(cell, replica int, length time.Duration) stream {
	rate := overload * float64(o.limit) / length.Seconds()
	s := stream{Cell: cell, ID: o.id(), Max: o.limit, Steps: []step{{Until: length, Rate: rate * o.shape.parts[replica]}}}
	if o.shape.flips {
		s.Steps[0].Until = time.Duration(flipAt * float64(length))
		s.Steps = append(s.Steps, step{Until: length, Rate: rate * o.shape.parts[replicaCount-1-replica]})
	}
	return s
}

// outcome is what became of one offer, in one window.
type outcome struct {
	offer             *offer
	admitted, refused uint64
	traffic           traffic
	took              latencies
}

func (o *outcome) over() int64 { return max(0, int64(o.admitted)-o.offer.limit) } //nolint:gosec // far fewer requests than that

// unused is the part of the limit that was left although somebody was refused.
func (o *outcome) unused() float64 {
	if o.refused == 0 {
		return 0
	}
	return max(0, 1-float64(o.admitted)/float64(o.offer.limit))
}

func (o *outcome) requests() uint64 { return o.admitted + o.refused }

func perThousand(messages, requests uint64) float64 {
	if requests == 0 {
		return 0
	}
	return float64(messages) * 1000 / float64(requests)
}

// round is what all offers of one window came to.
type round struct {
	outcomes []outcome
	length   time.Duration
	// sent are all messages of all replicas while the load lasted; degraded and
	// alone are sums over the replicas that live.
	sent            uint64
	degraded, alone float64
	dropped         int
}

func (r *round) requests() (n uint64) {
	for i := range r.outcomes {
		n += r.outcomes[i].requests()
	}
	return n
}

// counted are the messages for the limits of all offers.
func (r *round) counted() (n uint64) {
	for i := range r.outcomes {
		n += r.outcomes[i].traffic.all()
	}
	return n
}

const (
	// spare is how much of a window must be left when load begins that is to
	// last for all of it.
	leeway = 300 * time.Millisecond
	late   = 6 * time.Second
)

// nextWindow waits for a window to measure in, and returns its start and for how
// long there is load in it.
func (l *lab) nextWindow(ctx context.Context, in *installation) (start time.Time, length time.Duration, err error) {
	from, err := in.seated(ctx)
	if err != nil {
		return start, 0, err
	}
	now := time.Now()
	start = now.Truncate(time.Minute)
	end := start.Add(time.Minute)
	if l.opts.quick {
		if end.Sub(now) < l.opts.seconds+leeway {
			start, end = end, end.Add(time.Minute)
		}
	} else if start.Before(from) || now.Sub(start) > late {
		for start = end; start.Before(from); {
			start = start.Add(time.Minute)
		}
		end = start.Add(time.Minute)
	}
	if wait := time.Until(start.Add(leeway)); wait > 0 {
		l.progress("waiting %s for the next minute", wait.Round(time.Second))
		if !lifecycle.Sleep(ctx, wait) {
			return start, 0, ctx.Err()
		}
	}
	length = time.Until(end.Add(-leeway))
	if l.opts.quick {
		length = min(length, l.opts.seconds)
	}
	return start, length, nil
}

// offerAll offers all at once for one window, and lets something happen when
// that much of it is over.
func (l *lab) offerAll(ctx context.Context, in *installation, offers []offer, happen func(context.Context) error) (*round, error) {
	l.rounds++
	for i := range offers {
		offers[i].round = l.rounds
	}
	start, length, err := l.nextWindow(ctx, in)
	if err != nil {
		return nil, err
	}
	in.memory.clearCells()
	before, err := in.reports(ctx)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	for i, r := range in.replicas {
		o := load{Start: begin, First: start.Unix()}
		for n := range offers {
			o.Streams = append(o.Streams, offers[n].stream(n, i, length))
		}
		if err := r.tell(order{Load: &o}); err != nil {
			return nil, err
		}
	}
	if happen != nil {
		lifecycle.Sleep(ctx, time.Duration(breakAt*float64(length)))
		if err := happen(ctx); err != nil {
			return nil, err
		}
	}
	out := &round{length: length, outcomes: make([]outcome, len(offers))}
	err = in.gather(ctx, length+startTimeout, func(e *event) bool { return e.Done != nil }, func(_ int, e *event) {
		for n := range offers {
			out.outcomes[n].took.add(e.Done.Latencies[n])
		}
	})
	if err != nil {
		return nil, err
	}
	if err := out.totals(ctx, in, before); err != nil {
		return nil, err
	}
	for n := range offers {
		o := &out.outcomes[n]
		o.offer = &offers[n]
		admitted, refused := in.memory.cell(n, 0)
		o.admitted, o.refused = admitted.Load(), refused.Load()
		o.traffic = in.observer.sum(start.Unix(), func(id string) bool { return id == offers[n].id() })
	}
	return out, nil
}

// totals adds up what the replicas say of themselves.
func (r *round) totals(ctx context.Context, in *installation, before map[int]report) error {
	after, err := in.reports(ctx)
	if err != nil {
		return err
	}
	for i, now := range after {
		r.sent += now.Sent - before[i].Sent
		r.degraded += now.Degraded - before[i].Degraded
		r.alone += now.Alone - before[i].Alone
	}
	r.dropped = in.observer.dropped()
	return nil
}

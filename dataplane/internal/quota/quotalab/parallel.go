//go:build unix

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	slotsLimit   = 10
	slotsClients = 500
	slotsHold    = 200 * time.Millisecond
	slotsPause   = 100 * time.Millisecond
	// slotsLeave is the fraction of clients that go away before their call ends.
	slotsLeave = 0.2
	hour       = time.Hour
	// fillPatience is how long all slots may take to be had at one replica.
	fillPatience = 20 * time.Second
	busyPoll     = time.Millisecond
)

// parallelRound is how a limit of calls under way held.
type parallelRound struct {
	length         time.Duration
	peak           uint64
	taken, refused uint64
	// sent are all messages until the kill, and tried calls and refusals.
	sent, tried uint64
	took        latencies
	// again is how long after the kill all slots were in use again; it is 0 when
	// they never were. killed is how many the dead replica had.
	again  time.Duration
	killed uint64
	// What follows is of the simulated hour.
	hourTaken, hourWanted uint64
	hourTook              time.Duration
	hourPeak              uint64
	inUse                 int64 // afterwards
	filled                int64
	filledAfter           time.Duration
}

func (r *parallelRound) leaked() int64 { return slotsLimit - r.filled }

// parallel has clients call under a limit of calls under way, kills a replica,
// and lets as many calls happen as there are in an hour.
func (l *lab) parallel(ctx context.Context, in *installation) (*parallelRound, error) {
	out := &parallelRound{length: l.opts.slots}
	if in.replicas[replicaCount-1] == nil {
		if err := in.startReplica(ctx, replicaCount-1); err != nil {
			return nil, err
		}
	}
	before, err := in.reports(ctx)
	if err != nil {
		return nil, err
	}
	c := &calls{
		Clients: slotsClients / replicaCount, Limit: slotsLimit, For: l.opts.slots, Hold: slotsHold, Pause: slotsPause, Disconnects: slotsLeave,
	}
	for i, r := range in.replicas {
		if i == 0 {
			c.Clients += slotsClients % replicaCount
		}
		if err := r.tell(order{Calls: c}); err != nil {
			return nil, err
		}
		c.Clients = slotsClients / replicaCount
	}
	lifecycle.Sleep(ctx, l.opts.slots/2)
	if out.sent, err = in.sentSince(ctx, before); err != nil {
		return nil, err
	}
	out.tried = in.memory.words[wordTaken].Load() + in.memory.words[wordRefused].Load()
	out.killAndWatch(ctx, in)
	err = in.gather(ctx, l.opts.slots+startTimeout, func(e *event) bool { return e.Done != nil }, func(_ int, e *event) {
		out.took.add(e.Done.Latencies[0])
	})
	if err != nil {
		return nil, err
	}
	out.peak, out.taken, out.refused = in.memory.words[wordPeak].Load(), in.memory.words[wordTaken].Load(), in.memory.words[wordRefused].Load()
	return out, l.simulate(ctx, in, out)
}

func (in *installation) sentSince(ctx context.Context, before map[int]report) (sent uint64, err error) {
	after, err := in.reports(ctx)
	for i, now := range after {
		sent += now.Sent - before[i].Sent
	}
	return sent, err
}

// killAndWatch kills a replica and waits until its slots are used by others.
func (r *parallelRound) killAndWatch(ctx context.Context, in *installation) {
	const victim = replicaCount - 1
	began := time.Now()
	in.replicas[victim].kill()
	in.replicas[victim] = nil
	all := in.memory.busy()
	in.memory.bury(victim)
	r.killed = all - in.memory.busy()
	for time.Since(began) < r.length/2 {
		if in.memory.busy() >= slotsLimit {
			r.again = time.Since(began)
			return
		}
		lifecycle.Sleep(ctx, busyPoll)
	}
}

// simulate makes as many calls as an hour has, each as short as can be, and
// looks whether all slots are there afterwards.
func (l *lab) simulate(ctx context.Context, in *installation, out *parallelRound) error {
	if err := in.startReplica(ctx, replicaCount-1); err != nil {
		return err
	}
	out.hourWanted = out.taken * uint64(hour/out.length) //nolint:gosec // not negative
	if l.opts.quick {
		out.hourWanted = min(out.hourWanted, 5000)
	}
	l.progress("an hour's worth of calls: %d", out.hourWanted)
	in.memory.words[wordPeak].Store(0)
	in.memory.words[wordTaken].Store(0)
	began := time.Now()
	c := &calls{
		Clients: slotsClients / replicaCount, Limit: slotsLimit, Count: int64(out.hourWanted / replicaCount), //nolint:gosec // calls
		Hold: time.Millisecond, Pause: time.Millisecond, Disconnects: slotsLeave,
	}
	err := in.each(ctx, &order{Calls: c}, hour, func(e *event) bool { return e.Done != nil }, func(int, *event) {})
	if err != nil {
		return err
	}
	out.hourTook = time.Since(began)
	out.hourTaken, out.hourPeak = in.memory.words[wordTaken].Load(), in.memory.words[wordPeak].Load()
	reports, err := in.reports(ctx)
	if err != nil {
		return err
	}
	for _, r := range reports {
		out.inUse += r.InUse
	}
	if busy := in.memory.busy(); busy != 0 {
		return fmt.Errorf("slots: %d calls are counted that are not there", busy)
	}
	began = time.Now()
	if err := in.replicas[0].tell(order{Fill: &fill{Limit: slotsLimit, Patience: fillPatience}}); err != nil {
		return err
	}
	e, err := in.replicas[0].await(ctx, fillPatience+answerTime, func(e *event) bool { return e.Done != nil })
	if err != nil {
		return err
	}
	out.filled, out.filledAfter = e.Done.Filled, time.Since(began)
	return nil
}

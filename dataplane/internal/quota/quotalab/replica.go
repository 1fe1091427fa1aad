//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota/seat"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota/slot"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/natsx"
)

// order is what a replica is told to do, one thing at a time.
type order struct {
	Load   *load  `json:"load,omitempty"`
	Calls  *calls `json:"calls,omitempty"`
	Fill   *fill  `json:"fill,omitempty"`
	Report bool   `json:"report,omitempty"`
}

// done is how what was ordered went.
type done struct {
	Latencies []latencies `json:"latencies,omitempty"` // by stream
	Filled    int64       `json:"filled,omitempty"`
}

// report is what a replica has done since it was started.
type report struct {
	Sent     uint64  `json:"sent"`     // messages to NATS
	Degraded float64 `json:"degraded"` // seconds
	Alone    float64 `json:"alone"`    // limits decided about without NATS
	InUse    int64   `json:"in_use"`   // slots
}

// replica is what a data plane counts with, and who uses it.
type replica struct {
	index   int
	conn    *nats.Conn
	names   contract.Names
	planner *seat.Planner
	slots   *slot.Table
	engine  *quota.Engine
	metrics *prometheus.Registry
	memory  *memory
	stack   *lifecycle.Stack
	mu      sync.Mutex // of what is said
	say     *json.Encoder
	log     *slog.Logger
}

func runReplica(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	set := flag.NewFlagSet(replicaCommand, flag.ContinueOnError)
	urls := set.String("nats", "", "")
	shared := set.String("memory", "", "")
	r := &replica{metrics: prometheus.NewRegistry(), say: json.NewEncoder(stdout)}
	set.IntVar(&r.index, "index", 0, "")
	if err := set.Parse(args); err != nil {
		return err
	}
	r.log = slog.New(slog.NewTextHandler(stderr, nil))
	r.stack = lifecycle.NewStack(r.log)
	defer func() { _ = r.stack.Stop(context.WithoutCancel(ctx)) }()
	if err := r.open(*urls, *shared); err != nil {
		return err
	}
	if err := r.ready(ctx); err != nil {
		return err
	}
	return r.obey(ctx, stdin)
}

// open wires the parts as a data plane does.
func (r *replica) open(urls, shared string) (err error) {
	if r.memory, err = openMemory(shared); err != nil {
		return err
	}
	r.stack.PushFunc("memory", r.memory.close)
	if r.names, err = contract.NewNames(contract.DefaultPrefix); err != nil {
		return err
	}
	name := fmt.Sprintf("replica-%d", r.index)
	connected := &natsx.Signal{}
	r.conn, err = natsx.Connect(natsx.Options{
		URLs: urls, Names: r.names, Plane: contract.DataPlane, Replica: name, Connected: connected, Logger: r.log,
	}, natsx.Control)
	if err != nil {
		return err
	}
	r.stack.PushFunc("nats", r.conn.Close)
	js, err := jetstream.New(r.conn)
	if err != nil {
		return fmt.Errorf("jetstream: %w", err)
	}
	if r.planner, err = seat.Open(seat.Options{Conn: r.conn, JS: js, Names: r.names, Replica: name, Boot: ident.NewUUID(time.Now()).String(), Logger: r.log}); err != nil {
		return err
	}
	r.stack.PushFunc("seating plan", r.planner.Close)
	connected.Listen(r.planner.Reconnected)
	count := quota.NewOperations(r.metrics)
	if r.slots, err = slot.Open(slot.Options{Conn: r.conn, JS: js, Names: r.names, Replica: name, Live: r.planner.Live, Logger: r.log, Count: count.Slot}); err != nil {
		return err
	}
	r.stack.PushFunc("slots", r.slots.Close)
	r.engine, err = quota.Open(quota.Options{
		Conn: r.conn, JS: js, Names: r.names, Replica: name, Plan: r.planner, Slots: r.slots, Clock: r.now,
		Logger: r.log, Registry: r.metrics, Operations: count,
	})
	if err != nil {
		return err
	}
	r.stack.PushFunc("limits", r.engine.Close)
	return nil
}

func (r *replica) now() time.Time { return time.Now().Add(r.planner.Offset()) }

const readyPoll = 20 * time.Millisecond

// ready waits until windows that begin now are divided.
func (r *replica) ready(ctx context.Context) error {
	for {
		if _, _, known := r.planner.Share(r.now()); known && r.slots.Ready() && !r.engine.Degraded() {
			r.tell(event{Ready: true})
			return nil
		}
		if !lifecycle.Sleep(ctx, readyPoll) {
			return ctx.Err()
		}
	}
}

// obey does what it is told until there is nothing more to come.
func (r *replica) obey(ctx context.Context, stdin io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	decode := json.NewDecoder(stdin)
	for {
		var o order
		if err := decode.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read order: %w", err)
		}
		switch {
		case o.Load != nil:
			work.Go(func() { r.tell(event{Done: r.load(ctx, o.Load)}) })
		case o.Calls != nil:
			work.Go(func() { r.tell(event{Done: r.calls(ctx, o.Calls)}) })
		case o.Fill != nil:
			work.Go(func() { r.tell(event{Done: r.fill(ctx, o.Fill)}) })
		case o.Report:
			r.tell(event{Report: r.report()})
		}
	}
}

func (r *replica) tell(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.say.Encode(&e); err != nil {
		r.log.LogAttrs(context.Background(), slog.LevelWarn, "tell the parent", slog.Any("error", err))
	}
}

func (r *replica) report() *report {
	out := &report{Sent: r.conn.Stats().OutMsgs}
	_, out.InUse = r.slots.Held(slotLimit(0).Key)
	families, err := r.metrics.Gather()
	if err != nil {
		return out
	}
	for _, f := range families {
		switch f.GetName() {
		case "tianji_dataplane_limit_degraded_seconds_total":
			out.Degraded = f.GetMetric()[0].GetCounter().GetValue()
		case "tianji_dataplane_limit_local_admissions_total":
			out.Alone = f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return out
}

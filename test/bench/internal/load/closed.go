package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

// Closed calls a target over a number of connections, each with one call under
// way at all times.
type Closed struct {
	Addr    string
	Request []byte
	Conns   int
	// Spread is the time over which the first calls begin: calls that take as
	// long as each other would stay in step. It is not measured.
	Spread time.Duration
	// Warmup follows and is not measured.
	Warmup, Duration time.Duration
	// CPU reads the CPU time that the target used so far.
	CPU func() (time.Duration, error)
}

// Result is what a run measured.
type Result struct {
	// Requests were answered within the measured time, Total in all.
	Requests, Total int
	Elapsed         time.Duration
	// CPU is the CPU time of the target during the run.
	CPU time.Duration
	// Latencies and Delays are sorted.
	Latencies, Delays []time.Duration
}

// PerRequest is the CPU time of a call.
func (r *Result) PerRequest() time.Duration {
	if r.Requests == 0 {
		return 0
	}
	return r.CPU / time.Duration(r.Requests)
}

// Rate is the number of calls in a second.
func (r *Result) Rate() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Requests) / r.Elapsed.Seconds()
}

type phase = int32

const (
	warming phase = iota
	measuring
	stopping
)

// worker owns a connection. The counter is read by others while it runs.
type worker struct {
	conn  *Conn
	count atomic.Int64
	took  []time.Duration
	_     [64]byte // keeps counters of different workers on different cache lines
}

// Run calls the target until the duration is over. Any answer but 200 fails it.
func (c Closed) Run(ctx context.Context) (Result, error) {
	workers, err := c.connect(ctx)
	defer func() {
		for _, w := range workers {
			w.conn.Close()
		}
	}()
	if err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	unblock := context.AfterFunc(ctx, func() {
		for _, w := range workers {
			w.conn.Close()
		}
	})
	defer unblock()
	var now atomic.Int32
	var wg sync.WaitGroup
	for i, w := range workers {
		wg.Go(func() {
			if !lifecycle.Sleep(ctx, c.delay(i)) {
				return
			}
			if err := w.run(c.Request, &now); err != nil {
				cancel(err)
			}
		})
	}
	result, err := c.measure(ctx, workers, &now)
	now.Store(stopping)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return Result{}, cause
	}
	if err != nil {
		return Result{}, err
	}
	for _, w := range workers {
		result.Total += int(w.count.Load())
		result.Latencies = append(result.Latencies, w.took...)
	}
	slices.Sort(result.Latencies)
	return result, nil
}

// delay of a worker's first call: multiples of the golden ratio fall evenly
// wherever they are folded, also within the time between two events.
func (c Closed) delay(worker int) time.Duration {
	_, frac := math.Modf(float64(worker) * math.Phi)
	return time.Duration(frac * float64(c.Spread))
}

func (c Closed) connect(ctx context.Context) ([]*worker, error) {
	var workers []*worker
	for range c.Conns {
		conn, err := Dial(ctx, c.Addr)
		if err != nil {
			return workers, err
		}
		workers = append(workers, &worker{conn: conn, took: make([]time.Duration, 0, 1<<14)})
	}
	return workers, nil
}

func (w *worker) run(request []byte, now *atomic.Int32) error {
	for now.Load() != stopping {
		a, err := w.conn.Do(request)
		if err != nil {
			return err
		}
		if a.Status != http.StatusOK {
			return fmt.Errorf("status %d", a.Status)
		}
		w.count.Add(1)
		if now.Load() == measuring {
			w.took = append(w.took, a.Took)
		}
	}
	return nil
}

// reading is taken at both ends of the measured time.
type reading struct {
	at       time.Time
	cpu      time.Duration
	requests int64
}

func (c Closed) read(workers []*worker) (reading, error) {
	r := reading{at: time.Now()}
	for _, w := range workers {
		r.requests += w.count.Load()
	}
	if c.CPU == nil {
		return r, nil
	}
	var err error
	r.cpu, err = c.CPU()
	return r, err
}

func (c Closed) measure(ctx context.Context, workers []*worker, now *atomic.Int32) (Result, error) {
	if !lifecycle.Sleep(ctx, c.Spread+c.Warmup) {
		return Result{}, context.Cause(ctx)
	}
	begin, err := c.read(workers)
	if err != nil {
		return Result{}, err
	}
	now.Store(measuring)
	if !lifecycle.Sleep(ctx, c.Duration) {
		return Result{}, context.Cause(ctx)
	}
	end, err := c.read(workers)
	if err != nil {
		return Result{}, err
	}
	r := Result{Requests: int(end.requests - begin.requests), Elapsed: end.at.Sub(begin.at), CPU: end.cpu - begin.cpu}
	if r.Requests == 0 {
		return r, errors.New("no call ended within the measured time: measure longer")
	}
	return r, nil
}

package load

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Open calls a target at a fixed rate, however long its answers take.
type Open struct {
	Addr    string
	Request []byte
	// Conns is the number of connections; a call that finds none free fails the run.
	Conns int
	// Rate is in calls a second.
	Rate             float64
	Warmup, Duration time.Duration
}

// sample is a call that was answered.
type sample struct {
	begin  time.Time
	answer Answer
}

// Run calls the target until the duration is over. Any answer but 200 fails it.
func (o Open) Run(ctx context.Context) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	calls := make(chan struct{}) // without a buffer: a call starts on time or not at all
	var mu sync.Mutex
	var samples []sample
	var wg sync.WaitGroup
	for range o.Conns {
		conn, err := Dial(ctx, o.Addr)
		if err != nil {
			cancel(err)
			break
		}
		unblock := context.AfterFunc(ctx, conn.Close)
		wg.Go(func() {
			defer unblock()
			defer conn.Close()
			for range calls {
				s, err := timed(conn, o.Request)
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				samples = append(samples, s)
				mu.Unlock()
			}
		})
	}
	begin := time.Now()
	o.pace(ctx, calls, cancel)
	close(calls)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return Result{}, cause
	}
	return o.reduce(samples, begin.Add(o.Warmup)), nil
}

func timed(conn *Conn, request []byte) (sample, error) {
	begin := time.Now()
	a, err := conn.Do(request)
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("status %d", a.Status)
	}
	return sample{begin, a}, err
}

func (o Open) pace(ctx context.Context, calls chan<- struct{}, fail context.CancelCauseFunc) {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / o.Rate))
	defer ticker.Stop()
	end := time.NewTimer(o.Warmup + o.Duration)
	defer end.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-ticker.C:
		}
		select {
		case calls <- struct{}{}:
		default:
			fail(fmt.Errorf("all %d connections were busy at %.0f calls a second", o.Conns, o.Rate))
			return
		}
	}
}

func (o Open) reduce(samples []sample, since time.Time) Result {
	r := Result{Total: len(samples), Elapsed: o.Duration}
	for _, s := range samples {
		if s.begin.Before(since) {
			continue
		}
		r.Requests++
		r.Latencies = append(r.Latencies, s.answer.Took)
		if s.answer.Delay > 0 {
			r.Delays = append(r.Delays, s.answer.Delay)
		}
	}
	slices.Sort(r.Latencies)
	slices.Sort(r.Delays)
	return r
}

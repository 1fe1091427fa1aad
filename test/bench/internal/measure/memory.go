package measure

import (
	"context"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/load"
	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
)

// Memory is the resident memory of a fresh target in bytes.
type Memory struct {
	Target        string
	Idle, Streams int64
}

const (
	// streamPace keeps a stream open for longer than it takes to open all.
	streamPace = time.Second
	samples    = 20
	samplePace = 100 * time.Millisecond
)

func (r *runner) memory(ctx context.Context) error {
	if !r.wants(MemoryName) {
		return nil
	}
	targets, err := r.fresh(ctx)
	if err != nil {
		return err
	}
	// The streams are broken off, so another key pays for them.
	key := r.key
	if r.install != nil {
		if key, err = r.install.GenerateKey(ctx); err != nil {
			return err
		}
	}
	for _, t := range targets {
		m, err := r.memoryOf(ctx, t, key)
		if err != nil {
			return fmt.Errorf("memory: %s: %w", t.Name, err)
		}
		r.say("memory  %-13s %5.1f MB idle  %5.1f MB with %d streams", t.Name, float64(m.Idle)/1e6, float64(m.Streams)/1e6, r.opts.Streams)
		r.results.Memory = append(r.results.Memory, m)
		if err := t.Process.Stop(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) memoryOf(ctx context.Context, t *lab.Target, key string) (Memory, error) {
	m := Memory{Target: t.Name}
	var err error
	if !lifecycle.Sleep(ctx, r.opts.Idle) {
		return m, context.Cause(ctx)
	}
	if m.Idle, err = t.Process.RSS(); err != nil {
		return m, err
	}
	request := payload.Kind{PromptBytes: smallBody, Stream: true, Pace: streamPace}.Request(t.Addr, key)
	for range r.opts.Streams {
		conn, err := load.Dial(ctx, t.Addr)
		if err != nil {
			return m, err
		}
		defer conn.Close()
		if err := conn.Open(request); err != nil {
			return m, err
		}
	}
	for range samples {
		if !lifecycle.Sleep(ctx, samplePace) {
			return m, context.Cause(ctx)
		}
		size, err := t.Process.RSS()
		if err != nil {
			return m, err
		}
		m.Streams = max(m.Streams, size)
	}
	return m, nil
}

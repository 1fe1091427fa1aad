// Package lifecycle starts parts in order and stops them in the opposite one.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Stack holds named cleanups and runs them last in, first out. It owns no
// goroutine.
type Stack struct {
	log  *slog.Logger
	mu   sync.Mutex
	done bool
	list []cleanup
}

type cleanup struct {
	name string
	stop func(context.Context) error
}

// NewStack returns an empty stack that reports slow or failed stops to log.
func NewStack(log *slog.Logger) *Stack { return &Stack{log: log} }

// Push adds a cleanup that will run before all that were pushed earlier.
func (s *Stack) Push(name string, stop func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, cleanup{name, stop})
}

// PushFunc adds a cleanup that needs no context and can not fail.
func (s *Stack) PushFunc(name string, stop func()) {
	s.Push(name, func(context.Context) error { stop(); return nil })
}

// Stop runs every cleanup once, whatever fails, and returns all errors. A
// second call does nothing.
func (s *Stack) Stop(ctx context.Context) error {
	s.mu.Lock()
	list, done := s.list, s.done
	s.list, s.done = nil, true
	s.mu.Unlock()
	if done {
		return nil
	}
	var all error
	for _, c := range slices.Backward(list) {
		begin := time.Now()
		err := c.stop(ctx)
		if err != nil {
			all = errors.Join(all, fmt.Errorf("stop %s: %w", c.name, err))
		}
		s.log.LogAttrs(ctx, slog.LevelDebug, "stopped",
			slog.String("part", c.name), slog.Duration("took", time.Since(begin)), slog.Any("error", err))
	}
	return all
}

// Loop runs f in a goroutine of its own until the returned stop is called;
// stop cancels f's context and waits for f to return.
func Loop(f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { f(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}

// Sleep waits for d or for the end of ctx, and reports whether d passed.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

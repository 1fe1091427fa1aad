package measure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/load"
	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
)

// Block is how long blocked keys were still served by the slowest replica.
// Both lists are sorted.
type Block struct {
	Replicas int
	// FromCall counts from the call of /key/block, FromReply from its answer;
	// both to the answer that refused.
	FromCall, FromReply []time.Duration
	// Relapses counts replicas that served a key after they had refused it.
	Relapses int
}

const (
	replicas = 3
	// probePause is how fine the time of the refusal is seen.
	probePause = time.Millisecond
	// probeBefore is how long a key is in use before it is blocked.
	probeBefore = 20 * time.Millisecond
	// probeAfter is how many more calls a replica gets after it refused.
	probeAfter   = 20
	blockTimeout = 20 * time.Second
)

// Probe is one call with a key that is about to be blocked.
type Probe struct {
	Answered time.Time
	Status   int
}

func refused(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// Refusal finds the first refusal among the probes of a replica, and whether
// a later probe was served.
func Refusal(probes []Probe) (at time.Time, relapse bool, err error) {
	for _, p := range probes {
		switch {
		case refused(p.Status) && at.IsZero():
			at = p.Answered
		case p.Status == http.StatusOK:
			relapse = relapse || !at.IsZero()
		case !refused(p.Status):
			return at, relapse, fmt.Errorf("status %d", p.Status)
		}
	}
	if at.IsZero() {
		return at, relapse, errors.New("the key was never refused")
	}
	return at, relapse, nil
}

func (r *runner) block(ctx context.Context) error {
	if !r.wants(BlockName) {
		return nil
	}
	if err := r.lab.Quiet(ctx); err != nil {
		return err
	}
	var targets []*lab.Target
	for range replicas {
		t, err := r.lab.DataPlane(ctx, true)
		if err != nil {
			return err
		}
		targets = append(targets, t)
	}
	b := &Block{Replicas: replicas}
	for range r.opts.Blocks {
		if err := r.blockOne(ctx, targets, b); err != nil {
			return fmt.Errorf("block: %w", err)
		}
	}
	slices.Sort(b.FromCall)
	slices.Sort(b.FromReply)
	r.results.Block = b
	r.say("block   %d keys on %d replicas: slowest %s after the call", len(b.FromCall), replicas, b.FromCall[len(b.FromCall)-1])
	return nil
}

// blockOne blocks a key that all replicas are serving.
func (r *runner) blockOne(ctx context.Context, targets []*lab.Target, b *Block) error {
	ctx, cancel := context.WithTimeout(ctx, blockTimeout)
	defer cancel()
	key, err := r.install.GenerateKey(ctx)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if _, err := r.serves(ctx, t, key); err != nil {
			return err
		}
	}
	probes := make([][]Probe, len(targets))
	failures := make([]error, len(targets))
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() {
			if probes[i], failures[i] = probe(ctx, t, key); failures[i] != nil {
				cancel()
			}
		})
	}
	var called, replied time.Time
	if lifecycle.Sleep(ctx, probeBefore) {
		called = time.Now()
		err = r.install.BlockKey(ctx, key)
		replied = time.Now()
	}
	if err != nil {
		cancel()
	}
	wg.Wait()
	if err := errors.Join(errors.Join(failures...), err); err != nil {
		return err
	}
	return b.add(probes, called, replied)
}

func (b *Block) add(probes [][]Probe, called, replied time.Time) error {
	var last time.Time
	for _, p := range probes {
		at, relapse, err := Refusal(p)
		if err != nil {
			return err
		}
		if at.Before(called) {
			return errors.New("a key was refused before it was blocked")
		}
		if relapse {
			b.Relapses++
		}
		if at.After(last) {
			last = at
		}
	}
	b.FromCall = append(b.FromCall, last.Sub(called))
	b.FromReply = append(b.FromReply, max(0, last.Sub(replied)))
	return nil
}

// probe calls a replica until some time after its first refusal.
func probe(ctx context.Context, t *lab.Target, key string) ([]Probe, error) {
	conn, err := load.Dial(ctx, t.Addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	request := payload.Kind{PromptBytes: smallBody}.Request(t.Addr, key)
	var all []Probe
	for after := 0; after < probeAfter; {
		a, err := conn.Do(request)
		if err != nil {
			return nil, err
		}
		all = append(all, Probe{Answered: time.Now(), Status: a.Status})
		if refused(a.Status) || after > 0 {
			after++
		}
		if !lifecycle.Sleep(ctx, probePause) {
			return nil, fmt.Errorf("the key was still served after %d calls: %w", len(all), context.Cause(ctx))
		}
	}
	return all, nil
}

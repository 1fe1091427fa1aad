package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	readyTimeout = 30 * time.Second
	readyPoll    = 20 * time.Millisecond
	quietTimeout = 2 * time.Minute
	quietWindow  = 250 * time.Millisecond
	// quietShare of a core counts as quiet.
	quietShare = 0.08
)

// until polls check until it returns nil.
func until(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		if !lifecycle.Sleep(ctx, readyPoll) {
			return fmt.Errorf("%w: last answer: %w", context.Cause(ctx), err)
		}
	}
}

// await waits until url answers 200.
func (l *Lab) await(ctx context.Context, url string) error {
	return until(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return fmt.Errorf("make request: %w", err)
		}
		resp, err := l.client.Do(req)
		if err != nil {
			return fmt.Errorf("ask for readiness: %w", err)
		}
		defer func() { _ = resp.Body.Close() }()
		if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)); err != nil {
			return fmt.Errorf("ask for readiness: %w", err)
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("readiness: status %d", resp.StatusCode)
		}
		return nil
	})
}

// awaitListener waits until somebody listens.
func (l *Lab) awaitListener(ctx context.Context, t *Target) error {
	return until(ctx, func(ctx context.Context) error {
		if err := t.Process.Err(); err != nil {
			return err
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.Addr)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		return conn.Close()
	})
}

// Quiet waits until the installation has booked what earlier runs left behind,
// so that no run pays for another.
func (l *Lab) Quiet(ctx context.Context) error {
	if l.installation == nil {
		return nil
	}
	for deadline := time.Now().Add(quietTimeout); time.Now().Before(deadline); {
		before, err := l.installation.CPU()
		if err != nil {
			return err
		}
		if !lifecycle.Sleep(ctx, quietWindow) {
			return context.Cause(ctx)
		}
		after, err := l.installation.CPU()
		if err != nil {
			return err
		}
		if float64(after-before) < quietShare*float64(quietWindow) {
			return nil
		}
	}
	l.say("the installation is still busy after %s: the next run is disturbed", quietTimeout)
	return nil
}

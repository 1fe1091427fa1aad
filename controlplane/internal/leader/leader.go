// Package leader picks the one control plane that runs the background work:
// relay, reconcile, beacon, ledger. Leadership is a Postgres advisory lock on a
// connection of its own, so it ends with the process or its database.
//
// Two control planes may both believe to lead for a moment, when a connection
// dies unnoticed. Nothing that the leader does relies on being alone.
package leader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	lockKey   = 0x7469616e6a69 // "tianji"
	tryEvery  = time.Second
	pingEvery = time.Second
	dbTimeout = 3 * time.Second
)

var errNotLeader = errors.New("another control plane leads")

// Work runs while this process leads, until its context ends.
type Work func(ctx context.Context)

// Election runs work whenever this process leads.
type Election struct {
	url     string
	log     *slog.Logger
	leading atomic.Bool
}

// New returns an election over the database at url.
func New(url string, log *slog.Logger) *Election { return &Election{url: url, log: log} }

// Leading reports whether this process leads now.
func (e *Election) Leading() bool { return e.leading.Load() }

// Run takes part until ctx ends. It waits for work to end before it gives the
// lock back.
func (e *Election) Run(ctx context.Context, work ...Work) {
	for ctx.Err() == nil {
		if err := e.term(ctx, work); err != nil && ctx.Err() == nil && !errors.Is(err, errNotLeader) {
			e.log.LogAttrs(ctx, slog.LevelWarn, "not leading", slog.Any("error", err))
		}
		lifecycle.Sleep(ctx, tryEvery)
	}
}

func (e *Election) term(ctx context.Context, work []Work) error {
	conn, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() {
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), dbTimeout)
		defer cancel()
		_ = conn.Close(done) // closing is what frees the lock
	}()
	e.leading.Store(true)
	defer e.leading.Store(false)
	e.log.LogAttrs(ctx, slog.LevelInfo, "leading")

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for _, w := range work {
		wg.Go(func() { w(ctx) })
	}
	defer wg.Wait()
	defer cancel()
	for lifecycle.Sleep(ctx, pingEvery) {
		if err := ping(ctx, conn); err != nil {
			return fmt.Errorf("leader connection: %w", err)
		}
	}
	return nil
}

func (e *Election) acquire(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, e.url)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	var ok bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockKey)).Scan(&ok); err != nil || !ok {
		_ = conn.Close(ctx)
		if err == nil {
			err = errNotLeader
		}
		return nil, err
	}
	return conn, nil
}

func ping(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	return conn.Ping(ctx)
}

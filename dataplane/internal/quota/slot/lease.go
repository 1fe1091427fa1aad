package slot

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// lease is this process as a holder, until it loses it.
type lease struct {
	id      string
	formers []string // what it was before
	// growAt is when more may be taken than what is in use.
	growAt atomic.Int64
	// expires is until when slots may be used; 0 is not yet.
	expires atomic.Int64
	// reconnects says over which connection it was renewed last.
	reconnects atomic.Uint64
}

func (l *lease) valid(now int64) bool { return now < l.expires.Load() }

// confirmed reports whether records may be changed over a connection: not after
// a reconnect, when the bucket may have lost its memory, until the lease was
// found there.
func (t *Table) confirmed(l *lease, reconnects uint64) bool {
	return l.valid(t.clock.now()) && l.reconnects.Load() == reconnects
}

// maxFormers is enough: records hold slots of older ones for a TTL at most.
const maxFormers = 8

func newID() string { return rand.Text()[:13] }

// leaseKey can not be the key of a limit, which starts with its unit.
func leaseKey(id string) string { return "lease." + id }

// keeper keeps a lease. Its fields are of its goroutine, but for the atomics.
type keeper struct {
	table   *Table
	current atomic.Pointer[lease]
	// steady is since when the lease has been valid without a gap.
	steady atomic.Int64

	rev    uint64
	value  []byte
	failed bool // the last renewal had no answer
}

func newKeeper(t *Table) (*keeper, error) {
	value, err := json.Marshal(beat{Replica: t.opts.Replica}) // for whoever looks into the bucket
	if err != nil {
		return nil, fmt.Errorf("encode slot lease: %w", err)
	}
	k := &keeper{table: t, value: value}
	k.current.Store(&lease{id: newID()})
	return k, nil
}

func (k *keeper) run(ctx context.Context) {
	conn := k.table.opts.Conn
	up := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(up)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-up:
		}
		next := k.table.times.retry
		if k.renew(ctx) {
			next = k.table.times.renew
		}
		k.table.countReplicas()
		timer.Reset(next)
	}
}

// renew writes the lease. One that was lost is replaced by another.
func (k *keeper) renew(ctx context.Context) bool {
	t, l := k.table, k.current.Load()
	sent, over := t.clock.now(), t.store.reconnects()
	rev, err := t.store.write(ctx, opLease, leaseKey(l.id), k.value, k.rev, t.times.kept)
	if errors.Is(err, errConflict) {
		if l = k.resolve(ctx, l); l == nil {
			return false
		}
		sent = t.clock.now()
		rev, err = t.store.write(ctx, opLease, leaseKey(l.id), k.value, k.rev, t.times.kept)
	}
	if err != nil {
		if !k.failed && ctx.Err() == nil {
			k.failed = true
			t.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "slot lease not renewed", slog.Any("error", err))
		}
		return false
	}
	if k.rev == 0 && len(l.formers) == 0 {
		// A bucket that was made a moment ago may have been lost a moment ago.
		l.growAt.Store(t.clock.now() + int64(t.store.young(t.times.grace)))
	}
	k.failed = false
	k.rev = rev
	k.renewed(l, sent, over)
	return true
}

func (k *keeper) renewed(l *lease, sent int64, over uint64) {
	t := k.table
	now := t.clock.now()
	lapsed := !l.valid(now)
	if lapsed {
		k.steady.Store(now)
	}
	unconfirmed := l.reconnects.Swap(over) != over
	l.expires.Store(sent + int64(t.times.usable))
	t.send(opBeat, kindLease, t.opts.Replica, beat{Replica: t.opts.Replica, Holder: l.id, Revision: k.rev})
	if lapsed || unconfirmed {
		t.restored()
	}
}

// resolve finds out why a renewal was refused. Nobody but us writes a value:
// what is newer than we know is a renewal of ours that had no answer. Otherwise
// the lease is lost: it was buried, or the bucket has lost its memory.
func (k *keeper) resolve(ctx context.Context, l *lease) *lease {
	t := k.table
	data, rev, err := t.store.read(ctx, opLease, leaseKey(l.id))
	switch {
	case err != nil:
		return nil
	case len(data) > 0 && rev > k.rev:
		k.rev = rev
		return l
	case len(data) > 0 || rev == 0 && k.rev == 0:
		return nil // an outdated answer
	}
	t.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "slot lease lost, entering calls under way anew", slog.String("holder", l.id))
	l.expires.Store(0)
	formers := append([]string{l.id}, l.formers...)
	next := &lease{id: newID(), formers: formers[:min(len(formers), maxFormers)]}
	next.growAt.Store(t.clock.now() + int64(t.times.grace))
	k.rev = 0
	t.store.forget()
	k.current.Store(next)
	return next
}

// resign gives the lease up, so that others need not wait for its end. It is
// called when run has ended.
func (k *keeper) resign(ctx context.Context) {
	t, l := k.table, k.current.Load()
	if k.rev == 0 {
		return
	}
	if rev, err := t.store.write(ctx, opLease, leaseKey(l.id), nil, k.rev, t.times.kept); err == nil {
		t.send(opBeat, kindLease, t.opts.Replica, beat{Replica: t.opts.Replica, Holder: l.id, Revision: rev, Gone: true})
	}
}

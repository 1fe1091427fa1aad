// Package feed follows the changes of a KV bucket through the subject on which
// the server republishes them.
//
// A KV watcher alone is not enough: when the node that hosts its consumer
// stops, it was measured to be silent for 18 s. A core subscription keeps up
// within milliseconds; what it can miss shows as a gap in the bucket's
// sequence, as a reconnect, or as a beacon that is ahead.
package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	pendingMessages = 512 << 10
	pendingBytes    = 256 << 20
	// patience is how many beacons may be ahead before changes count as
	// missed: the beacon and the change travel apart.
	patience = 2
)

// Follower is told what happens to the bucket. Its methods are called from
// subscription goroutines, one at a time, and must not block.
type Follower interface {
	// Changed is a stored change of a key, in order of sequence.
	Changed(key string, sequence uint64, value []byte)
	// Missed says that changes may have been missed before now.
	Missed(reason string)
}

// Feed is a running subscription. It owns no goroutine of its own; the NATS
// client's end with Stop.
type Feed struct {
	follower Follower
	changes  string
	position func(*contract.Beacon) uint64
	log      *slog.Logger
	subs     []*nats.Subscription

	mu    sync.Mutex
	last  uint64
	ahead int
	heard time.Time
}

// Start subscribes to the changes under a subject and to the beacon. position
// picks the bucket's sequence from a beacon. It works on a connection that is
// not up yet.
func Start(nc *nats.Conn, n contract.Names, changes string, position func(*contract.Beacon) uint64, f Follower, log *slog.Logger) (*Feed, error) {
	fd := &Feed{follower: f, changes: changes + ".", position: position, log: log}
	for subject, handle := range map[string]nats.MsgHandler{changes + ".>": fd.change, n.BeaconSubject(): fd.beacon} {
		sub, err := nc.Subscribe(subject, handle)
		if err != nil {
			fd.Stop()
			return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		fd.subs = append(fd.subs, sub)
		if err := sub.SetPendingLimits(pendingMessages, pendingBytes); err != nil {
			fd.Stop()
			return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
		}
	}
	return fd, nil
}

// Stop ends the subscriptions.
func (f *Feed) Stop() {
	for _, s := range f.subs {
		_ = s.Unsubscribe() // fails only when the connection is closed already
	}
}

// Last returns the last sequence seen.
func (f *Feed) Last() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// Heard returns when the last beacon came; it is the sign of life of the
// control plane's leader and its database.
func (f *Feed) Heard() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.heard
}

// Reconnected says that the connection was lost in between.
func (f *Feed) Reconnected() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.missed("reconnected", 0)
}

// CaughtUp says that the follower has read the bucket up to a sequence.
func (f *Feed) CaughtUp(sequence uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = max(f.last, sequence)
}

func (f *Feed) change(m *nats.Msg) {
	sequence, err := strconv.ParseUint(m.Header.Get(contract.HeaderSequence), 10, 64)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case sequence <= f.last && f.last-sequence < pendingMessages:
		return
	case f.last != 0 && sequence != f.last+1:
		// Lower by far means that the bucket was made anew.
		f.missed("gap in sequence", sequence)
	}
	f.last = sequence
	f.follower.Changed(strings.TrimPrefix(m.Subject, f.changes), sequence, m.Data)
}

func (f *Feed) beacon(m *nats.Msg) {
	var b contract.Beacon
	if json.Unmarshal(m.Data, &b) != nil {
		return
	}
	at := f.position(&b)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard = time.Now()
	if at == f.last {
		f.ahead = 0
		return
	}
	if f.ahead++; f.ahead >= patience {
		f.missed("beacon differs", at)
	}
}

// missed is called with the lock held.
func (f *Feed) missed(reason string, last uint64) {
	f.ahead, f.last = 0, last
	f.log.LogAttrs(context.Background(), slog.LevelDebug, "changes may have been missed", slog.String("feed", f.changes), slog.String("reason", reason))
	f.follower.Missed(reason)
}

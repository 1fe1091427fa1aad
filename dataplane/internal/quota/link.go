package quota

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

const (
	// probeEvery is how often NATS is asked whether it is back.
	probeEvery = 100 * time.Millisecond
	// patience is how many ticks a request waits, without a sign of life,
	// before NATS counts as away. Ticks that come late do not count: a machine
	// that is too busy to run us is too busy to run NATS, or to bring us its
	// answer.
	patience = 10
	tick     = 10 * time.Millisecond
	late     = 3 * time.Millisecond
)

// link knows whether NATS answers. When it does not, no request waits for it:
// a connection that is lost is known at once, a server that hangs after the
// first request lost its patience. It counts as back when a counter answers.
//
// That the limits of others are kept while NATS is up depends on it: who counts
// alone may admit what somebody else admits too. So a slow answer is waited for
// as long as there is any answer at all.
type link struct {
	engine *Engine
	down   atomic.Bool
	heard  atomic.Uint64 // answers that came
	mu     sync.Mutex
	gone   chan struct{} // closed while it is down
	since  time.Time
	wake   chan struct{}
}

func newLink(e *Engine) *link {
	return &link{engine: e, gone: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// away reports whether NATS does not answer.
func (l *link) away() bool { return l.down.Load() }

// lost returns a channel that is closed when NATS does not answer.
func (l *link) lost() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gone
}

// waiting is the patience of one request.
type waiting struct {
	link   *link
	ticker *time.Ticker
	next   time.Time // when the next tick is due
	heard  uint64
	ticks  int
}

func (l *link) wait() *waiting {
	return &waiting{link: l, ticker: time.NewTicker(tick), next: time.Now().Add(tick), heard: l.heard.Load()}
}

func (w *waiting) stop() { w.ticker.Stop() }

// until waits until done, until ctx ends, or until NATS counts as away.
func (w *waiting) until(ctx context.Context, done <-chan struct{}) {
	lost := w.link.lost()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-lost:
			return
		case <-w.ticker.C:
		}
		now := time.Now()
		if heard := w.link.heard.Load(); heard != w.heard {
			w.heard, w.ticks = heard, 0
		} else if now.Sub(w.next) < late {
			w.ticks++
		}
		w.next = now.Add(tick)
		if w.ticks >= patience {
			w.link.stalled()
		}
	}
}

// stalled says that NATS did not answer.
func (l *link) stalled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down.Swap(true) {
		return
	}
	close(l.gone)
	l.since = time.Now()
	l.engine.opts.Logger.LogAttrs(context.Background(), slog.LevelWarn, "limits are counted by this replica alone: NATS does not answer")
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *link) back() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.down.Load() {
		return
	}
	l.gone = make(chan struct{})
	l.down.Store(false)
	took := time.Since(l.since)
	l.engine.gauge.degradedFor(took)
	l.engine.opts.Logger.LogAttrs(context.Background(), slog.LevelInfo, "limits are counted together again", slog.Duration("after", took))
}

// watch follows the connection, and asks for NATS while it is away.
func (l *link) watch(ctx context.Context) {
	nc := l.engine.opts.Conn
	changes := nc.StatusChanged(nats.CONNECTED, nats.DISCONNECTED, nats.RECONNECTING, nats.CLOSED)
	defer nc.RemoveStatusListener(changes)
	if !nc.IsConnected() {
		l.stalled()
	}
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-changes:
			if s != nats.CONNECTED {
				l.stalled()
				continue
			}
		case <-l.wake:
			continue // what did not answer just now is asked in a moment
		case <-ticker.C:
		}
		if l.away() && nc.IsConnected() && l.probe() {
			l.back()
		}
	}
}

// probe asks a counter that nobody uses.
func (l *link) probe() bool {
	e := l.engine
	_, err := e.add(e.opts.Names.LimitSubject(string(limits.ClassMinute), "probe."+contract.Token(e.opts.Replica), 0), 0)
	return err == nil
}

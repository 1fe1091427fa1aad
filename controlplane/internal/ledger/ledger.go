// Package ledger books usage events in Postgres, each exactly once.
//
// The effect (running spend) and the evidence (the spend row, whose primary
// key is the call id) are written in one transaction, and a message is
// acknowledged only after its commit. So a crash at any point leads to a
// redelivery that finds the row and adds nothing.
package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	// fetchMessages is how many messages one transaction books at most; a
	// message carries up to 50 events.
	fetchMessages = 100
	fetchWait     = 250 * time.Millisecond
	bookTimeout   = 30 * time.Second
	retryPause    = time.Second
)

// Ledger drains the usage stream. Run is called by one control plane at a
// time; that is for speed, exactly-once does not depend on it.
type Ledger struct {
	store  *store.Store
	js     jetstream.JetStream
	names  contract.Names
	log    *slog.Logger
	booked *prometheus.CounterVec
	spend  prometheus.Counter
	lag    prometheus.Gauge
	pause  time.Duration
	config *budget.Config
	watch  func([]pool.Counter)
}

// New returns a ledger. It does not need NATS or Postgres to be up.
func New(st *store.Store, js jetstream.JetStream, n contract.Names, log *slog.Logger, reg prometheus.Registerer) *Ledger {
	l := &Ledger{
		store: st, js: js, names: n, log: log, pause: retryPause, config: budget.NewConfig(js, n), watch: func([]pool.Counter) {},
		booked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tianji_controlplane_usage_events_total", Help: "Usage events taken from the stream, by what became of them.",
		}, []string{"result"}),
		spend: prometheus.NewCounter(prometheus.CounterOpts{Name: "tianji_controlplane_booked_usd_total", Help: "Spend booked, in US dollars."}),
		lag:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "tianji_controlplane_usage_pending_messages", Help: "Messages in the usage stream that are not booked yet."}),
	}
	reg.MustRegister(l.booked, l.spend, l.lag)
	return l
}

// OnBooked sets what is called with the counters of budgets of which something
// was booked. It is called once, before Run.
func (l *Ledger) OnBooked(f func([]pool.Counter)) { l.watch = f }

// Run books until ctx ends. Failures are retried: nothing is acknowledged
// that was not committed.
func (l *Ledger) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := l.drain(ctx); err != nil && ctx.Err() == nil {
			l.log.LogAttrs(ctx, slog.LevelWarn, "ledger paused", slog.Any("error", err))
			lifecycle.Sleep(ctx, l.pause)
		}
	}
}

func (l *Ledger) drain(ctx context.Context) error {
	open, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	consumer, err := l.js.Consumer(open, l.names.UsageStream(), l.names.LedgerConsumer())
	if err != nil {
		return fmt.Errorf("open usage consumer: %w", err)
	}
	for ctx.Err() == nil {
		if err := l.batch(ctx, consumer); err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) batch(ctx context.Context, consumer jetstream.Consumer) error {
	fetched, err := consumer.Fetch(fetchMessages, jetstream.FetchMaxWait(fetchWait))
	if err != nil {
		return fmt.Errorf("fetch usage: %w", err)
	}
	var msgs []jetstream.Msg
	for m := range fetched.Messages() {
		msgs = append(msgs, m)
	}
	if err := fetched.Error(); err != nil && len(msgs) == 0 && !errors.Is(err, jetstream.ErrNoMessages) {
		return fmt.Errorf("fetch usage: %w", err)
	}
	if len(msgs) == 0 {
		l.lag.Set(0)
		return nil
	}
	if meta, err := msgs[len(msgs)-1].Metadata(); err == nil {
		l.lag.Set(float64(meta.NumPending))
	}
	// What was fetched is booked even while we are being stopped: otherwise it
	// would wait for its redelivery.
	book, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookTimeout)
	defer cancel()
	if err := l.bookMessages(book, msgs); err != nil {
		for _, m := range msgs {
			_ = m.Nak() // only hastens the redelivery
		}
		return err
	}
	for _, m := range msgs {
		if err := m.Ack(); err != nil {
			return fmt.Errorf("acknowledge usage: %w", err)
		}
	}
	return nil
}

func (l *Ledger) bookMessages(ctx context.Context, msgs []jetstream.Msg) error {
	var events []contract.Usage
	var unreadable []db.DeadInsertParams
	for _, m := range msgs {
		for line := range lines(m.Data()) {
			e, err := decode(line)
			if err != nil {
				unreadable = append(unreadable, db.DeadInsertParams{Subject: m.Subject(), Payload: line, Reason: err.Error()})
				continue
			}
			events = append(events, e)
		}
	}
	shared, err := l.config.Shared(ctx)
	if err != nil {
		return err
	}
	var fresh []*contract.Usage
	var counters []pool.Counter
	err = l.store.InTx(ctx, func(tx *store.Tx) error {
		for _, d := range unreadable {
			if err := l.store.DeadInsert(ctx, tx, d); err != nil {
				return fmt.Errorf("keep unreadable usage: %w", err)
			}
		}
		var err error
		fresh, counters, err = l.book(ctx, tx, events, shared)
		return err
	})
	if err != nil {
		return fmt.Errorf("book usage: %w", err)
	}
	l.watch(counters)
	for _, e := range fresh {
		l.spend.Add(float64(e.CostNano) / 1e9)
	}
	l.booked.WithLabelValues("booked").Add(float64(len(fresh)))
	l.booked.WithLabelValues("duplicate").Add(float64(len(events) - len(fresh)))
	l.booked.WithLabelValues("unreadable").Add(float64(len(unreadable)))
	if len(unreadable) > 0 {
		l.log.LogAttrs(ctx, slog.LevelError, "unreadable usage kept in usage_dead", slog.Int("events", len(unreadable)))
	}
	return nil
}

// book writes the spend rows and adds the spend of those that were not there
// yet to all who spent it.
func (l *Ledger) book(ctx context.Context, tx *store.Tx, events []contract.Usage, shared *budget.Shared) (fresh []*contract.Usage, counters []pool.Counter, err error) {
	if len(events) == 0 {
		return nil, nil, nil
	}
	byID, err := l.bookable(ctx, tx, events)
	if err != nil || len(byID) == 0 {
		return nil, nil, err
	}
	inserted, err := l.store.SpendInsert(ctx, tx, columnsOf(byID))
	if err != nil {
		return nil, nil, fmt.Errorf("insert spend rows: %w", err)
	}
	if len(inserted) == 0 {
		return nil, nil, nil
	}
	for _, id := range inserted {
		fresh = append(fresh, byID[id])
	}
	if err := l.rollUp(ctx, tx, fresh); err != nil {
		return nil, nil, err
	}
	b := &booking{ledger: l, tx: tx, now: time.Now().UTC(), shared: shared, spent: map[pool.Counter]*spent{}}
	if err := b.run(ctx, fresh); err != nil {
		return nil, nil, err
	}
	return fresh, b.counters(), nil
}

// decode reads one line of a message. A line that can not be read does not
// take its neighbours with it.
func decode(line []byte) (contract.Usage, error) {
	var e contract.Usage
	if err := json.Unmarshal(line, &e); err != nil {
		return e, fmt.Errorf("decode event: %w", err)
	}
	if e.ID == "" || e.V > contract.SchemaVersion {
		return e, fmt.Errorf("event without id, or of version %d, which this control plane does not know", e.V)
	}
	return e, nil
}

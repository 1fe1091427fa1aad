package ledger_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/ledger"
	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/natstest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

// book is a ledger that runs.
type book struct {
	t      *testing.T
	st     *store.Store
	js     jetstream.JetStream
	names  contract.Names
	serial atomic.Int64
	noted  chan pool.Counter
}

func newBook(t *testing.T, statements ...string) *book {
	t.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	js, err := jetstream.New(natstest.Start(t, natsembed.Options{}).Connect(natstest.Admin))
	require.NoError(t, err)
	require.NoError(t, publish.Provision(t.Context(), js, names, 1))
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	b := &book{t: t, st: st, js: js, names: names, noted: make(chan pool.Counter, 1000)}
	b.exec(statements...)
	l := ledger.New(st, js, names, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	l.OnBooked(func(counters []pool.Counter) {
		for _, c := range counters {
			b.noted <- c
		}
	})
	t.Cleanup(lifecycle.Loop(l.Run))
	return b
}

func (b *book) exec(statements ...string) {
	b.t.Helper()
	for _, s := range statements {
		_, err := b.st.DB().Exec(b.t.Context(), s)
		require.NoError(b.t, err)
	}
}

// send books calls, each of them twice, and waits for that.
func (b *book) send(calls ...contract.Usage) {
	b.t.Helper()
	for _, u := range calls {
		u.V, u.CallType, u.Status = 1, "acompletion", contract.Success
		u.ID = "call-" + time.Now().Format("150405.000000000") + string(rune('a'+b.serial.Add(1)%26))
		if u.EndMS == 0 {
			u.EndMS = time.Now().UnixMilli()
		}
		for range 2 {
			_, err := b.js.Publish(b.t.Context(), b.names.UsageSubject("r"), append(u.AppendJSON(nil), '\n'))
			require.NoError(b.t, err)
		}
	}
	require.Eventually(b.t, func() bool {
		s, err := b.js.Stream(b.t.Context(), b.names.UsageStream())
		return err == nil && s.CachedInfo().State.Msgs == 0
	}, 20*time.Second, 5*time.Millisecond)
}

func (b *book) number(query string, args ...any) (n int64) {
	b.t.Helper()
	require.NoError(b.t, b.st.DB().QueryRow(b.t.Context(), query, args...).Scan(&n))
	return n
}

// booked is what the book of budgets has in present periods, by counter.
func (b *book) booked() map[string]int64 {
	b.t.Helper()
	rows, err := b.st.DB().Query(b.t.Context(), "SELECT counter, opening_nano + spend_nano FROM budget_spend WHERE period_end IS NULL OR period_end > now()")
	require.NoError(b.t, err)
	all := map[string]int64{}
	for rows.Next() {
		var counter string
		var n int64
		require.NoError(b.t, rows.Scan(&counter, &n))
		all[counter] = n
	}
	require.NoError(b.t, rows.Err())
	return all
}

// alerts returns what is to be announced, and forgets it.
func (b *book) alerts() (all []contract.Alert) {
	b.t.Helper()
	rows, err := b.st.DB().Query(b.t.Context(), "DELETE FROM outbox WHERE kind = 'alert' RETURNING object_id")
	require.NoError(b.t, err)
	for rows.Next() {
		var text string
		require.NoError(b.t, rows.Scan(&text))
		var a contract.Alert
		require.NoError(b.t, json.Unmarshal([]byte(text), &a))
		all = append(all, a)
	}
	require.NoError(b.t, rows.Err())
	return all
}

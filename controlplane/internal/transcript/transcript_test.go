package transcript_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/transcript"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/natstest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	return st
}

func line(t *testing.T, id string, at time.Time, request string) []byte {
	t.Helper()
	b, err := json.Marshal(contract.Transcript{V: contract.SchemaVersion, ID: id, StartMS: at.UnixMilli(), Request: json.RawMessage(request)})
	require.NoError(t, err)
	return append(b, '\n')
}

func count(t *testing.T, st *store.Store, where string) int {
	t.Helper()
	var n int
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT count(*) FROM spend_transcripts WHERE "+where).Scan(&n))
	return n
}

// What is delivered twice is stored once, and what can not be read takes nothing
// with it.
func TestWriter_stores_what_it_can(t *testing.T) {
	t.Parallel()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	js, err := jetstream.New(natstest.Start(t, natsembed.Options{}).Connect(natstest.Admin))
	require.NoError(t, err)
	require.NoError(t, publish.Provision(t.Context(), js, names, 1))
	st := open(t)
	t.Cleanup(lifecycle.Loop(transcript.New(st, js, names, slog.New(slog.DiscardHandler), prometheus.NewRegistry()).Run))

	now := time.Now()
	for _, batch := range [][]byte{
		append(line(t, "a", now, `{"messages":["a NUL: \u0000, half a pair: \ud83d"]}`), line(t, "b", now, `[1]`)...),
		append([]byte("no JSON\n{\"v\":1,\"id\":\"\"}\n{\"v\":99,\"id\":\"later\"}\n"), line(t, "b", now, `[2]`)...),
		line(t, "c", now, `{"last":true}`),
	} {
		_, err := js.Publish(t.Context(), names.TranscriptSubject("r"), batch)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool {
		stream, err := js.Stream(t.Context(), names.TranscriptStream())
		return err == nil && stream.CachedInfo().State.Msgs == 0
	}, 20*time.Second, 5*time.Millisecond)
	require.Equal(t, 3, count(t, st, "true"))
	row, err := st.TranscriptByID(t.Context(), st.DB(), db.TranscriptByIDParams{RequestID: "b", StartTime: time.UnixMilli(now.UnixMilli())})
	require.NoError(t, err)
	require.JSONEq(t, `[1]`, string(row.Request), "the first one counts")
	require.JSONEq(t, `{}`, string(row.Response))
}

func TestRetention_drops_whole_days(t *testing.T) {
	t.Parallel()
	st := open(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	put := func(days int) {
		_, err := st.DB().Exec(t.Context(), "INSERT INTO spend_transcripts (request_id, start_time) VALUES ($1, $2)", fmt.Sprint("r", days), now.AddDate(0, 0, days))
		require.NoError(t, err)
	}
	for _, days := range []int{-9, -3, -2, 0, 3} { // into the default partition, all of them
		put(days)
	}
	r := &transcript.Retention{Store: st, Logger: slog.New(slog.DiscardHandler)}
	dropped, err := r.Once(t.Context(), now)
	require.NoError(t, err)
	require.Zero(t, dropped, "without an age everything stays")
	require.Equal(t, 5, count(t, st, "true"))
	require.Equal(t, 2, count(t, st, "tableoid <> 'spend_transcripts_default'::regclass"), "what is of a day moves into its partition")
	r.Age = 2 * 24 * time.Hour
	for range 2 {
		_, err = r.Once(t.Context(), now)
		require.NoError(t, err)
		require.Equal(t, 3, count(t, st, "true"))
	}
	dropped, err = r.Once(t.Context(), now.AddDate(0, 0, 4))
	require.NoError(t, err)
	require.EqualValues(t, 2, dropped)
	require.Equal(t, 1, count(t, st, "true"))
}

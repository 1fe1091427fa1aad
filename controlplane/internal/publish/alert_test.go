package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

// An alert is on the bus once, also when its transaction is tried again, or its
// outbox row is published twice.
func TestAlerts_reach_the_bus_once(t *testing.T) {
	t.Parallel()
	server, names := bus(t)
	p := newPlane(t, pgtest.New(t, "controlplane", migrate), server, names)
	require.NoError(t, publish.Provision(t.Context(), p.js, names, 1))
	p.store.OnCommit(p.publisher.Changes)
	alert := contract.Alert{Kind: contract.BudgetCrossed, Scope: "team", ID: "t", SpendNano: 7, BudgetNano: 5, Start: time.Unix(0, 0).UTC(), At: time.Now().UTC().Truncate(time.Second)}
	announce := func(a contract.Alert) {
		require.NoError(t, p.store.InTx(t.Context(), func(tx *store.Tx) error { return budget.Announce(t.Context(), tx, &a) }))
	}
	for range 3 {
		announce(alert)
	}
	next := alert
	next.Start = alert.Start.Add(time.Hour)
	announce(next)
	events, err := p.js.Stream(t.Context(), names.EventsStream())
	require.NoError(t, err)
	require.EqualValues(t, 2, events.CachedInfo().State.Msgs)
	m, err := events.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, names.EventsSubject("alert", "controlplane"), m.Subject)
	var got contract.Alert
	require.NoError(t, json.Unmarshal(m.Data, &got))
	alert.V = contract.SchemaVersion
	require.Equal(t, alert, got)
	var left int
	require.NoError(t, p.store.DB().QueryRow(t.Context(), "SELECT count(*) FROM outbox").Scan(&left))
	require.Zero(t, left)
}

// Budgets are opened before their owner is published. When that fails it is
// tried again, but the owner is published: a key that is blocked must not wait.
func TestPublisher_opens_budgets_first(t *testing.T) {
	t.Parallel()
	server, names := bus(t)
	p := newPlane(t, pgtest.New(t, "controlplane", migrate), server, names)
	require.NoError(t, publish.Provision(t.Context(), p.js, names, 1))
	broken := true
	var seen []bool
	publisher := publish.New(p.store, nil, publish.Settings{Open: func(_ context.Context, c store.Change) error {
		seen = append(seen, len(p.bucket(t)) > 0)
		require.Equal(t, store.KindKey, c.Kind)
		if broken {
			return errors.New("no counters")
		}
		return nil
	}}, p.js, names, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	p.store.OnCommit(publisher.Changes)
	made, err := p.keys.Generate(t.Context(), caller.Caller{Master: true}, &key.Request{})
	require.NoError(t, err)
	require.Contains(t, p.bucket(t), made.Token)
	left := func() (n int) {
		require.NoError(t, p.store.DB().QueryRow(t.Context(), "SELECT count(*) FROM outbox").Scan(&n))
		return n
	}
	require.Equal(t, 1, left())
	broken = false
	var row store.Change
	require.NoError(t, p.store.DB().QueryRow(t.Context(), "SELECT id, kind, object_id FROM outbox").Scan(&row.ID, &row.Kind, &row.ObjectID))
	publisher.Changes(t.Context(), []store.Change{row})
	require.Equal(t, 0, left())
	require.Equal(t, []bool{false, true}, seen)
}

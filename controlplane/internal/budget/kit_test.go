package budget_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/pool/pooltest"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/testkit/natstest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// kit is a control plane's side of budgets.
type kit struct {
	*pooltest.Bus

	t          *testing.T
	st         *store.Store
	opener     *budget.Opener
	reconciler *budget.Reconciler
}

func newKit(t *testing.T, statements ...string) *kit {
	t.Helper()
	k := &kit{Bus: pooltest.New(t, natstest.Start(t, pooltest.Options(t))), t: t}
	var err error
	k.st, err = store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 8)
	require.NoError(t, err)
	t.Cleanup(k.st.Close)
	k.exec(statements...)
	k.opener = budget.NewOpener(k.st, k.Pool, budget.NewConfig(k.JS, k.Names))
	k.reconciler = budget.NewReconciler(budget.Options{
		Store: k.st, Pool: k.Pool, JS: k.JS, Names: k.Names, Logger: slog.New(slog.DiscardHandler), Every: 5 * time.Millisecond, Sweep: 5 * time.Millisecond,
	})
	return k
}

func (k *kit) exec(statements ...string) {
	k.t.Helper()
	for _, s := range statements {
		_, err := k.st.DB().Exec(k.t.Context(), s)
		require.NoError(k.t, err)
	}
}

func (k *kit) open(change int64, kind store.Kind, id string) {
	k.t.Helper()
	require.NoError(k.t, k.opener.Open(k.t.Context(), store.Change{ID: change, Kind: kind, ObjectID: id}))
}

// period is a budget's counter in the present period.
func (k *kit) period(key, duration string) pool.Counter {
	start, _ := window(k.t, duration).Bounds(time.Now())
	return pool.OfBudget(key, start.Unix())
}

func (k *kit) round() {
	k.t.Helper()
	require.NoError(k.t, k.reconciler.Round(k.t.Context()))
}

// wipe loses all that NATS had.
func (k *kit) wipe() {
	k.t.Helper()
	require.NoError(k.t, k.JS.DeleteStream(k.t.Context(), k.Names.LimitStream("b")))
	require.NoError(k.t, publish.Provision(k.t.Context(), k.JS, k.Names, 1))
}

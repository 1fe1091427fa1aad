package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Two changes that wait for each other both come to their end.
func TestInTx_outlives_deadlocks(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	_, err = st.DB().Exec(t.Context(), "INSERT INTO user_table (user_id) VALUES ('ann'), ('ben')")
	require.NoError(t, err)
	var runs atomic.Int32
	var met sync.WaitGroup // until both hold one row
	met.Add(2)
	change := func(first, second string) error {
		var once sync.Once
		return st.InTx(t.Context(), func(tx *store.Tx) error {
			runs.Add(1)
			for i, id := range []string{first, second} {
				if i == 1 {
					once.Do(func() { met.Done(); met.Wait() })
				}
				if _, err := tx.Exec(t.Context(), "UPDATE user_table SET spend_nano = spend_nano + 1 WHERE user_id = $1", id); err != nil {
					return err
				}
			}
			return nil
		})
	}
	errs := make([]error, 2)
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = change("ann", "ben") })
	wg.Go(func() { errs[1] = change("ben", "ann") })
	wg.Wait()
	require.NoError(t, errs[0])
	require.NoError(t, errs[1])
	require.GreaterOrEqual(t, runs.Load(), int32(3))
	var spent int64
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT sum(spend_nano)::bigint FROM user_table").Scan(&spent))
	require.EqualValues(t, 4, spent, "each change counts once")
}

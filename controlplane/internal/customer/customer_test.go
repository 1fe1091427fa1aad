package customer_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/customer"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type noModels struct{}

func (noModels) Groups(context.Context) ([]string, error) { return nil, nil }

func open(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 8)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	return st
}

func request[T any](t *testing.T, body string) *T {
	t.Helper()
	var r T
	require.NoError(t, json.Unmarshal([]byte(body), &r))
	return &r
}

// statuses counts what several calls at once come to.
func statuses(n int, call func() error) map[int]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := map[int]int{}
	for range n {
		wg.Go(func() {
			status := 200
			if err := call(); err != nil {
				status = store.Public(err).Status
			}
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	wg.Wait()
	return got
}

func TestCustomer_is_made_once_by_many_at_once(t *testing.T) {
	t.Parallel()
	st := open(t)
	s, master := customer.New(st, noModels{}), caller.Caller{Master: true}
	got := statuses(8, func() error {
		_, err := s.New(context.Background(), master, request[customer.Request](t, `{"user_id":"c","max_budget":1}`))
		return err
	})
	require.Equal(t, map[int]int{200: 1, 400: 7}, got)
	got = statuses(8, func() error {
		_, err := s.Update(context.Background(), master, request[customer.Request](t, `{"user_id":"c","rpm_limit":5}`))
		return err
	})
	require.Equal(t, map[int]int{200: 8}, got)
}

// What a customer says beside a tier is theirs alone; a budget of their own is
// a tier once others use it.
func TestBudgets_of_one_and_of_several(t *testing.T) {
	t.Parallel()
	st := open(t)
	s, tiers, master := customer.New(st, noModels{}), tier.New(st), caller.Caller{Master: true}
	_, err := tiers.New(t.Context(), master, request[tier.Request](t, `{"budget_id":"gold","rpm_limit":1}`))
	require.NoError(t, err)
	made, err := s.New(t.Context(), master, request[customer.Request](t, `{"user_id":"c","budget_id":"gold","tpm_limit":2}`))
	require.NoError(t, err)
	require.EqualValues(t, 1, *made.BudgetTable.RPMLimit)

	alone, err := s.New(t.Context(), master, request[customer.Request](t, `{"user_id":"alone","rpm_limit":7}`))
	require.NoError(t, err)
	other, err := s.New(t.Context(), master, request[customer.Request](t, `{"user_id":"other","budget_id":"`+*alone.BudgetID+`"}`))
	require.NoError(t, err)
	require.EqualValues(t, 7, *other.BudgetTable.RPMLimit)
	changed, err := s.Update(t.Context(), master, request[customer.Request](t, `{"user_id":"alone","tpm_limit":8}`))
	require.NoError(t, err)
	require.NotEqual(t, *alone.BudgetID, *changed.BudgetID)
	require.EqualValues(t, 7, *changed.BudgetTable.RPMLimit)
	info, err := s.Info(t.Context(), master, "other")
	require.NoError(t, err)
	require.Nil(t, info.BudgetTable.TPMLimit, "what is different for one is theirs alone")

	_, err = s.New(t.Context(), master, request[customer.Request](t, `{"user_id":"third","budget_id":"`+*made.BudgetID+`"}`))
	require.ErrorContains(t, err, "can not be shared")
	_, err = tiers.Delete(t.Context(), master, "gold")
	require.NoError(t, err)
	_, err = s.New(t.Context(), master, request[customer.Request](t, `{"user_id":"late","budget_id":"gold"}`))
	require.ErrorContains(t, err, "does not exist")
}

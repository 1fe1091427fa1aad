package key_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

var keyRows = flag.Int("keyrows", 20_000, "keys that lists are of")

// crowd is a store with keys of 1,000 users in 200 teams.
func crowd(tb testing.TB, keys int) *plane {
	tb.Helper()
	p := newPlane(tb)
	for _, s := range []string{
		"INSERT INTO team_table (team_id, members_with_roles) SELECT 'team-' || i, '[{\"user_id\":\"user-1\",\"role\":\"admin\"}]' FROM generate_series(0, 199) i",
		"INSERT INTO user_table (user_id, teams) SELECT 'user-' || i, CASE WHEN i = 1 THEN '{team-1,team-2}'::text[] ELSE '{}' END FROM generate_series(0, 999) i",
		fmt.Sprintf(`INSERT INTO verification_token (token, key_name, key_alias, user_id, team_id, created_by, spend_nano, max_budget_nano, created_at, updated_at)
			SELECT encode(sha256(i::text::bytea), 'hex'), 'sk-...' || i, 'alias-' || i, 'user-' || i %% 1000, CASE WHEN i %% 3 = 0 THEN NULL ELSE 'team-' || i %% 200 END,
				'user-' || i %% 10, CASE WHEN i %% 2 = 0 THEN 0 ELSE i::bigint * 1000003 %% 1000000007 END, CASE WHEN i %% 4 = 0 THEN i::bigint * 1000 END,
				now() - i * interval '1 second', now() - (i * 7 %% 1000000) * interval '1 second' FROM generate_series(1, %d) i`, keys),
	} {
		_, err := p.store.DB().Exec(tb.Context(), s)
		require.NoError(tb, err)
	}
	_, err := p.store.DB().Exec(tb.Context(), "VACUUM (ANALYZE) verification_token")
	require.NoError(tb, err)
	return p
}

func plan(tb testing.TB, st *store.Store, p db.KeyTokensParams) string {
	tb.Helper()
	p.PageSize = 100
	return pgtest.Plan(tb, st.Reader(), func(c pgtest.Conn) error {
		_, err := st.KeyTokens(tb.Context(), c, p)
		return err
	})
}

// A page of keys is read from an index, however it is sorted, but by spend: that
// index would be changed with every call.
func TestKey_lists_use_indexes(t *testing.T) {
	t.Parallel()
	st := crowd(t, 20_000).store
	for sort, index := range map[string]string{
		"created_at": "verification_token_by_created", "updated_at": "verification_token_by_updated", "max_budget": "verification_token_by_budget",
		"key_alias": "verification_token_by_alias", "token": "verification_token_pkey",
	} {
		for order, descending := range map[string]bool{"asc": false, "desc": true} {
			got := plan(t, st, db.KeyTokensParams{Sort: sort + " " + order, Descending: descending})
			require.Contains(t, got, index, "%s %s:\n%s", sort, order, got)
			require.NotContains(t, got, "Sort", "%s %s:\n%s", sort, order, got)
			if sort != "token" {
				require.Contains(t, got, "Index Only Scan", "%s %s:\n%s", sort, order, got)
			}
		}
	}
	for name, p := range map[string]db.KeyTokensParams{
		"of a user":               {UserID: new("user-7")},
		"of a team":               {TeamID: new("team-7")},
		"of a user in their team": {UserID: new("user-7"), LedTeams: []string{"team-1"}, JoinedTeams: []string{"team-1", "team-2"}, CreatedBy: new("user-77"), Teams: []string{"team-1"}},
		"by alias":                {KeyAlias: new("alias-7")},
		"of a project":            {ProjectID: new("p")},
	} {
		p.Sort, p.Descending = "created_at desc", true
		got := plan(t, st, p)
		require.NotContains(t, got, "Seq Scan", "%s:\n%s", name, got)
	}
}

// Pages are the same from either end.
func TestKey_list_pages_join(t *testing.T) {
	t.Parallel()
	p := crowd(t, 20_000)
	var want []string
	rows, err := p.store.DB().Query(t.Context(), "SELECT token FROM verification_token ORDER BY spend_nano DESC, token DESC")
	require.NoError(t, err)
	want, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, page := range []int{1, 2, 100, 199, 200} {
		got, err := p.keys.List(t.Context(), admin(), key.ListQuery{Page: page, Size: 100, SortBy: "spend", SortOrder: "desc"})
		require.NoError(t, err)
		require.Equal(t, want[(page-1)*100:page*100], got.Keys, page)
		require.EqualValues(t, 20_000, got.TotalCount)
	}
	beyond, err := p.keys.List(t.Context(), admin(), key.ListQuery{Page: 201, Size: 100})
	require.NoError(t, err)
	require.Empty(t, beyond.Keys)
	last, err := p.keys.List(t.Context(), admin(), key.ListQuery{Page: 286, Size: 70, SortBy: "spend", SortOrder: "desc"})
	require.NoError(t, err)
	require.Equal(t, want[285*70:], last.Keys, "a page that is not full")
}

// Keys of a benchmark: go test -run - -bench KeyList -args -keyrows 1000000.
func BenchmarkKeyList(b *testing.B) {
	p := crowd(b, *keyRows)
	pages := *keyRows / 100
	for name, q := range map[string]key.ListQuery{
		"first page":        {Page: 1},
		"first whole page":  {Page: 1, Full: true},
		"middle page":       {Page: pages / 2},
		"three quarters":    {Page: pages * 3 / 4},
		"last page":         {Page: pages},
		"by spend":          {Page: 1, SortBy: "spend"},
		"by alias":          {Page: 1, SortBy: "key_alias", SortOrder: "asc"},
		"by budget":         {Page: 1, SortBy: "max_budget"},
		"of a user":         {Page: 1, UserID: new("user-7")},
		"of a user's teams": {Page: 1, UserID: new("user-1"), TeamKeys: true},
	} {
		q.Size = 100
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := p.keys.List(b.Context(), admin(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.store.KeyCount(b.Context(), p.store.Reader(), db.KeyCountParams{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("aliases", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.keys.Aliases(b.Context(), admin(), key.AliasQuery{Page: 1, Size: 100}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

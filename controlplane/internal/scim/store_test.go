package scim_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/scim"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(tb testing.TB, connections int32) (*store.Store, *scim.Service) {
	tb.Helper()
	st, err := store.Open(tb.Context(), pgtest.New(tb, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), connections)
	require.NoError(tb, err)
	tb.Cleanup(st.Close)
	st.KeepAudit(store.AuditOptions{Keep: true})
	return st, scim.New(st, user.New(st, key.New(st)), team.New(st))
}

// Providers look every user and every group up by name, one by one: that has to
// be found in an index, however many there are.
func TestLookups_use_indexes(t *testing.T) {
	t.Parallel()
	st, s := open(t, 1)
	for _, statement := range []string{
		`INSERT INTO user_table (user_id, user_email, metadata) SELECT 'u' || i, 'u' || i || '@example.com',
			CASE WHEN i % 2 = 0 THEN jsonb_build_object('scim_metadata', jsonb_build_object('userName', 'Name' || i, 'externalId', 'x' || i)) ELSE '{}' END FROM generate_series(1, 20000) i`,
		`INSERT INTO team_table (team_id, team_alias, metadata) SELECT 't' || i, 'Team ' || i, jsonb_build_object('scim_metadata', jsonb_build_object('externalId', 'x' || i))
			FROM generate_series(1, 20000) i`,
		`ANALYZE`,
	} {
		_, err := st.DB().Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	for filter, want := range map[string]string{
		`userName eq "NAME400"`: "u400", `userName eq "u401@example.com"`: "u401", `externalId eq "x400"`: "u400", `emails.value eq "U7@example.com"`: "u7", `id eq "u9"`: "u9",
	} {
		before := scanned(t, st, "user_table")
		all, err := s.Users(t.Context(), &scim.Query{Filter: filter, Count: 10})
		require.NoError(t, err)
		require.Len(t, all.Resources, 1, filter)
		require.Equal(t, want, all.Resources[0].ID)
		require.Equal(t, before, scanned(t, st, "user_table"), "%s reads the whole table", filter)
	}
	for filter, want := range map[string]string{`displayName eq "TEAM 5"`: "t5", `externalId eq "x6"`: "t6", `id eq "t7"`: "t7"} {
		before := scanned(t, st, "team_table")
		all, err := s.Groups(t.Context(), &scim.Query{Filter: filter, Count: 10})
		require.NoError(t, err)
		require.Len(t, all.Resources, 1, filter)
		require.Equal(t, want, all.Resources[0].ID)
		require.Equal(t, before, scanned(t, st, "team_table"), "%s reads the whole table", filter)
	}
}

// scanned is how often a table was read as a whole.
func scanned(t *testing.T, st *store.Store, table string) (n int64) {
	t.Helper()
	_, err := st.DB().Exec(t.Context(), "SELECT pg_stat_force_next_flush()") // of the only connection
	require.NoError(t, err)
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = $1", table).Scan(&n))
	return n
}

// Changes of one group at once are made one after the other: none is lost, and
// no key of somebody who left stays.
func TestGroups_change_at_once(t *testing.T) {
	t.Parallel()
	st, s := open(t, 8)
	master := caller.Caller{Master: true, UserID: caller.AdminUserID}
	const users = 12
	var all []string
	for i := range users {
		name := fmt.Sprintf("u%d", i)
		_, err := s.CreateUser(t.Context(), master, &scim.Change{Body: []byte(`{"userName":"` + name + `"}`)})
		require.NoError(t, err)
		all = append(all, `{"value":"`+name+`"}`)
	}
	g, err := s.CreateGroup(t.Context(), master, &scim.Change{Body: []byte(`{"displayName":"g","members":[` + strings.Join(all[:users/2], ",") + `]}`)})
	require.NoError(t, err)
	_, err = st.DB().Exec(t.Context(), "INSERT INTO verification_token (token, user_id, team_id) SELECT 'k' || i, 'u' || i, $1 FROM generate_series(0, 11) i", g.ID)
	require.NoError(t, err)
	var wg sync.WaitGroup
	errs := make([]error, users)
	for i := range users {
		wg.Go(func() {
			op := `{"op":"remove","path":"members[value eq \"u` + fmt.Sprint(i) + `\"]"}`
			if i >= users/2 {
				op = `{"op":"add","path":"members","value":[` + all[i] + `]}`
			}
			_, errs[i] = s.PatchGroup(t.Context(), master, &scim.Change{ID: g.ID, Body: []byte(`{"Operations":[` + op + `]}`)})
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	g, err = s.Group(t.Context(), g.ID, "")
	require.NoError(t, err)
	require.Len(t, g.Members, users/2)
	for _, m := range g.Members {
		require.Contains(t, []string{"u6", "u7", "u8", "u9", "u10", "u11"}, m.Value)
	}
	for query, want := range map[string]int{
		"SELECT count(*) FROM verification_token": users / 2, "SELECT count(*) FROM deleted_verification_token": users / 2, "SELECT count(*) FROM team_membership": users / 2,
		"SELECT count(*) FROM user_table WHERE cardinality(teams) > 0": users / 2,
	} {
		var n int
		require.NoError(t, st.DB().QueryRow(t.Context(), query).Scan(&n))
		require.Equal(t, want, n, query)
	}
}

// A group may be large.
func TestGroups_are_large(t *testing.T) {
	t.Parallel()
	st, s := open(t, 4)
	master := caller.Caller{Master: true, UserID: caller.AdminUserID}
	_, err := st.DB().Exec(t.Context(), "INSERT INTO user_table (user_id) SELECT 'u' || i FROM generate_series(0, 9999) i")
	require.NoError(t, err)
	members := make([]string, 10_000)
	for i := range members {
		members[i] = fmt.Sprintf(`{"value":"u%d"}`, i)
	}
	list := func(from, to int) string { return "[" + strings.Join(members[from:to], ",") + "]" }
	g, err := s.CreateGroup(t.Context(), master, &scim.Change{Body: []byte(`{"displayName":"g","members":` + list(0, 9000) + `}`)})
	require.NoError(t, err)
	require.Len(t, g.Members, 9000)
	for _, step := range []struct {
		op   string
		want int
	}{
		{`{"op":"add","path":"members","value":` + list(9000, 10_000) + `}`, 10_000},
		{`{"op":"remove","path":"members","value":` + list(0, 4000) + `}`, 6000},
		{`{"op":"replace","path":"members","value":` + list(0, 10) + `}`, 10},
	} {
		g, err = s.PatchGroup(t.Context(), master, &scim.Change{ID: g.ID, Body: []byte(`{"Operations":[` + step.op + `]}`)})
		require.NoError(t, err)
		require.Len(t, g.Members, step.want)
	}
	_, err = s.CreateGroup(t.Context(), master, &scim.Change{Body: []byte(`{"displayName":"half","members":` + list(0, 200) + `,"externalId":"x"}`)})
	require.NoError(t, err)
	broken := strings.Replace(list(0, 200), `"u150"`, `"nobody"`, 1)
	_, err = s.CreateGroup(t.Context(), master, &scim.Change{Body: []byte(`{"displayName":"broken","members":` + broken + `}`)})
	require.Equal(t, scim.InvalidValue, scim.Public(err).Type)
	var teams int
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT count(*) FROM team_table").Scan(&teams))
	require.Equal(t, 2, teams, "nothing is left of a group that could not be made")
}

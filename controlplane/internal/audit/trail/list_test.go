package trail_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit/trail"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

var auditRows = flag.Int("auditrows", 20_000, "entries that lists are of")

// crowd is a store with entries of 40 days, on keys of 200 teams.
func crowd(tb testing.TB, entries int) *store.Store {
	tb.Helper()
	st := open(tb, store.AuditOptions{Keep: true})
	for _, s := range []string{
		"SELECT audit_log_partition((current_date - i * interval '1 month')::date) FROM generate_series(1, 2) i",
		fmt.Sprintf(`INSERT INTO audit_log (id, updated_at, changed_by, changed_by_api_key, action, table_name, object_id, before_value, updated_values)
			SELECT gen_random_uuid(), now() - i * interval '40 days' / %[1]d, 'user-' || i %% 100, 'hash-' || i %% 100,
				CASE WHEN i %% 2 = 0 THEN 'created' ELSE 'updated' END, CASE WHEN i %% 4 < 2 THEN 'verification_token' ELSE 'team_table' END, 'object-' || i / 4,
				CASE WHEN i %% 2 = 1 THEN json_build_object('team_id', 'team-' || i / 4 %% 200, 'token', 'object-' || i / 4, 'models', '{}'::text[]) END,
				json_build_object('team_id', 'team-' || i / 4 %% 200, 'token', 'object-' || i / 4, 'models', '{a,b}'::text[], 'metadata', repeat('x', 200))
			FROM generate_series(1, %[1]d) i`, entries),
		"VACUUM (ANALYZE) audit_log",
	} {
		_, err := st.DB().Exec(tb.Context(), s)
		require.NoError(tb, err)
	}
	return st
}

// Neither a page of the trail nor the trail of one object, team or person is
// looked for from the first entry to the last.
func TestList_uses_indexes(t *testing.T) {
	t.Parallel()
	st := crowd(t, 20_000)
	for name, p := range map[string]db.AuditListParams{
		"all":          {},
		"of an object": {ObjectID: new("object-7")},
		"of a person":  {ChangedBy: new("user-7")},
		"of a team":    {ObjectTeamID: new("team-7")},
		"of a key":     {ObjectKeyHash: new("object-7")},
		"by a key":     {ChangedByApiKey: new("hash-7")},
	} {
		p.Sort, p.PageSize = "updated_at desc", 100
		plan := pgtest.Plan(t, st.Reader(), func(c pgtest.Conn) error {
			_, err := st.AuditList(t.Context(), c, p)
			return err
		})
		require.NotRegexp(t, `Seq Scan on \S+ \S+  \(cost=0.00..[0-9.]*[1-9]`, plan, name) // but of partitions without an entry
	}
}

// BenchmarkList reads pages of a trail of --auditrows entries.
func BenchmarkList(b *testing.B) {
	st := crowd(b, *auditRows)
	s := trail.New(st)
	for name, q := range map[string]trail.Query{
		"first": {}, "middle": {Page: *auditRows / 200}, "object": {ObjectID: new("object-7")}, "person": {ChangedBy: new("user-7")},
		"team": {TeamID: new("team-7")}, "key": {KeyHash: new("object-7")}, "by_key": {ChangedByKey: new("hash-7")}, "by_object": {SortBy: "object_id"},
	} {
		q.Page, q.Size = max(q.Page, 1), 100
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				q := q
				if _, err := s.List(b.Context(), &q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package trail_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/audit/trail"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var errBroken = errors.New("broken")

func open(tb testing.TB, o store.AuditOptions) *store.Store {
	tb.Helper()
	st, err := store.Open(tb.Context(), pgtest.New(tb, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 8)
	require.NoError(tb, err)
	tb.Cleanup(st.Close)
	st.KeepAudit(o)
	return st
}

func admin() caller.Caller { return caller.Caller{Master: true, UserID: caller.AdminUserID} }

func sent[T any](v T) field.Of[T] { return field.Of[T]{Sent: true, Value: v} }

func list(t *testing.T, s *trail.Service, q trail.Query) trail.Page {
	t.Helper()
	q.Page, q.Size = max(q.Page, 1), max(q.Size, 100)
	p, err := s.List(t.Context(), &q)
	require.NoError(t, err)
	return p
}

func TestTrail_of_a_key(t *testing.T) {
	t.Parallel()
	st := open(t, store.AuditOptions{Keep: true, Chain: true})
	keys, s := key.New(st), trail.New(st)
	who := admin()
	made, err := keys.Generate(t.Context(), who, &key.Request{KeyAlias: sent("first"), Metadata: sent(map[string]any{"api_key": "hidden", "team": "x"})})
	require.NoError(t, err)
	who.ChangedBy = "ann@example.com"
	_, err = keys.Update(t.Context(), who, &key.Request{Key: sent(made.Key), KeyAlias: sent("second")})
	require.NoError(t, err)
	_, err = keys.SetBlocked(t.Context(), who, made.Key, true)
	require.NoError(t, err)
	_, err = keys.SetBlocked(t.Context(), who, made.Key, false)
	require.NoError(t, err)
	again, err := keys.Regenerate(t.Context(), who, made.Key, &key.Request{})
	require.NoError(t, err)
	_, err = keys.Delete(t.Context(), who, []string{again.Key}, nil)
	require.NoError(t, err)

	page := list(t, s, trail.Query{SortOrder: "asc"})
	var actions []string
	for _, e := range page.AuditLogs {
		actions = append(actions, e.Action)
		require.Equal(t, "verification_token", e.TableName)
		require.NotContains(t, string(e.BeforeValue)+string(e.UpdatedValues), made.Key)
		require.NotContains(t, string(e.BeforeValue)+string(e.UpdatedValues), "hidden")
	}
	require.Equal(t, []string{"created", "updated", "blocked", "unblocked", "rotated", "deleted"}, actions)
	require.Equal(t, caller.AdminUserID, page.AuditLogs[0].ChangedBy)
	require.Empty(t, page.AuditLogs[0].BeforeValue)
	updated := page.AuditLogs[1]
	require.Equal(t, "ann@example.com", updated.ChangedBy)
	var before, after map[string]any
	require.NoError(t, json.Unmarshal(updated.BeforeValue, &before))
	require.NoError(t, json.Unmarshal(updated.UpdatedValues, &after))
	require.Equal(t, "first", before["key_alias"])
	require.Equal(t, "second", after["key_alias"])
	require.NotContains(t, after, "models", "only what changed is among the new values")
	require.Equal(t, made.Token, page.AuditLogs[4].ObjectID, "a rotation is of the old key")
	require.JSONEq(t, "{}", string(page.AuditLogs[5].UpdatedValues))

	for name, q := range map[string]trail.Query{
		"action": {Action: new("deleted")}, "litellm's table": {Table: new("LiteLLM_VerificationToken"), Action: new("deleted")},
		"object": {ObjectID: &again.Token, Action: new("deleted")}, "key": {KeyHash: &again.Token, Action: new("deleted")},
	} {
		require.Equal(t, int64(1), list(t, s, q).Total, name)
	}
	require.Zero(t, list(t, s, trail.Query{After: new(time.Now().Add(time.Hour))}).Total)
	one, err := s.Get(t.Context(), updated.ID.String())
	require.NoError(t, err)
	require.Equal(t, updated, one)
	for _, id := range []string{"x", "00000000-0000-0000-0000-000000000000"} {
		_, err = s.Get(t.Context(), id)
		require.ErrorContains(t, err, "Audit log with ID "+id+" not found")
	}

	gone, err := keys.List(t.Context(), admin(), key.ListQuery{Page: 1, Size: 10, Status: "deleted"})
	require.NoError(t, err)
	deleted, _ := gone.Keys.([]key.Deleted)
	require.Len(t, deleted, 2, "a key that was replaced is kept too")
	require.Equal(t, again.Token, deleted[0].Token)
	require.Equal(t, "second", *deleted[0].KeyAlias)
	require.Equal(t, "ann@example.com", *deleted[0].ChangedBy)
	require.Equal(t, caller.AdminUserID, *deleted[0].DeletedBy)
	_, err = keys.List(t.Context(), admin(), key.ListQuery{Page: 1, Size: 10, Status: "alive"})
	require.ErrorContains(t, err, "Currently only 'deleted' is supported")

	verdict, err := s.Verify(t.Context(), nil)
	require.NoError(t, err)
	require.True(t, verdict.Sound())
	require.Equal(t, int64(6), verdict.Entries)
}

// There is no change without its entry, and no entry without its change.
func TestTrail_stands_and_falls_with_the_change(t *testing.T) {
	t.Parallel()
	st := open(t, store.AuditOptions{Keep: true, Chain: true})
	keys, s := key.New(st), trail.New(st)
	err := st.InTx(t.Context(), func(tx *store.Tx) error {
		if err := tx.Audited(t.Context(), &audit.Entry{Action: audit.Created, Table: audit.Keys, ObjectID: "x"}); err != nil {
			return err
		}
		return errBroken
	})
	require.ErrorIs(t, err, errBroken)
	require.Zero(t, list(t, s, trail.Query{}).Total)

	made, err := keys.Generate(t.Context(), admin(), &key.Request{})
	require.NoError(t, err)
	_, err = st.DB().Exec(t.Context(), "ALTER TABLE audit_log ADD CONSTRAINT full_disk CHECK (action <> 'deleted')")
	require.NoError(t, err)
	_, err = keys.Delete(t.Context(), admin(), []string{made.Key}, nil)
	require.Error(t, err)
	_, err = keys.ByHash(t.Context(), made.Token)
	require.NoError(t, err, "what can not be recorded does not happen")
}

func TestTrail_is_kept_when_asked_for(t *testing.T) {
	t.Parallel()
	st := open(t, store.AuditOptions{})
	keys := key.New(st)
	made, err := keys.Generate(t.Context(), admin(), &key.Request{})
	require.NoError(t, err)
	_, err = keys.Delete(t.Context(), admin(), []string{made.Key}, nil)
	require.NoError(t, err)
	require.Zero(t, list(t, trail.New(st), trail.Query{}).Total)
	gone, err := keys.List(t.Context(), admin(), key.ListQuery{Page: 1, Size: 10, Status: "deleted"})
	require.NoError(t, err)
	require.Equal(t, int64(1), gone.TotalCount, "deleted keys are kept all the same")
}

func TestVerify_finds_what_was_tampered_with(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]string{
		"changed":     "UPDATE audit_log SET changed_by = 'somebody else' WHERE object_id = '3'",
		"new value":   `UPDATE audit_log SET updated_values = '{"a": 1}' WHERE object_id = '3'`,
		"removed":     "DELETE FROM audit_log WHERE object_id = '3'",
		"end removed": "DELETE FROM audit_log WHERE object_id = '9'",
		"added":       "INSERT INTO audit_log (id, updated_at, action, table_name, object_id, hash) VALUES (gen_random_uuid(), now(), 'created', 't', 'x', 'h')",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := open(t, store.AuditOptions{Keep: true, Chain: true})
			write(t, st, 10)
			s := trail.New(st)
			_, err := st.DB().Exec(t.Context(), tamper)
			require.NoError(t, err)
			verdict, err := s.Verify(t.Context(), nil)
			require.NoError(t, err)
			require.False(t, verdict.Sound())
		})
	}
}

func write(t *testing.T, st *store.Store, n int) {
	t.Helper()
	for i := range n {
		require.NoError(t, st.InTx(t.Context(), func(tx *store.Tx) error {
			return tx.Audited(t.Context(), &audit.Entry{Action: audit.Created, Table: audit.Teams, ObjectID: string(rune('0' + i)), After: map[string]int{"a": i}})
		}))
	}
}

func TestRetention_archives_before_it_deletes(t *testing.T) {
	t.Parallel()
	st := open(t, store.AuditOptions{Keep: true, Chain: true})
	write(t, st, 10)
	s := trail.New(st)
	broken := trail.Retention{Store: st, Age: time.Nanosecond, Archive: noArchive{}, Logger: slog.New(slog.DiscardHandler)}
	require.ErrorIs(t, broken.Once(t.Context(), time.Now().Add(time.Second)), errBroken)
	require.Equal(t, int64(10), list(t, s, trail.Query{}).Total, "nothing goes that is not archived")

	dir := t.TempDir()
	r := trail.Retention{Store: st, Age: 24 * time.Hour, Archive: trail.Dir(dir), Logger: slog.New(slog.DiscardHandler)}
	require.NoError(t, r.Once(t.Context(), time.Now()))
	require.Equal(t, int64(10), list(t, s, trail.Query{}).Total)
	require.NoError(t, r.Once(t.Context(), time.Now().Add(48*time.Hour)))
	require.Zero(t, list(t, s, trail.Query{}).Total)
	files, err := filepath.Glob(filepath.Join(dir, "audit_logs", "*", "*.jsonl"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	content, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.Equal(t, 10, strings.Count(string(content), "\n"))

	write(t, st, 5)
	verdict, err := s.Verify(t.Context(), nil)
	require.NoError(t, err)
	require.True(t, verdict.Sound(), "the chain goes on from where it was archived")
	require.Equal(t, int64(5), verdict.Entries)
}

type noArchive struct{}

func (noArchive) Keep(context.Context, string, []byte) error { return errBroken }

// What was committed after its neighbours were archived stays until it is
// archived too.
func TestRetention_deletes_nothing_that_is_not_archived(t *testing.T) {
	t.Parallel()
	st := open(t, store.AuditOptions{Keep: true})
	write(t, st, 10)
	_, err := st.DB().Exec(t.Context(), "UPDATE audit_chain SET archived_seq = (SELECT max(seq) - 3 FROM audit_log)")
	require.NoError(t, err)
	require.NoError(t, st.AuditDelete(t.Context(), st.DB(), time.Now().Add(time.Hour)))
	require.Equal(t, int64(3), list(t, trail.New(st), trail.Query{}).Total)
	left, err := st.AuditUnarchived(t.Context(), st.DB(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.True(t, left)
}

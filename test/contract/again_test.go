package contract_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

// deadlocks makes Postgres end each transaction once as it ends one of two that
// wait for each other: with its first statement of a kind, or as it is committed.
// What a sequence counts is not undone with the transaction.
const deadlocks = `
CREATE SEQUENCE deadlock_turns;
CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF coalesce(current_setting('deadlock.passed', true), '') = '' THEN
		PERFORM set_config('deadlock.passed', 'yes', true);
		IF nextval('deadlock_turns') %% 2 = 1 THEN
			RAISE EXCEPTION 'deadlock' USING ERRCODE = 'deadlock_detected';
		END IF;
	END IF;
	RETURN NEW;
END $$;
DO $$ DECLARE name text; BEGIN
	FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '%s' LOOP
		EXECUTE format('CREATE %s FOR EACH ROW EXECUTE FUNCTION deadlock()', name);
	END LOOP;
END $$`

// What an admin asks for is done once and right, however often Postgres makes the
// control plane begin again.
func TestTransactions_that_run_again(t *testing.T) {
	t.Parallel()
	const objects = `(_table|^verification_token|_membership)$`
	for name, trigger := range map[string]string{
		"an insert": fmt.Sprintf(deadlocks, objects, "TRIGGER deadlock BEFORE INSERT ON %I"),
		"an update": fmt.Sprintf(deadlocks, objects, "TRIGGER deadlock BEFORE UPDATE ON %I"),
		"a commit":  fmt.Sprintf(deadlocks, "^outbox$", "CONSTRAINT TRIGGER deadlock AFTER INSERT ON %I DEFERRABLE INITIALLY DEFERRED"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stack.Start(t, stack.Options{Config: auditedConfig})
			_, err := s.DB().Exec(t.Context(), trigger)
			require.NoError(t, err)
			manageAll(t, s)
			require.Greater(t, s.Scalar(t, "SELECT last_value FROM deadlock_turns"), int64(10), "nothing was begun again")
		})
	}
}

// manageAll makes one of each object, changes it, and looks at what is stored.
func manageAll(t *testing.T, s *stack.Stack) {
	t.Helper()
	admin := s.Master()
	post := func(path, body string) map[string]any { return admin.Post(t, path, body).OK(t) }
	post("/budget/new", `{"budget_id":"tier","max_budget":5}`)
	post("/budget/update", `{"budget_id":"tier","max_budget":6}`)
	post("/organization/new", `{"organization_id":"org","organization_alias":"Org","max_budget":7,"models":["mock"]}`)
	post("/customer/new", `{"user_id":"carl","alias":"Carl","max_budget":3}`)
	post("/customer/update", `{"user_id":"carl","alias":"Carlo"}`)
	post("/tag/new", `{"name":"tag","description":"Tag","max_budget":2}`)
	post("/tag/update", `{"name":"tag","description":"Tags"}`)
	team := post("/team/new", `{"team_id":"team","team_alias":"Team","members_with_roles":[{"user_id":"ann","role":"admin"},{"user_id":"bob","role":"user"}]}`)
	require.Len(t, team["members_with_roles"], 2)
	added := post("/team/member_add", `{"team_id":"team","member":[{"user_id":"cleo","role":"user"}]}`)
	require.Len(t, added["updated_users"], 1)
	require.Len(t, added["members_with_roles"], 3)
	updated := post("/team/permissions_bulk_update", `{"apply_to_all_teams":true,"permissions":["/key/generate"]}`)
	require.InDelta(t, 1, updated["teams_updated"], 0)
	user := post("/user/new", `{"user_id":"dora","teams":["team"],"organizations":["org"],"key_alias":"dora's"}`)
	require.Equal(t, []any{"team"}, user["teams"])
	key, _ := user["key"].(string)
	many := post("/user/bulk_update", `{"users":[{"user_id":"ann","user_alias":"Ann"},{"user_id":"bob","user_alias":"Bob"}]}`)
	require.Len(t, many["results"], 2)
	obeys(t, s, key, "mock", http.StatusOK)
	renewed, _ := post("/key/regenerate", `{"key":"`+key+`"}`)["key"].(string)
	obeys(t, s, renewed, "mock", http.StatusOK)
	session, _ := s.Client("").Post(t, "/v2/login", map[string]any{"username": "admin", "password": stack.MasterKey}).OK(t)["token"].(string)
	s.Client(session).Get(t, "/user/list").OK(t)

	for table, want := range map[string]struct {
		id  string
		ids []string
	}{
		"organization_table": {"organization_id", []string{"org"}}, "end_user_table": {"user_id", []string{"carl"}}, "tag_table": {"tag_name", []string{"tag"}},
		"team_table": {"team_id", []string{"team"}}, "user_table": {"user_id", []string{"ann", "bob", "cleo", "default_user_id", "dora"}},
		"team_membership": {"user_id", []string{"ann", "bob", "cleo", "dora"}}, "organization_membership": {"user_id", []string{"dora"}},
	} {
		var ids []string
		require.NoError(t, s.DB().QueryRow(t.Context(), fmt.Sprintf("SELECT array_agg(%[1]s ORDER BY %[1]s) FROM %[2]s", want.id, table)).Scan(&ids))
		require.Equal(t, want.ids, ids, table)
	}
	require.EqualValues(t, 4, s.Scalar(t, "SELECT count(*) FROM budget_table"), "the tier, and one each of the organisation, the customer and the tag")
	for id, want := range map[string][]string{"tier": {"created", "updated"}, "org": {"created"}, "carl": {"created", "updated"}, "tag": {"created", "updated"}, "dora": {"created"}} {
		require.EqualValues(t, len(want), s.Scalar(t, "SELECT count(*) FROM audit_log WHERE object_id = $1", id), id)
	}
	require.Equal(t, []string{"created", "rotated"}, trail(t, s, "LiteLLM_VerificationToken", ident.HashKey(key)))
}

package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/deploy/cmd/tianji/program"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// These are the acceptance scenarios of the audit trail and of what is kept of
// deleted objects, over HTTP.

const auditSettings = `litellm_settings: {store_audit_logs: true}
general_settings: {audit_chain: true}
`

// auditRow is an entry as the API shows it.
type auditRow struct {
	ID        string         `json:"id"`
	UpdatedAt time.Time      `json:"updated_at"`
	ChangedBy string         `json:"changed_by"`
	KeyHash   string         `json:"changed_by_api_key"`
	Action    string         `json:"action"`
	Table     string         `json:"table_name"`
	ObjectID  string         `json:"object_id"`
	Before    map[string]any `json:"before_value"`
	After     map[string]any `json:"updated_values"`
}

type auditPage struct {
	Rows  []auditRow `json:"audit_logs"`
	Total int        `json:"total"`
	Page  int        `json:"page"`
	Size  int        `json:"page_size"`
	Pages int        `json:"total_pages"`
}

func audited(t *testing.T, s *stack.Stack, filters ...string) auditPage {
	t.Helper()
	q := url.Values{"page_size": {"100"}, "sort_order": {"asc"}}
	for i := 0; i+1 < len(filters); i += 2 {
		q.Set(filters[i], filters[i+1])
	}
	r := s.Master().Get(t, "/audit?"+q.Encode())
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	var p auditPage
	require.NoError(t, json.Unmarshal(r.Body, &p))
	return p
}

// verifier is a shell of somebody who may read the database.
func verifier(t *testing.T, s *stack.Stack) *shell {
	t.Helper()
	x := newShell(t, s)
	x.env["DATABASE_URL"] = s.DB().Config().ConnString()
	return x
}

func actionsOf(rows []auditRow) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.Action
	}
	return out
}

// step is one request of a sequence.
type step struct{ method, path, body string }

func post(path, body string) step { return step{http.MethodPost, path, body} }

// sequences are what is done to one object of every kind.
func sequences(v *fakevendor.Vendor) map[string]struct {
	table, id string
	steps     []step
	want      []string
} {
	crud := []string{"created", "updated", "deleted"}
	model := fmt.Sprintf(`{"model_name":"new","litellm_params":{"model":"openai/gpt-4o","api_key":"sk-vendor-secret","api_base":%q},"model_info":{"id":"m1"}}`, v.URL()+"/v1")
	return map[string]struct {
		table, id string
		steps     []step
		want      []string
	}{
		"team": {"team_table", "t1", []step{
			post("/team/new", `{"team_id":"t1","team_alias":"a"}`), post("/team/update", `{"team_id":"t1","team_alias":"b"}`), post("/team/block", `{"team_id":"t1"}`),
			post("/team/unblock", `{"team_id":"t1"}`), post("/team/delete", `{"team_ids":["t1"]}`),
		}, []string{"created", "updated", "blocked", "unblocked", "deleted"}},
		"user": {"user_table", "u1", []step{
			post("/user/new", `{"user_id":"u1","auto_create_key":false}`), post("/user/update", `{"user_id":"u1","max_budget":5}`), post("/user/delete", `{"user_ids":["u1"]}`),
		}, crud},
		"model": {"proxy_model_table", "m1", []step{
			post("/model/new", model), post("/model/update", `{"model_info":{"id":"m1"},"litellm_params":{"rpm":5}}`), post("/model/delete", `{"id":"m1"}`),
		}, crud},
		"customer": {"end_user_table", "c1", []step{
			post("/customer/new", `{"user_id":"c1","alias":"a","max_budget":1}`), post("/customer/update", `{"user_id":"c1","alias":"b"}`), post("/customer/block", `{"user_ids":["c1"]}`),
			post("/customer/unblock", `{"user_ids":["c1"]}`), post("/customer/delete", `{"user_ids":["c1"]}`),
		}, []string{"created", "updated", "blocked", "unblocked", "deleted"}},
		"unknown customer": {"end_user_table", "c2", []step{
			post("/customer/block", `{"user_ids":["c2"]}`), post("/customer/block", `{"user_ids":["c2"]}`),
		}, []string{"created", "blocked"}},
		"organization": {"organization_table", "o1", []step{
			post("/organization/new", `{"organization_id":"o1","organization_alias":"a","max_budget":3}`),
			{http.MethodPatch, "/organization/update", `{"organization_id":"o1","organization_alias":"b"}`},
			{http.MethodDelete, "/organization/delete", `{"organization_ids":["o1"]}`},
		}, crud},
		"budget": {"budget_table", "b1", []step{
			post("/budget/new", `{"budget_id":"b1","max_budget":1}`), post("/budget/update", `{"budget_id":"b1","max_budget":2}`), post("/budget/delete", `{"id":"b1"}`),
		}, crud},
		"tag": {"tag_table", "g1", []step{
			post("/tag/new", `{"name":"g1","description":"a"}`), post("/tag/update", `{"name":"g1","description":"b"}`), post("/tag/delete", `{"name":"g1"}`),
		}, crud},
	}
}

func auditedStack(t *testing.T, o stack.Options) (*stack.Stack, *fakevendor.Vendor) {
	t.Helper()
	v := fakevendor.Start(t)
	o.Config = sdkConfig(v) + auditSettings
	return stack.Start(t, o), v
}

func TestAudit_of_every_kind_of_object(t *testing.T) {
	t.Parallel()
	s, v := auditedStack(t, stack.Options{})
	total := 0
	for name, c := range sequences(v) {
		for _, do := range c.steps {
			r := s.Master().With("litellm-changed-by", "ann@example.com").Do(t, do.method, do.path, []byte(do.body))
			require.Equal(t, http.StatusOK, r.Status, "%s: %s: %s", name, do.path, r.Body)
		}
		page := audited(t, s, "table_name", c.table, "object_id", c.id)
		require.Equal(t, c.want, actionsOf(page.Rows), name)
		total += len(c.want)
		for i, row := range page.Rows {
			require.Equal(t, "ann@example.com", row.ChangedBy, name)
			require.Equal(t, i == 0, row.Before == nil, "%s %s: what it was", name, row.Action)
			require.Equal(t, row.Action == "deleted", len(row.After) == 0, "%s %s: what it became", name, row.Action)
		}
	}
	require.EqualValues(t, total, s.Scalar(t, "SELECT count(*) FROM audit_log"), "and nothing else")
	require.Zero(t, s.Scalar(t, "SELECT count(*) FROM audit_log WHERE before_value::text || updated_values::text LIKE '%sk-vendor-secret%'"))
	require.Contains(t, verifier(t, s).run("audit", "verify"), "the chain is sound")
}

// Scenarios 1 to 3: a key's life.
func TestAudit_of_a_key(t *testing.T) {
	t.Parallel()
	s, _ := auditedStack(t, stack.Options{})
	key := s.NewKey(t, map[string]any{"key_alias": "first", "max_budget": 1})
	id := ident.HashKey(key)
	for _, c := range []step{
		post("/key/update", `{"key":"`+key+`","key_alias":"second"}`), post("/key/block", `{"key":"`+key+`"}`), post("/key/unblock", `{"key":"`+key+`"}`),
		post("/key/delete", `{"keys":["`+key+`"]}`),
	} {
		s.Master().Post(t, c.path, c.body).OK(t)
	}
	rows := audited(t, s, "object_id", id).Rows
	require.Equal(t, []string{"created", "updated", "blocked", "unblocked", "deleted"}, actionsOf(rows))
	require.Equal(t, "verification_token", rows[0].Table)
	require.Equal(t, "first", rows[0].After["key_alias"])
	require.Equal(t, "first", rows[1].Before["key_alias"])
	require.Equal(t, "second", rows[1].After["key_alias"])
	require.Equal(t, "second", rows[4].Before["key_alias"])
	require.EqualValues(t, 1, s.Scalar(t, "SELECT count(*) FROM deleted_verification_token WHERE token = $1 AND deleted_at IS NOT NULL AND deleted_by <> ''", id))
	require.Zero(t, s.Scalar(t, "SELECT count(*) FROM verification_token WHERE token = $1", id))
	require.Zero(t, s.Scalar(t, "SELECT count(*) FROM audit_log WHERE before_value::text || updated_values::text LIKE '%' || $1 || '%'", key))
}

// Scenario 4, and an organisation that goes with all that belongs to it.
func TestAudit_of_an_organization_that_goes(t *testing.T) {
	t.Parallel()
	s, _ := auditedStack(t, stack.Options{})
	admin := s.Master()
	s.NewUser(t, map[string]any{"user_id": "ann"})
	admin.Post(t, "/organization/new", `{"organization_id":"o","organization_alias":"O"}`).OK(t)
	admin.Post(t, "/organization/member_add", `{"organization_id":"o","member":{"user_id":"ann","role":"internal_user"}}`).OK(t)
	require.Equal(t, http.StatusOK, admin.Do(t, http.MethodPatch, "/organization/member_update", []byte(`{"organization_id":"o","user_id":"ann","role":"org_admin"}`)).Status)
	var keys []string
	for _, team := range []string{"t1", "t2"} {
		s.NewTeam(t, map[string]any{"team_id": team, "organization_id": "o"})
		keys = append(keys, ident.HashKey(s.NewKey(t, map[string]any{"team_id": team})))
	}
	r := admin.Do(t, http.MethodDelete, "/organization/delete", []byte(`{"organization_ids":["o"]}`))
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	for _, id := range append([]string{"o", "t1", "t2"}, keys...) {
		require.Len(t, audited(t, s, "object_id", id, "action", "deleted").Rows, 1, id)
	}
	members := audited(t, s, "table_name", "organization_membership").Rows
	require.Equal(t, []string{"created", "updated", "deleted"}, actionsOf(members))
	require.Equal(t, "internal_user", members[1].Before["user_role"])
	require.Equal(t, "org_admin", members[1].After["user_role"])
	require.EqualValues(t, 2, s.Scalar(t, "SELECT count(*) FROM deleted_team_table WHERE deleted_at IS NOT NULL AND deleted_by <> ''"))
	require.EqualValues(t, 2, s.Scalar(t, "SELECT count(*) FROM deleted_verification_token WHERE token = ANY($1)", keys))
}

// Scenario 5: filters, pages and orders.
func TestAudit_list(t *testing.T) {
	t.Parallel()
	s, _ := auditedStack(t, stack.Options{})
	s.NewTeam(t, map[string]any{"team_id": "t"})
	key := s.NewKey(t, map[string]any{"team_id": "t"})
	for i := range 5 {
		s.Master().With("litellm-changed-by", "ann").Post(t, "/budget/new", map[string]any{"budget_id": fmt.Sprintf("b%d", i)}).OK(t)
	}
	all := audited(t, s)
	require.Equal(t, 7, all.Total)
	middle := all.Rows[3].UpdatedAt.Format(time.RFC3339Nano)
	for filter, want := range map[[2]string]int{
		{"changed_by", "ann"}: 5, {"changed_by_api_key", "none"}: 0, {"action", "created"}: 7, {"table_name", "budget_table"}: 5, {"table_name", "LiteLLM_BudgetTable"}: 5,
		{"object_id", "b3"}: 1, {"start_date", middle}: 4, {"end_date", middle}: 4, {"object_team_id", "t"}: 2, {"object_key_hash", ident.HashKey(key)}: 1,
	} {
		require.Equal(t, want, audited(t, s, filter[0], filter[1]).Total, filter)
	}
	require.Equal(t, 1, audited(t, s, "changed_by", "ann", "object_id", "b1", "action", "created").Total, "filters are all to be met")
	var seen []string
	for page := range 3 {
		p := audited(t, s, "page", fmt.Sprint(page+1), "page_size", "3")
		require.Equal(t, []int{7, page + 1, 3, 3}, []int{p.Total, p.Page, p.Size, p.Pages})
		for _, r := range p.Rows {
			seen = append(seen, r.ID)
		}
	}
	require.Len(t, seen, 7)
	for i, r := range all.Rows {
		require.Equal(t, r.ID, seen[i], "pages follow each other")
	}
	for _, by := range []string{"id", "updated_at", "changed_by", "changed_by_api_key", "action", "table_name", "object_id"} {
		up, down := audited(t, s, "sort_by", by).Rows, audited(t, s, "sort_by", by, "sort_order", "desc").Rows
		require.Len(t, down, len(up), by)
		if by == "object_id" || by == "id" || by == "updated_at" {
			slices.Reverse(down)
			require.Equal(t, up, down, by)
		}
	}
	var one auditRow
	r := s.Master().Get(t, "/audit/"+all.Rows[0].ID)
	require.NoError(t, json.Unmarshal(r.Body, &one))
	require.Equal(t, all.Rows[0], one)
	require.Equal(t, http.StatusNotFound, s.Master().Get(t, "/audit/none").Status)
	for _, bad := range []string{"page=0", "page_size=101", "page=x"} {
		require.Equal(t, http.StatusUnprocessableEntity, s.Master().Get(t, "/audit?"+bad).Status, bad)
	}
}

// Two admins at two control planes change one object: both are recorded, the
// later wins, and what each found is what the one before it left.
func TestAudit_of_two_admins_at_once(t *testing.T) {
	t.Parallel()
	const rounds = 10
	s, _ := auditedStack(t, stack.Options{ControlPlanes: 2})
	s.NewTeam(t, map[string]any{"team_id": "x"})
	s.NewUser(t, map[string]any{"user_id": "x"})
	key := s.NewKey(t, nil)
	admin := s.Master()
	admin.Post(t, "/customer/new", `{"user_id":"x"}`).OK(t)
	admin.Post(t, "/organization/new", `{"organization_id":"x","organization_alias":"0"}`).OK(t)
	admin.Post(t, "/budget/new", `{"budget_id":"x"}`).OK(t)
	admin.Post(t, "/tag/new", `{"name":"x"}`).OK(t)
	for table, c := range map[string]struct{ id, member, method, path, body string }{
		"verification_token": {ident.HashKey(key), "key_alias", http.MethodPost, "/key/update", `{"key":"` + key + `","key_alias":"%s"}`},
		"team_table":         {"x", "team_alias", http.MethodPost, "/team/update", `{"team_id":"x","team_alias":"%s"}`},
		"user_table":         {"x", "user_alias", http.MethodPost, "/user/update", `{"user_id":"x","user_alias":"%s"}`},
		"end_user_table":     {"x", "alias", http.MethodPost, "/customer/update", `{"user_id":"x","alias":"%s"}`},
		"organization_table": {"x", "organization_alias", http.MethodPatch, "/organization/update", `{"organization_id":"x","organization_alias":"%s"}`},
		"budget_table":       {"x", "budget_duration", http.MethodPost, "/budget/update", `{"budget_id":"x","budget_duration":"%s"}`},
		"tag_table":          {"x", "description", http.MethodPost, "/tag/update", `{"name":"x","description":"%s"}`},
	} {
		var both sync.WaitGroup
		for i := range 2 {
			both.Go(func() {
				for n := range rounds {
					value := fmt.Sprintf("%dd", 1+i*rounds+n) // a duration, and a text
					r := admin.At(s.ControlPlane(i)).Do(t, c.method, c.path, fmt.Appendf(nil, c.body, value))
					if r.Status != http.StatusOK {
						t.Errorf("%s: %d: %s", c.path, r.Status, r.Body)
					}
				}
			})
		}
		both.Wait()
		rows := audited(t, s, "table_name", table, "object_id", c.id, "action", "updated").Rows
		require.Len(t, rows, 2*rounds, table)
		// In the order of the chain, which is that of the commits.
		ids, err := s.DB().Query(t.Context(), "SELECT id::text FROM audit_log WHERE table_name = $1 AND object_id = $2 AND action = 'updated' ORDER BY seq", table, c.id)
		require.NoError(t, err)
		var last any
		for n := 0; ids.Next(); n++ {
			var id string
			require.NoError(t, ids.Scan(&id))
			row := rows[slices.IndexFunc(rows, func(r auditRow) bool { return r.ID == id })]
			if n > 0 {
				require.Equal(t, last, row.Before[c.member], "%s: what one left the next one found", table)
			}
			last = row.After[c.member]
			require.NotNil(t, last, table)
		}
		require.NoError(t, ids.Err())
	}
	require.Contains(t, verifier(t, s).run("audit", "verify"), "the chain is sound")
	_, err := s.DB().Exec(t.Context(), `UPDATE audit_log SET updated_values = '{"team_alias":"forged"}' WHERE table_name = 'team_table' AND action = 'created'`)
	require.NoError(t, err)
	status, _, errs := verifier(t, s).try("audit", "verify")
	require.NotEqual(t, program.StatusOK, status)
	require.Contains(t, errs, "not what was written")
}

// A trail that can not be written, for want of room, lets nothing be changed.
func TestAudit_that_can_not_be_written(t *testing.T) {
	t.Parallel()
	s, v := auditedStack(t, stack.Options{})
	key := s.NewKey(t, map[string]any{"key_alias": "before"})
	_, err := s.DB().Exec(t.Context(), `
		CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
		CREATE TRIGGER no_room BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION no_room()`)
	require.NoError(t, err)
	steps := []step{post("/key/generate", `{}`), post("/key/update", `{"key":"`+key+`","key_alias":"after"}`), post("/key/delete", `{"keys":["`+key+`"]}`)}
	for _, c := range sequences(v) {
		steps = append(steps, c.steps[0])
	}
	before := everything(t, s)
	for _, do := range steps {
		r := s.Master().Do(t, do.method, do.path, []byte(do.body))
		require.Equal(t, http.StatusServiceUnavailable, r.Status, "%s: %s", do.path, r.Body)
		require.Contains(t, string(r.Body), "message", do.path)
		require.NotContains(t, string(r.Body), "extend file", do.path)
	}
	require.Equal(t, before, everything(t, s))
	_, err = s.DB().Exec(t.Context(), "DROP TRIGGER no_room ON audit_log")
	require.NoError(t, err)
	s.Master().Post(t, "/key/delete", `{"keys":["`+key+`"]}`).OK(t)
}

// everything is what a change could have left behind.
func everything(t *testing.T, s *stack.Stack) []string {
	t.Helper()
	var all []string
	for _, table := range []string{
		"verification_token", "deleted_verification_token", "team_table", "user_table", "proxy_model_table", "end_user_table", "organization_table", "budget_table",
		"tag_table", "audit_log", "outbox",
	} {
		var hash string
		require.NoError(t, s.DB().QueryRow(t.Context(), "SELECT count(*) || ' ' || coalesce(md5(string_agg(r::text, '' ORDER BY r::text)), '') FROM "+table+" r").Scan(&hash))
		all = append(all, table+" "+hash)
	}
	return all
}

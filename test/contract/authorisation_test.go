package contract_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/route"
	"github.com/tianjillm/tianjillm/test/stack"
)

// who calls: the columns of the table below.
type who int

const (
	nobody    who = iota // without a key
	unknown              // with a key that does not exist
	stranger             // with the key of a user and team that nobody has made
	owner                // with a key of the user and team that is asked about, who is a plain member
	reader               // an internal_user_viewer
	viewer               // a proxy_admin_viewer
	service              // with a service account's key, of the team
	teamAdmin            // an admin of the team
	orgAdmin             // an admin of the team's organisation
	admin                // a proxy_admin
	master               // with the master key
	callers
)

func (w who) String() string {
	return [...]string{"nobody", "unknown", "stranger", "owner", "reader", "viewer", "service", "team admin", "org admin", "admin", "master"}[w]
}

// statuses are what each caller gets.
type statuses [callers]int

// reads is 200 for what only reads, and else 403.
const reads = -1

// In the order of the callers: nobody, unknown, stranger, owner, reader, viewer,
// service, teamAdmin, orgAdmin, admin, master.
var (
	public    = statuses{200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200}
	anyKey    = statuses{401, 401, 200, 200, 200, 200, 200, 200, 200, 200, 200}
	llm       = statuses{401, 401, 200, 200, 403, 403, 200, 200, 200, 200, 200}
	ownerOnly = statuses{401, 401, 403, 200, 403, 200, 403, 403, 403, 200, 200}
	ownKey    = statuses{401, 401, 403, 200, 401, 403, 403, 403, 403, 200, 200}
	newKey    = statuses{401, 401, 401, 200, 401, 403, 401, 200, 200, 200, 200}
	ofTeam    = statuses{401, 401, 403, 403, 401, 403, 403, 200, 200, 200, 200}
	ofOrg     = statuses{401, 401, 401, 401, 401, reads, 401, 401, 200, 200, 200}
	adminOnly = statuses{401, 401, 401, 401, 401, reads, 401, 401, 401, 200, 200}

	cacheOff      = adminOnly.but(503) // the fixture has no cache
	notOffered    = llm.but(400)
	noVendor      = llm.but(400)
	noCredentials = llm.but(500)
	unknownID     = llm.but(404)
)

// but replaces what those get who may call.
func (s statuses) but(status int) statuses {
	for i := range s {
		if s[i] == http.StatusOK {
			s[i] = status
		}
	}
	return s
}

// of is the status of a caller by a method.
func (s statuses) of(w who, method string) int {
	switch {
	case s[w] != reads:
		return s[w]
	case method == http.MethodGet:
		return s[master]
	}
	return http.StatusForbidden
}

// maker renders the body of one request.
type maker func(f *scene) any

// row is a request to a route and who may make it.
type row struct {
	want  statuses
	query string
	body  maker
}

// fixture is what requests are about.
type fixture struct {
	*stack.Stack

	user, team string
	keys       [callers]string
	serial     atomic.Int64
}

// fresh returns a name that nothing has yet.
func (f *fixture) fresh() string { return fmt.Sprintf("fresh-%d", f.serial.Add(1)) }

// target makes a key of the owner's user, to be changed or deleted.
func (f *fixture) target(t *testing.T) string {
	t.Helper()
	return f.NewKey(t, map[string]any{"user_id": f.user})
}

// scene is the fixture in one test.
type scene struct {
	*fixture

	t *testing.T
}

func rows() map[string]row {
	chat := func(*scene) any { return hello("mock") }
	text := func(*scene) any { return `{"model":"mock","prompt":"Hello"}` }
	embed := func(*scene) any { return `{"model":"mock","input":"Hello"}` }
	onTarget := func(fields string) maker {
		return func(f *scene) any { return `{"key":"` + f.target(f.t) + `"` + fields + `}` }
	}
	empty := func(*scene) any { return "{}" }
	all := map[string]row{
		"POST /key/service-account/generate": {statuses{401, 401, 401, 401, 401, 403, 401, 200, 200, 200, 200}, "", func(f *scene) any { return map[string]any{"team_id": f.team} }},
		"POST /key/generate":                 {newKey, "", empty},
		"POST /key/update":                   {ownKey, "", func(f *scene) any { return map[string]any{"key": f.target(f.t), "key_alias": f.fresh()} }},
		"POST /key/delete":                   {ownKey, "", func(f *scene) any { return map[string]any{"keys": []string{f.target(f.t)}} }},
		"POST /key/block":                    {statuses{401, 401, 403, 403, 401, 403, 403, 403, 403, 200, 200}, "", onTarget("")},
		"POST /key/unblock":                  {statuses{401, 401, 403, 403, 401, 403, 403, 403, 403, 200, 200}, "", onTarget("")},
		"POST /key/regenerate":               {ownKey, "", onTarget("")},
		"POST /key/:key/regenerate":          {ownKey, "", empty},
		"GET /key/info":                      {ownerOnly, "?key=TARGET", nil},
		"GET /key/list":                      {ownerOnly, "?user_id=USER", nil},
		"POST /team/new":                     {ofOrg, "", func(*scene) any { return `{"organization_id":"the-org"}` }},
		"GET /team/info":                     {statuses{401, 401, 403, 200, 403, 200, 200, 200, 200, 200, 200}, "?team_id=TEAM", nil},
		"GET /team/list":                     {statuses{401, 401, 401, 200, 401, 200, 401, 401, 401, 200, 200}, "?user_id=USER", nil},
		"POST /user/new":                     {ofOrg, "", func(*scene) any { return `{"organizations":["the-org"]}` }},
		"GET /user/info":                     {ownerOnly, "?user_id=USER", nil},
		"GET /limits/:kind/:id":              {ownerOnly, "", nil},
		"GET /spend/logs":                    {ownerOnly, "?user_id=USER", nil},
		"POST /spend/calculate": {anyKey, "", func(*scene) any {
			return `{"model":"openai/gpt-4o","messages":[{"role":"user","content":"Hello"}]}`
		}},

		"GET /audit":     {adminOnly, "", nil},
		"GET /audit/:id": {adminOnly.but(404), "", nil},

		"GET /cache/ping":       {cacheOff, "", nil},
		"POST /cache/delete":    {cacheOff, "", func(*scene) any { return `{"keys":[]}` }},
		"POST /cache/flushall":  {cacheOff, "", nil},
		"GET /cache/redis/info": {cacheOff, "", nil},

		"GET /health":            {anyKey, "", nil},
		"GET /health/liveliness": {public, "", nil},
		"GET /health/liveness":   {public, "", nil},
		"GET /health/readiness":  {public, "", nil},
		"GET /metrics":           {public, "", nil},
		"GET /routes":            {public, "", nil},
		"GET /":                  {public, "", nil},
		"GET /models":            {anyKey, "", nil},
		"GET /v1/models":         {anyKey, "", nil},
		"GET /models/*":          {anyKey, "", nil},
		"GET /v1/models/*":       {anyKey, "", nil},
	}
	for _, prefix := range []string{"", "/v1", "/openai/deployments/:model", "/engines/:model"} {
		all["POST "+prefix+"/chat/completions"] = row{llm, "", chat}
		all["POST "+prefix+"/completions"] = row{llm, "", text}
		all["POST "+prefix+"/embeddings"] = row{llm, "", embed}
	}
	addModelRows(all)
	addPrincipalRows(all)
	addDeploymentRows(all)
	addUserRows(all)
	addTeamRows(all)
	addKeyRows(all)
	addSpendRows(all)
	addSCIMRows(all)
	addIdentityRows(all)
	addVendorRows(all)
	return all
}

// addModelRows adds the routes of surfaces that the mock provider, which the
// fixture's model is of, does not offer: whoever may call is told so.
func addModelRows(all map[string]row) {
	body := func(*scene) any {
		return `{"model":"mock","input":"Hello","prompt":"Hello","query":"Hello","documents":["a"]}`
	}
	for _, prefix := range []string{"", "/v1", "/openai/deployments/:model"} {
		all["POST "+prefix+"/responses"] = row{llm, "", body}
		for _, path := range []string{"/images/generations", "/images/edits", "/images/variations", "/audio/speech", "/audio/transcriptions", "/audio/translations"} {
			all["POST "+prefix+path] = row{notOffered, "", body}
		}
	}
	anthropic := func(*scene) any {
		return `{"model":"mock","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}`
	}
	gemini := func(*scene) any { return `{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}` }
	all["POST /v1/messages"] = row{llm, "", anthropic}
	all["POST /v1/messages/count_tokens"] = row{llm, "", anthropic}
	all["POST /v1beta/models/*"] = row{llm, ":generateContent", gemini}
	all["POST /models/*"] = row{llm, ":generateContent", gemini}
	all["GET /v1beta/models"] = row{anyKey, "", nil}
	all["GET /v1beta/models/*"] = row{anyKey, "", nil}
	for _, path := range []string{"/moderations", "/v1/moderations", "/rerank", "/v1/rerank", "/v2/rerank"} {
		all["POST "+path] = row{notOffered, "", body}
	}
	for _, prefix := range []string{"", "/v1"} {
		all["GET "+prefix+"/realtime"] = row{notOffered, "?model=mock", nil}
		all["GET "+prefix+"/responses/:id"] = row{unknownID, "", nil}
		all["DELETE "+prefix+"/responses/:id"] = row{unknownID, "", nil}
		all["POST "+prefix+"/responses/:id/cancel"] = row{unknownID, "", nil}
		all["GET "+prefix+"/responses/:id/input_items"] = row{unknownID, "", nil}
	}
}

// addVendorRows adds the routes that hand requests on: the fixture has no
// vendor, so whoever may call is told so.
func addVendorRows(all map[string]row) {
	for _, r := range route.Table() {
		name := r.Method + " " + r.Path
		if _, known := all[name]; !known && handedOn(r.Path) {
			all[name] = row{noVendor, "", nil}
			if strings.HasPrefix(r.Path, "/bedrock/") { // its credentials may come from many places, which are asked
				all[name] = row{noCredentials, "", nil}
			}
		}
	}
}

func handedOn(path string) bool {
	for _, prefix := range route.PassThroughPrefixes() {
		if path == prefix+"/*" {
			return true
		}
	}
	path = strings.TrimPrefix(path, "/v1")
	for _, prefix := range []string{"/files", "/uploads", "/batches", "/fine_tuning", "/vector_stores", "/assistants", "/threads", "/evals", "/messages/batches"} {
		if path == prefix || path == prefix+"/*" {
			return true
		}
	}
	return false
}

// path fills in the parameters of a route.
func (r row) path(t *testing.T, f *fixture, template string) string {
	t.Helper()
	path := strings.NewReplacer("/limits/:kind/:id", "/limits/user/"+f.user, ":team_id", f.team, ":callback_name", "nothing", ":model", "mock", ":id", "resp_unknown").Replace(template)
	if strings.Contains(path, ":key") {
		path = strings.ReplaceAll(path, ":key", ident.HashKey(f.target(t)))
	}
	path = strings.TrimSuffix(path, "*")
	if path != template && strings.HasSuffix(template, "*") {
		path += "mock"
	}
	query := strings.ReplaceAll(strings.ReplaceAll(r.query, "USER", f.user), "TEAM", f.team)
	if strings.Contains(query, "TARGET") {
		query = strings.ReplaceAll(query, "TARGET", f.target(t))
	}
	if strings.Contains(query, "INVITATION") {
		user := f.NewUser(t, map[string]any{"user_id": f.fresh(), "organizations": []string{"the-org"}})
		id, _ := f.Master().Post(t, "/invitation/new", map[string]any{"user_id": user}).OK(t)["id"].(string)
		query = strings.ReplaceAll(query, "INVITATION", id)
	}
	return path + query
}

// TestEvery_route_has_its_rule calls every route of the table as everybody,
// at every plane that serves it. A route that is new fails until it has a row.
func TestEvery_route_has_its_rule(t *testing.T) {
	t.Parallel()
	f := &fixture{Stack: stack.Start(t, stack.Options{Config: mockConfig})}
	f.addCallers(t)
	f.addPrincipals(t)
	f.addDeployments(t)
	known := rows()
	for _, r := range route.Table() {
		name := r.Method + " " + r.Path
		row, ok := known[name]
		require.True(t, ok, "%s has no row in the table of this test", name)
		delete(known, name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.call(t, r, row, f.DataPlane(0))
			if r.Plane&route.Control != 0 {
				f.call(t, r, row, f.ControlPlane(0))
			}
		})
	}
	require.Empty(t, known, "rows of routes that do not exist")
}

// addCallers makes who calls, and what they are in.
func (f *fixture) addCallers(t *testing.T) {
	t.Helper()
	user := func(id, role string) string {
		return f.NewUser(t, map[string]any{"user_id": id, "user_role": role})
	}
	f.user = user("the-owner", "internal_user")
	f.Master().Post(t, "/organization/new", `{"organization_id":"the-org","organization_alias":"The Org"}`).OK(t)
	f.Master().Post(t, "/organization/member_add", map[string]any{
		"organization_id": "the-org", "member": map[string]string{"user_id": user("the-org-admin", "internal_user"), "role": "org_admin"},
	}).OK(t)
	f.team = f.NewTeam(t, map[string]any{"team_id": "the-team", "organization_id": "the-org", "members_with_roles": []map[string]string{
		{"user_id": f.user, "role": "user"}, {"user_id": user("the-team-admin", "internal_user"), "role": "admin"},
	}})
	of := func(user string) string { return f.NewKey(t, map[string]any{"user_id": user}) }
	f.keys = [callers]string{
		unknown: "sk-unknown-0123", stranger: f.NewKey(t, map[string]any{"user_id": "another", "team_id": "another-team"}),
		owner: f.NewKey(t, map[string]any{"user_id": f.user, "team_id": f.team}), reader: of(user("the-reader", "internal_user_viewer")),
		viewer: of(user("the-viewer", "proxy_admin_viewer")), teamAdmin: of("the-team-admin"), orgAdmin: of("the-org-admin"),
		admin: of(user("the-admin", "proxy_admin")), master: stack.MasterKey,
	}
	f.keys[service], _ = f.Master().Post(t, "/key/service-account/generate", map[string]any{"team_id": f.team}).OK(t)["key"].(string)
}

func (f *fixture) call(t *testing.T, r route.Route, row row, plane string) {
	t.Helper()
	for w := range callers {
		var body []byte
		if row.body != nil {
			body = stack.Body(t, row.body(&scene{f, t}))
		}
		got := f.Client(f.keys[w]).At(plane).Do(t, r.Method, row.path(t, f, r.Path), body)
		require.Equal(t, row.want.of(w, r.Method), got.Status, "%s %s as %s at %s: %s", r.Method, r.Path, w, plane, got.Body)
		if got.Status != http.StatusOK {
			require.NotContains(t, string(got.Body), ident.HashKey(f.keys[w]))
		}
	}
}

// A control plane serves no LLM traffic.
func TestControl_plane_serves_no_LLM_routes(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	for _, r := range route.Table() {
		if r.Plane&route.Control != 0 {
			continue
		}
		got := s.Master().At(s.ControlPlane(0)).Do(t, r.Method, strings.NewReplacer(":model", "mock", "*", "mock").Replace(r.Path), []byte("{}"))
		refusal{http.StatusNotFound, "not_found_error", nil, "Not Found"}.check(t, got)
	}
}

// What a caller who is not the admin gets to see is their own.
func TestLists_show_the_own_alone(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	mine := s.NewKey(t, map[string]any{"user_id": "me", "models": []string{"mock"}})
	also := s.NewKey(t, map[string]any{"user_id": "me"})
	loner := s.NewKey(t, nil)
	other := s.NewKey(t, map[string]any{"user_id": "other"})
	for _, key := range []string{mine, loner, other} {
		s.Client(key).Post(t, chatPath, hello("mock")).OK(t)
		s.WaitBooked(t, key, 1)
	}
	require.ElementsMatch(t, []any{ident.HashKey(mine), ident.HashKey(also)}, s.Client(mine).Get(t, "/key/list").OK(t)["keys"])
	require.ElementsMatch(t, []any{ident.HashKey(loner)}, s.Client(loner).Get(t, "/key/list").OK(t)["keys"])
	require.Len(t, s.Master().Get(t, "/key/list").OK(t)["keys"], 4)

	for key, user := range map[string]string{mine: "me", loner: "", other: "other"} {
		r := s.Client(key).Get(t, "/spend/logs")
		require.Equal(t, http.StatusOK, r.Status)
		require.Equal(t, 1, strings.Count(string(r.Body), `"request_id"`), "%s", r.Body)
		require.Contains(t, string(r.Body), `"user":"`+user+`"`)
		require.Contains(t, string(r.Body), ident.HashKey(key))
	}
	models := s.Client(mine).Get(t, "/model/info").OK(t)["data"]
	require.Len(t, models, 1)
	list := s.Client(mine).Get(t, "/v1/models").OK(t)["data"]
	require.Len(t, list, 1)
}

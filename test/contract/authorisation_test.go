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
	nobody   who = iota // without a key
	unknown             // with a key that does not exist
	stranger            // with the key of another user and team
	owner               // with a key of the user and team that is asked about
	master
	callers
)

func (w who) String() string {
	return [...]string{"nobody", "unknown", "stranger", "owner", "master"}[w]
}

// statuses are what each caller gets.
type statuses [callers]int

var (
	public        = statuses{200, 200, 200, 200, 200}
	anyKey        = statuses{401, 401, 200, 200, 200}
	ownerOnly     = statuses{401, 401, 403, 200, 200}
	masterOnly    = statuses{401, 401, 401, 401, 200}
	cacheOff      = statuses{401, 401, 401, 401, 503} // the fixture has no cache
	notOffered    = statuses{401, 401, 400, 400, 400}
	noVendor      = statuses{401, 401, 400, 400, 400}
	noCredentials = statuses{401, 401, 500, 500, 500}
	unknownID     = statuses{401, 401, 404, 404, 404}
)

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

func (f *fixture) storedModel(t *testing.T) string {
	t.Helper()
	id := f.fresh()
	f.Master().Post(t, "/model/new", map[string]any{
		"model_name": id, "litellm_params": map[string]any{"model": "mock/echo"}, "model_info": map[string]any{"id": id},
	}).OK(t)
	return id
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
		"POST /key/generate":        {masterOnly, "", empty},
		"POST /key/update":          {ownerOnly, "", func(f *scene) any { return map[string]any{"key": f.target(f.t), "key_alias": f.fresh()} }},
		"POST /key/delete":          {ownerOnly, "", func(f *scene) any { return map[string]any{"keys": []string{f.target(f.t)}} }},
		"POST /key/block":           {masterOnly, "", onTarget("")},
		"POST /key/unblock":         {masterOnly, "", onTarget("")},
		"POST /key/regenerate":      {ownerOnly, "", onTarget("")},
		"POST /key/:key/regenerate": {ownerOnly, "", empty},
		"GET /key/info":             {ownerOnly, "?key=TARGET", nil},
		"GET /key/list":             {ownerOnly, "?user_id=USER", nil},
		"POST /team/new":            {masterOnly, "", empty},
		"GET /team/info":            {ownerOnly, "?team_id=TEAM", nil},
		"GET /team/list":            {statuses{401, 401, 401, 200, 200}, "?user_id=USER", nil},
		"POST /user/new":            {masterOnly, "", empty},
		"GET /user/info":            {ownerOnly, "?user_id=USER", nil},
		"POST /model/new": {masterOnly, "", func(f *scene) any {
			return map[string]any{"model_name": f.fresh(), "litellm_params": map[string]any{"model": "mock/echo"}}
		}},
		"POST /model/update": {masterOnly, "", func(f *scene) any {
			return map[string]any{"model_info": map[string]any{"id": f.storedModel(f.t)}, "model_name": f.fresh()}
		}},
		"POST /model/delete": {masterOnly, "", func(f *scene) any { return map[string]any{"id": f.storedModel(f.t)} }},
		"GET /model/info":    {anyKey, "", nil},
		"GET /v1/model/info": {anyKey, "", nil},
		"GET /spend/logs":    {ownerOnly, "?user_id=USER", nil},
		"POST /spend/calculate": {anyKey, "", func(*scene) any {
			return `{"model":"openai/gpt-4o","messages":[{"role":"user","content":"Hello"}]}`
		}},

		"GET /audit":     {masterOnly, "", nil},
		"GET /audit/:id": {statuses{401, 401, 401, 401, 404}, "", nil},

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
		all["POST "+prefix+"/chat/completions"] = row{anyKey, "", chat}
		all["POST "+prefix+"/completions"] = row{anyKey, "", text}
		all["POST "+prefix+"/embeddings"] = row{anyKey, "", embed}
	}
	addModelRows(all)
	addPrincipalRows(all)
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
		all["POST "+prefix+"/responses"] = row{anyKey, "", body}
		for _, path := range []string{"/images/generations", "/images/edits", "/images/variations", "/audio/speech", "/audio/transcriptions", "/audio/translations"} {
			all["POST "+prefix+path] = row{notOffered, "", body}
		}
	}
	anthropic := func(*scene) any {
		return `{"model":"mock","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}`
	}
	gemini := func(*scene) any { return `{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}` }
	all["POST /v1/messages"] = row{anyKey, "", anthropic}
	all["POST /v1/messages/count_tokens"] = row{anyKey, "", anthropic}
	all["POST /v1beta/models/*"] = row{anyKey, ":generateContent", gemini}
	all["POST /models/*"] = row{anyKey, ":generateContent", gemini}
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
	path := strings.NewReplacer(":model", "mock", ":id", "resp_unknown").Replace(template)
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
	return path + query
}

// TestEvery_route_has_its_rule calls every route of the table as everybody,
// at every plane that serves it. A route that is new fails until it has a row.
func TestEvery_route_has_its_rule(t *testing.T) {
	t.Parallel()
	f := &fixture{Stack: stack.Start(t, stack.Options{Config: mockConfig})}
	f.user = f.NewUser(t, map[string]any{"user_id": "the-owner"})
	f.team = f.NewTeam(t, map[string]any{"team_id": "the-team", "members_with_roles": []map[string]string{{"user_id": f.user, "role": "user"}}})
	f.keys = [callers]string{
		"", "sk-unknown-0123", f.NewKey(t, map[string]any{"user_id": "another", "team_id": "another-team"}),
		f.NewKey(t, map[string]any{"user_id": f.user, "team_id": f.team}), stack.MasterKey,
	}
	f.addPrincipals(t)
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

func (f *fixture) call(t *testing.T, r route.Route, row row, plane string) {
	t.Helper()
	for w := range callers {
		var body []byte
		if row.body != nil {
			body = stack.Body(t, row.body(&scene{f, t}))
		}
		got := f.Client(f.keys[w]).At(plane).Do(t, r.Method, row.path(t, f, r.Path), body)
		require.Equal(t, row.want[w], got.Status, "%s %s as %s at %s: %s", r.Method, r.Path, w, plane, got.Body)
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

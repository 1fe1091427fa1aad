package contract_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
)

// echoed is a request as the target of a route got it.
type echoed struct {
	Method, URI, Body string
	Header            http.Header
}

// startEcho runs a target that tells what it was asked.
func startEcho(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("X-Of-The-Target", "1")
		w.Header().Set("Set-Cookie", "target=1")
		switch {
		case strings.HasSuffix(r.URL.Path, "/stream"):
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "event: a\ndata: not JSON\n\n: comment\n\n") // nobody is there
		case strings.HasSuffix(r.URL.Path, "/fails"):
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "short and stout")
		default:
			b, _ := json.Marshal(echoed{r.Method, r.RequestURI, string(body), r.Header})
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(b)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

const routesConfig = `
model_list:
- {model_name: mock, litellm_params: {model: mock/echo}}
general_settings:
  pass_through_endpoints:
  - path: /bria
    target: TARGET/v1/base/
    headers: {Authorization: "Bearer os.environ/BRIA_KEY", X-Fixed: "fixed", content-type: application/json}
    default_query_params: {version: "2", key: os.environ/BRIA_KEY}
    include_subpath: true
    auth: true
    cost_per_request: 0.25
  - {path: /open/exact, target: "TARGET/open?own=1", forward_headers: true, methods: [GET, POST], auth: false}
  - {path: /v1/rerank, target: "TARGET/hidden", auth: true}
  - {path: /langfuse, target: TARGET, auth: true, include_subpath: true, headers: {LANGFUSE_PUBLIC_KEY: pk, LANGFUSE_SECRET_KEY: os.environ/BRIA_KEY}}
  - {path: /late, target: TARGET, auth: true, headers: {X-Key: os.environ/ONLY_NOWHERE}}
`

func startRoutes(t *testing.T) *stack.Stack {
	t.Helper()
	target := startEcho(t)
	return stack.Start(t, stack.Options{
		Config: strings.ReplaceAll(routesConfig, "TARGET", target.URL), DataPlanes: 2, Env: map[string]string{"BRIA_KEY": "bria-secret"},
	})
}

func (e *echoed) read(t *testing.T, r stack.Reply) {
	t.Helper()
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	*e = echoed{}
	require.NoError(t, json.Unmarshal(r.Body, e))
}

// TestRoutes_of_the_config_file hands requests on to an address of the admin's
// choice, on every replica.
func TestRoutes_of_the_config_file(t *testing.T) {
	t.Parallel()
	s := startRoutes(t)
	key := s.NewKey(t, nil)
	c := s.Client(key).At(s.DataPlane(1)).With("X-Of-The-Client", "1").With("X-Pass-Extra", "passed")
	var e echoed
	r := c.Post(t, "/bria/text-to-image/base%2F2.3?a=b%20c&version=3", `{"prompt": "x"}`)
	e.read(t, r)
	require.Equal(t, http.MethodPost, e.Method)
	require.Equal(t, "/v1/base/text-to-image/base%2F2.3?a=b%20c&version=3&key=bria-secret", e.URI)
	require.Equal(t, `{"prompt": "x"}`, e.Body)
	require.Equal(t, []string{"Bearer bria-secret"}, e.Header.Values("Authorization"))
	require.Equal(t, []string{"application/json"}, e.Header.Values("Content-Type"))
	require.Equal(t, "fixed", e.Header.Get("X-Fixed"))
	require.Equal(t, "passed", e.Header.Get("Extra"))
	require.Empty(t, e.Header.Get("X-Of-The-Client"))
	require.Equal(t, "1", r.Header.Get("X-Of-The-Target"))
	require.Empty(t, r.Header.Get("Set-Cookie"))
	require.Equal(t, "0.25", r.Header.Get("X-Tianji-Response-Cost"))

	e.read(t, c.Do(t, http.MethodDelete, "/bria", nil))
	require.Equal(t, "/v1/base/?key=bria-secret&version=2", e.URI)
	r = c.Get(t, "/bria/stream")
	require.Equal(t, "event: a\ndata: not JSON\n\n: comment\n\n", string(r.Body))
	require.Equal(t, "text/event-stream", r.Header.Get("Content-Type"))
	r = c.Get(t, "/bria/fails")
	require.Equal(t, http.StatusTeapot, r.Status)
	require.Equal(t, "short and stout", string(r.Body))
	var spent []int64
	for _, row := range s.WaitBooked(t, key, 4) {
		require.Equal(t, "pass_through_endpoint", row.CallType)
		spent = append(spent, row.SpendNano)
	}
	require.ElementsMatch(t, []int64{250_000_000, 250_000_000, 250_000_000, 0}, spent, "a failure is free")
	e.read(t, c.Get(t, "/langfuse/api/public/traces"))
	require.Equal(t, "Basic cGs6YnJpYS1zZWNyZXQ=", e.Header.Get("Authorization"))
	require.Empty(t, e.Header.Get("Langfuse_public_key"))
}

// TestRoutes_who_may_call_them is the table of rules of these routes.
func TestRoutes_who_may_call_them(t *testing.T) {
	t.Parallel()
	s := startRoutes(t)
	narrow := s.NewKey(t, map[string]any{"allowed_routes": []string{"/v1/chat/completions"}})
	granted := s.NewKey(t, map[string]any{"allowed_routes": []string{"/bria"}, "models": []string{"mock"}})
	blocked := s.NewKey(t, nil)
	s.Master().Post(t, "/key/block", map[string]any{"key": blocked}).OK(t)
	for _, tc := range []struct {
		key, method, path, body string
		status                  int
	}{
		{"", http.MethodPost, "/bria/x", "{}", http.StatusUnauthorized},
		{"sk-nobody", http.MethodPost, "/bria/x", "{}", http.StatusUnauthorized},
		{blocked, http.MethodPost, "/bria/x", "{}", http.StatusUnauthorized},
		{narrow, http.MethodPost, "/bria/x", "{}", http.StatusForbidden},
		{granted, http.MethodPost, "/bria/x", "{}", http.StatusOK},
		{granted, http.MethodPost, "/bria/x", `{"model":"mock"}`, http.StatusOK},
		{granted, http.MethodPost, "/bria/x", `{"model":"gpt-4o"}`, http.StatusForbidden},
		{stack.MasterKey, http.MethodPost, "/bria/x", "{}", http.StatusOK},
		{stack.MasterKey, http.MethodGet, "/bria/../x", "", http.StatusNotFound},
		{stack.MasterKey, http.MethodGet, "/bria/a/%2e%2e/x", "", http.StatusNotFound},
		{stack.MasterKey, http.MethodGet, "/bria/..%2f..%2fadmin", "", http.StatusNotFound},
		{stack.MasterKey, http.MethodGet, "/brian", "", http.StatusNotFound},
		{"", http.MethodGet, "/open/exact", "", http.StatusOK},
		{"", http.MethodPost, "/open/exact/", "{}", http.StatusOK},
		{"", http.MethodDelete, "/open/exact", "", http.StatusMethodNotAllowed},
		{"", http.MethodGet, "/open/exact/below", "", http.StatusNotFound},
		{stack.MasterKey, http.MethodPost, "/v1/rerank", `{"model":"mock","query":"a","documents":["b"]}`, http.StatusBadRequest}, // the gateway's own
		{stack.MasterKey, http.MethodGet, "/late", "", http.StatusNotFound},                                                       // its key is nowhere
	} {
		obeys := func() bool {
			return s.Client(tc.key).Do(t, tc.method, tc.path, []byte(tc.body)).Status == tc.status
		}
		if tc.key == blocked {
			stack.Await(t, "the block is obeyed", obeys)
			continue
		}
		r := s.Client(tc.key).Do(t, tc.method, tc.path, []byte(tc.body))
		require.Equal(t, tc.status, r.Status, "%s %s as %q: %s", tc.method, tc.path, tc.key, r.Body)
	}
}

// TestRoutes_without_a_key: an open route sends the client's own credentials
// on, and never a key of the gateway.
func TestRoutes_without_a_key(t *testing.T) {
	t.Parallel()
	s := startRoutes(t)
	var e echoed
	e.read(t, s.Client("sk-of-the-target").With("X-Of-The-Client", "1").With("Cookie", "a=b").Get(t, "/open/exact?q=1"))
	require.Equal(t, "/open?own=1&q=1", e.URI)
	require.Equal(t, "Bearer sk-of-the-target", e.Header.Get("Authorization"))
	require.Equal(t, "1", e.Header.Get("X-Of-The-Client"))
	require.Empty(t, e.Header.Get("Cookie"))

	key := s.NewKey(t, nil)
	for _, known := range []string{key, stack.MasterKey} {
		e.read(t, s.Client(known).With("X-Api-Key", known).With("X-Of-The-Client", "1").Get(t, "/open/exact"))
		require.Empty(t, e.Header.Get("Authorization"))
		require.Empty(t, e.Header.Get("X-Api-Key"))
		require.Equal(t, "1", e.Header.Get("X-Of-The-Client"))
	}
	s.WaitBooked(t, key, 1)
	e.read(t, s.Client("").With("X-Litellm-Api-Key", key).With("Authorization", "Bearer sk-of-the-target").Get(t, "/open/exact"))
	require.Equal(t, "Bearer sk-of-the-target", e.Header.Get("Authorization"))
	require.NotContains(t, e.Header, "X-Litellm-Api-Key")
}

package fakeollama_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor/fakeollama"
	"github.com/tianjillm/tianjillm/test/fakevendor/internal/rawhttp"
)

const tools = `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]`

func TestChat(t *testing.T) {
	t.Parallel()
	v := fakeollama.Start(t)
	post := func(path, body string) string {
		r := rawhttp.Post(t, v.URL()+path, body)
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
		return r.Body
	}
	lines := strings.Split(strings.TrimSpace(post("/api/chat", `{"model":"m","think":true,"messages":[{"role":"user","content":"x"}]}`)), "\n")
	require.Len(t, lines, 8, "streamed, as it is unless told otherwise")
	require.Contains(t, lines[0], `"thinking":"The user`)
	require.Contains(t, lines[7], `"done_reason":"stop","done":true`)
	require.Contains(t, lines[7], `"eval_count":7`)
	got := post("/api/chat", `{"model":"m","stream":false,"messages":[{"role":"user","content":"x"}]`+tools+`}`)
	require.Contains(t, got, `"tool_calls":[{"function":{"index":0,"name":"f","arguments":{"city":"Paris","unit":"celsius"}}}]`)
	got = post("/api/chat", `{"model":"m","stream":false,"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{}}}]},{"role":"tool","tool_name":"f","content":"21"}]`+tools+`}`)
	require.Contains(t, got, "The tools said: 21")
	got = post("/api/chat", `{"model":"m","stream":false,"format":{"type":"object"},"messages":[{"role":"user","content":"x"}]}`)
	require.Contains(t, got, `{\"city\":\"Paris\"`)
	require.Contains(t, post("/api/generate", `{"model":"m","stream":false,"prompt":"x"}`), `"response":"Hello from the vendor."`)
	require.Contains(t, post("/api/embed", `{"model":"m","input":["a","b"]}`), `"embeddings":[[0.5,-0.25,0.125,1],[0.5,-0.25,0.125,1]]`)
	require.Contains(t, post("/api/show", `{"model":"m"}`), `"tools"`)
	require.Empty(t, v.Refused())
}

// TestRefusals: what a wrong translation would send.
func TestRefusals(t *testing.T) {
	t.Parallel()
	v := fakeollama.Start(t)
	for _, c := range []struct{ body, want string }{
		{`{"messages":[]}`, "model is required"},
		{`{"model":"m","messages":[{"role":"developer","content":"x"}]}`, "invalid role"},
		{`{"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]}`, "cannot unmarshal"},
		{`{"model":"m","messages":[{"role":"user","content":"x","images":["data:image/png;base64,AA=="]}]}`, "illegal base64"},
		{`{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]}`, "cannot unmarshal"},
		{`{"model":"m","format":"json_object","messages":[]}`, "invalid format"},
		{`{"model":"m","think":"max","messages":[]}`, "invalid think value"},
	} {
		r := rawhttp.Post(t, v.URL()+"/api/chat", c.body)
		require.Equal(t, http.StatusBadRequest, r.Status, "%s", c.body)
		require.Contains(t, r.Body, c.want)
	}
}

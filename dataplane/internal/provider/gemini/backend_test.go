package gemini_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// google plays the Gemini API and remembers what it was asked.
type google struct {
	mu    sync.Mutex
	asked []string // method, path and body
	keys  []string
	kept  map[string]string // name of a kept prompt by the name to show
	lost  bool              // kept prompts are said to be gone
	small bool              // prompts are said to be too small to be kept
}

func (g *google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, r.Method+" "+r.RequestURI+" "+string(body))
	g.keys = append(g.keys, r.Header.Get("X-Goog-Api-Key"))
	switch {
	case r.URL.Path == "/v1beta/cachedContents" && r.Method == http.MethodGet:
		var list []string
		for show, name := range g.kept {
			list = append(list, fmt.Sprintf(`{"name":%q,"displayName":%q,"expireTime":%q}`, name, show, time.Now().Add(time.Hour).Format(time.RFC3339)))
		}
		_, _ = fmt.Fprintf(w, `{"cachedContents":[%s]}`, strings.Join(list, ","))
	case r.URL.Path == "/v1beta/cachedContents" && g.small:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"code":400,"message":"Cached content is too small."}}`)
	case r.URL.Path == "/v1beta/cachedContents":
		show := string(jsonx.Lookup(body, "displayName").Of(body))
		name := fmt.Sprintf("cachedContents/%d", len(g.kept)+1)
		g.kept[strings.Trim(show, `"`)] = name
		_, _ = fmt.Fprintf(w, `{"name":%q,"expireTime":%q}`, name, time.Now().Add(time.Hour).Format(time.RFC3339))
	case strings.Contains(string(body), `"cachedContent"`) && g.lost:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"code":403,"message":"CachedContent not found (or permission denied)","status":"PERMISSION_DENIED"}}`)
	case strings.HasSuffix(r.URL.Path, ":countTokens"):
		_, _ = io.WriteString(w, `{"totalTokens":7}`)
	default:
		_, _ = io.WriteString(w, `{"candidates":[{"content":{"parts":[{"text":"hello"}]},"finishReason":"STOP"}]}`)
	}
}

func serve(t *testing.T, g *google, cfg provider.Config) provider.Backend {
	t.Helper()
	g.kept = map[string]string{}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	cfg.APIBase, cfg.Model = server.URL, "gemini-2.5-flash"
	return backend(t, cfg)
}

func backend(t *testing.T, cfg provider.Config) provider.Backend {
	t.Helper()
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	b, err := build(cfg, client)
	require.NoError(t, err)
	return b
}

func ask(t *testing.T, b provider.Backend, body string) {
	t.Helper()
	req, err := chat.Decode([]byte(body))
	require.NoError(t, err)
	answer, err := b.Chat(t.Context(), &provider.Call{}, req)
	require.NoError(t, err)
	require.Equal(t, "hello", answer.Whole.Choices[0].Message.Content.Text())
	require.NoError(t, answer.Close())
}

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestNew_key(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"GEMINI_API_KEY": "b", "PALM_API_KEY": "c"}
	for _, want := range []string{"b", "a", "own"} {
		g := &google{}
		cfg := provider.Config{Getenv: env(vars)}
		switch want {
		case "a":
			vars["GOOGLE_API_KEY"] = "a"
		case "own":
			cfg.APIKey = "own"
		}
		ask(t, serve(t, g, cfg), `{"messages":[{"role":"user","content":"hi"}]}`)
		require.Equal(t, []string{want}, g.keys)
		require.NotContains(t, g.asked[0], "key=", "the key is never in the URL")
	}
	_, err := build(provider.Config{Model: "m"}, nil)
	require.ErrorContains(t, err, "GEMINI_API_KEY")
}

func TestCountTokens(t *testing.T) {
	t.Parallel()
	g := &google{}
	b := serve(t, g, provider.Config{APIKey: "k"})
	for body, want := range map[string]string{
		`{"contents":[{"parts":[{"text":"hi"}]}]}`:                                               `{"contents":[{"parts":[{"text":"hi"}]}]}`,
		`{ "generateContentRequest":{"model":"models/alias", "contents":[{"parts":[]}]},"x":1 }`: `{ "generateContentRequest":{"model":"models/gemini-2.5-flash", "contents":[{"parts":[]}]},"x":1 }`,
	} {
		members, err := jsonx.Members(nil, []byte(body))
		require.NoError(t, err)
		reply, err := b.Do(t.Context(), &provider.Call{Surface: provider.GeminiCountTokens, Body: []byte(body), Members: members})
		require.NoError(t, err)
		answer, err := io.ReadAll(reply)
		require.NoError(t, err)
		require.NoError(t, reply.Close())
		require.JSONEq(t, `{"totalTokens":7}`, string(answer))
		require.Equal(t, "POST /v1beta/models/gemini-2.5-flash:countTokens "+want, g.asked[len(g.asked)-1])
	}
}

// marked is a request whose long system prompt is to be kept.
func marked(t *testing.T, question string) string {
	t.Helper()
	long, err := json.Marshal(strings.Repeat("You know everything about tokens. ", 200))
	require.NoError(t, err)
	return `{"messages":[{"role":"system","content":[{"type":"text","text":` + string(long) + `,"cache_control":{"type":"ephemeral","ttl":"1h"}}]},
		{"role":"user","content":"` + question + `"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"auto"}`
}

func TestPromptCache(t *testing.T) {
	t.Parallel()
	g := &google{}
	b := serve(t, g, provider.Config{APIKey: "k"})
	ask(t, b, marked(t, "one"))
	require.Len(t, g.asked, 3)
	require.Contains(t, g.asked[0], "GET /v1beta/cachedContents?pageSize=1000")
	require.Contains(t, g.asked[1], "POST /v1beta/cachedContents {")
	for _, part := range []string{`"model":"models/gemini-2.5-flash"`, `"ttl":"3600s"`, `"systemInstruction":{"parts":[{"text":"You know`, `"functionDeclarations"`, `"displayName":`, `"functionCallingConfig"`} {
		require.Contains(t, g.asked[1], part)
	}
	require.NotContains(t, g.asked[1], "one")
	const second = `POST /v1beta/models/gemini-2.5-flash:generateContent {"contents":[{"role":"user","parts":[{"text":"%s"}]}],"cachedContent":"cachedContents/1"}`
	require.Equal(t, fmt.Sprintf(second, "one"), g.asked[2])

	ask(t, b, marked(t, "two"))
	require.Len(t, g.asked, 4, "it is remembered")
	require.Equal(t, fmt.Sprintf(second, "two"), g.asked[3])

	g.lost = true
	ask(t, b, marked(t, "three"))
	require.Len(t, g.asked, 6)
	require.NotContains(t, g.asked[5], "cachedContent", "what Gemini has lost is said again")
	require.Contains(t, g.asked[5], "systemInstruction")

	g.lost = false
	ask(t, b, marked(t, "four"))
	require.Len(t, g.asked, 8, "it is found again where it is kept")
	require.Contains(t, g.asked[6], "GET ")
	require.Equal(t, fmt.Sprintf(second, "four"), g.asked[7])
}

func TestPromptCache_refused(t *testing.T) {
	t.Parallel()
	g := &google{small: true}
	b := serve(t, g, provider.Config{APIKey: "k"})
	ask(t, b, marked(t, "one"))
	ask(t, b, marked(t, "two"))
	require.Len(t, g.asked, 4, "asked once, then sent as it is")
	require.Contains(t, g.asked[2], "systemInstruction")
	require.Contains(t, g.asked[3], "systemInstruction")
	ask(t, b, `{"messages":[{"role":"user","content":[{"type":"text","text":"short","cache_control":{"type":"ephemeral"}}]},{"role":"user","content":"hi"}]}`)
	require.Len(t, g.asked, 5, "too short to be asked for")
}

func TestPromptCache_waits_for_the_first(t *testing.T) {
	t.Parallel()
	g := &google{}
	b := serve(t, g, provider.Config{APIKey: "k"})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { ask(t, b, marked(t, "same")) })
	}
	wg.Wait()
	require.Len(t, g.kept, 1)
	require.Len(t, g.asked, 10)
}

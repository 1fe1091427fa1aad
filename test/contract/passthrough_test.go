package contract_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakecohere"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakegemini"
	"github.com/tianjillm/tianjillm/test/stack"
)

// The vendors' names of models, and the names that keys are bound to.
const (
	claude = "claude-sonnet-4-5"
	flash  = "gemini-2.5-flash"
)

// passage is a call of a vendor's own API through the gateway.
type passage struct {
	name, path, body string
	// key is the header that carries the gateway's key; "" puts it into the query.
	key   string
	model string
	typ   string
	// holds are pieces of the vendor's own words.
	holds []string
	// estimated answers do not say what they used.
	estimated bool
}

const (
	plainJSON = "application/json"
	events    = "text/event-stream; charset=utf-8"
	bearer    = "Authorization"
	anthropic = "X-Api-Key"
	google    = "X-Goog-Api-Key"
)

func passages() []passage {
	const (
		ask    = `"messages":[{"role":"user","content":"Hello"}]`
		claims = `{"model":"` + claude + `","max_tokens":16,` + ask
		gemini = `{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}`
		method = "/gemini/v1beta/models/" + flash
	)
	named := `"model":"gpt-4o` + fakevendor.Snapshot + `"`
	return []passage{
		{name: "chat", path: "/openai/v1/chat/completions", body: `{"model":"gpt-4o",` + ask + `}`, key: bearer, model: "gpt-4o", typ: plainJSON, holds: []string{named}},
		{name: "chat without a version", path: "/openai_passthrough/chat/completions", body: `{"model":"gpt-4o",` + ask + `}`, key: bearer, model: "gpt-4o", typ: plainJSON, holds: []string{named}},
		{
			name: "chat stream", path: "/openai/v1/chat/completions", body: `{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true},` + ask + `}`, key: bearer, model: "gpt-4o", typ: events,
			holds: []string{named, `"choices":[]`, "data: [DONE]\n\n"},
		},
		{
			name: "chat stream without usage", path: "/openai/v1/chat/completions", body: `{"model":"gpt-4o","stream":true,` + ask + `}`, key: bearer, model: "gpt-4o", typ: events,
			holds: []string{named, "data: [DONE]\n\n"}, estimated: true,
		},
		{name: "response", path: "/openai/v1/responses", body: `{"model":"gpt-4o","input":"Hello"}`, key: "Litellm_user_api_key", model: "gpt-4o", typ: plainJSON, holds: []string{`"id":"resp_vendor`}},
		{name: "response stream", path: "/openai/v1/responses", body: `{"model":"gpt-4o","input":"Hello","stream":true}`, key: bearer, model: "gpt-4o", typ: events, holds: []string{`"id":"resp_vendor`, "event: response.completed"}},
		{name: "message", path: "/anthropic/v1/messages", body: claims + `}`, key: anthropic, model: claude, typ: plainJSON, holds: []string{`"type":"message"`}},
		{name: "message stream", path: "/anthropic/v1/messages", body: claims + `,"stream":true}`, key: anthropic, model: claude, typ: events, holds: []string{"event: message_start", "event: message_stop"}},
		{name: "content", path: method + ":generateContent", body: gemini, key: google, model: flash, typ: "application/json; charset=UTF-8", holds: []string{`"usageMetadata"`}},
		{name: "content stream", path: method + ":streamGenerateContent?alt=sse", body: gemini, key: google, model: flash, typ: "text/event-stream", holds: []string{"data: {"}},
		{name: "content list", path: method + ":streamGenerateContent", body: gemini, model: flash, typ: "application/json; charset=UTF-8", holds: []string{`[{`}},
	}
}

// passThroughVendors are three vendors, each with a deployment.
type passThroughVendors struct{ openai, anthropic, gemini *fakevendor.Vendor }

func startPassThrough(t *testing.T) (passThroughVendors, *stack.Stack) {
	t.Helper()
	v := passThroughVendors{fakevendor.Start(t), fakeanthropic.Start(t), fakegemini.Start(t)}
	cohere := fakecohere.Start(t)
	config := "model_list:\n" + v.openai.Deployment("gpt", "gpt-4o") + v.openai.Deployment("other", "gpt-4.1") +
		v.anthropic.Deployment("claude", claude) + v.gemini.Deployment("flash", flash)
	return v, stack.Start(t, stack.Options{Config: config, Env: map[string]string{"COHERE_API_KEY": fakevendor.Key, "COHERE_API_BASE": cohere.Host()}})
}

// call sends the passage with a key where the vendor's SDKs put it.
func (p passage) call(t *testing.T, s *stack.Stack, key string) stack.Reply {
	t.Helper()
	c := s.Client("").With("anthropic-version", "2023-06-01").With("x-of-the-client", "1").With("Cookie", "a=b")
	switch p.key {
	case "":
		return c.Post(t, p.path+"?key="+key, p.body)
	case bearer:
		return s.Client(key).With("x-of-the-client", "1").Post(t, p.path, p.body)
	}
	return c.With(p.key, key).Post(t, p.path, p.body)
}

func (v passThroughVendors) last(t *testing.T, model string) *fakevendor.Call {
	t.Helper()
	switch model {
	case claude:
		return v.anthropic.Last(t, model)
	case flash:
		return v.gemini.Last(t, model)
	}
	return v.openai.Last(t, model)
}

// TestPassThrough: the vendor's own API with the gateway's key. Bytes are what
// they are, credentials are swapped, and what was used is booked.
//
//nolint:tparallel,paralleltest // each case looks at the last call
func TestPassThrough(t *testing.T) {
	t.Parallel()
	v, s := startPassThrough(t)
	for _, p := range passages() {
		t.Run(p.name, func(t *testing.T) {
			key := s.NewKey(t, map[string]any{"models": []string{"gpt", "claude", "flash"}})
			r := p.call(t, s, key)
			require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
			require.Equal(t, p.typ, r.Header.Get("Content-Type"))
			require.Empty(t, r.Header.Get("Set-Cookie"))
			require.NotEmpty(t, r.Header.Get("X-Tianji-Call-Id"))
			for _, piece := range p.holds {
				require.Contains(t, string(r.Body), piece)
			}
			sent := v.last(t, p.model)
			require.Empty(t, sent.Refusal)
			require.Equal(t, p.body, string(sent.Body))
			require.NotContains(t, fmt.Sprint(sent.Header, sent.URI), key)
			for _, name := range []string{"X-Of-The-Client", "Cookie", "X-Tianji-Call-Id"} {
				require.Empty(t, sent.Header.Get(name), name)
			}
			require.LessOrEqual(t, len(sent.Header.Values("Anthropic-Version")), 1)

			row := s.WaitBooked(t, key, 1)[0]
			require.Equal(t, "pass_through_endpoint", row.CallType)
			require.Equal(t, p.model, row.Model)
			require.Equal(t, strings.HasPrefix(p.typ, "text/event-stream") || p.name == "content list", row.Stream)
			require.Equal(t, p.estimated, row.UsageEstimated)
			if !p.estimated {
				require.EqualValues(t, fakevendor.PromptTokens, row.PromptTokens)
				require.EqualValues(t, fakevendor.CompletionTokens, row.CompletionTokens)
				require.EqualValues(t, textSpend, row.SpendNano)
			}
			require.Positive(t, row.SpendNano)
		})
	}
}

// TestPassThrough_refusals: a passage is no way around what a key may use, and
// the gateway's own refusals have the vendor's envelope.
func TestPassThrough_refusals(t *testing.T) {
	t.Parallel()
	v, s := startPassThrough(t)
	key := s.NewKey(t, map[string]any{"models": []string{"other"}})
	c := s.Client(key)
	const denied = `"messages":[{"role":"user","content":"Hello"}]}`
	forbidden := refusal{http.StatusForbidden, "key_model_access_denied", "gpt-4o", "The requested model 'gpt-4o' is not available"}
	forbidden.check(t, c.Post(t, "/openai/v1/chat/completions", `{"model":"gpt-4o",`+denied))
	forbidden.check(t, c.Post(t, "/openai/v1/chat/completions", `{"m\u006fdel":"gpt-4\u006f",`+denied))
	forbidden.check(t, c.With("Content-Type", "text/plain").Post(t, "/openai/v1/chat/completions", ` {"model":"gpt-4o",`+denied))
	forbidden.check(t, postForm(t, c, "/openai/v1/audio/transcriptions", []upload{{"file", "a.mp3", "x"}}, "model", "gpt-4o"))
	hidden := refusal{http.StatusBadRequest, "invalid_request_error", nil, "Invalid JSON payload"}
	hidden.check(t, c.Post(t, "/openai/v1/chat/completions", `{"model":"other","model":"gpt-4o",`+denied))
	hidden.check(t, c.Post(t, "/openai/v1/chat/completions", "\xff\xfe{\x00"))
	hidden.check(t, c.With("Content-Type", "application/octet-stream").Post(t, "/openai/v1/chat/completions", `[{"model":"gpt-4o",`+denied+`]`))
	require.Equal(t, http.StatusUnsupportedMediaType, c.With("Content-Encoding", "gzip").Post(t, "/openai/v1/chat/completions", "x").Status)

	r := c.Post(t, "/anthropic/v1/messages", `{"model":"`+claude+`","max_tokens":16,`+denied)
	require.Equal(t, http.StatusForbidden, r.Status)
	require.Equal(t, "error", r.Object(t)["type"])
	r = c.Post(t, "/anthropic/v1/messages/batches", `{"requests":[{"custom_id":"1","params":{"model":"`+claude+`","max_tokens":16,`+denied+`}]}`)
	require.Equal(t, http.StatusForbidden, r.Status, "%s", r.Body)
	r = c.Post(t, "/v1/messages/batches", `{"requests":[{"custom_id":"1","params":{"model":"`+claude+`","max_tokens":16,`+denied+`}]}`)
	require.Equal(t, http.StatusForbidden, r.Status, "%s", r.Body)
	r = c.Post(t, "/gemini/v1beta/models/"+flash+":generateContent", `{"contents":[]}`)
	require.Equal(t, http.StatusForbidden, r.Status)
	require.Contains(t, string(r.Body), `"status":"PERMISSION_DENIED"`)
	require.Equal(t, http.StatusForbidden, c.Post(t, "/gemini/v1beta/tunedModels/"+flash+":generateContent", `{"contents":[]}`).Status)
	require.Equal(t, http.StatusUnauthorized, s.Client("").Post(t, "/gemini/v1beta/models/"+flash+":generateContent?key=sk-nobody", `{}`).Status)

	refusal{http.StatusBadRequest, "invalid_request_error", nil, "No credentials for provider 'mistral'"}.check(t, c.Get(t, "/mistral/v1/models"))
	narrow := s.NewKey(t, map[string]any{"allowed_routes": []string{"/v1/chat/completions"}})
	require.Equal(t, http.StatusForbidden, s.Client(narrow).Get(t, "/openai/v1/models").Status)
	for _, vendor := range []*fakevendor.Vendor{v.openai, v.anthropic, v.gemini} {
		for _, model := range []string{"gpt-4o", claude, flash, ""} {
			require.Empty(t, vendor.Calls(model))
		}
	}
}

// TestPassThrough_as_it_is: what has no model, errors, and what is neither JSON
// nor a stream.
func TestPassThrough_as_it_is(t *testing.T) {
	t.Parallel()
	v, s := startPassThrough(t)
	key := s.NewKey(t, map[string]any{"models": []string{"gpt", "claude"}, "allowed_routes": []string{"llm_api_routes"}})
	c := s.Client(key)
	require.Len(t, c.Get(t, "/openai/v1/models").OK(t)["data"], 2)
	require.Equal(t, "claude-vendor", c.With("anthropic-version", "2023-06-01").Get(t, "/anthropic/v1/models?limit=2&after=a%20b").OK(t)["first_id"])
	require.Equal(t, "limit=2&after=a%20b", v.anthropic.Last(t, "").Query)

	v.openai.Script("gpt-4o", fakevendor.FailLater(http.StatusTooManyRequests, "Slow down.", "17"))
	r := c.Post(t, "/openai/v1/chat/completions", hello("gpt-4o"))
	require.Equal(t, http.StatusTooManyRequests, r.Status)
	require.Equal(t, "17", r.Header.Get("Retry-After"))
	require.JSONEq(t, `{"error":{"message":"Slow down.","type":"requests","param":null,"code":"rate_limit_exceeded"}}`, string(r.Body))
	v.openai.Script("gpt-4o", fakevendor.Status(http.StatusBadGateway, "<html>502</html>"))
	r = c.Post(t, "/openai/v1/chat/completions", hello("gpt-4o"))
	require.Equal(t, http.StatusBadGateway, r.Status)
	require.Equal(t, "text/html", r.Header.Get("Content-Type"))
	require.Equal(t, "<html>502</html>", string(r.Body))
	v.openai.Script("gpt-4o", fakevendor.Answer(fakevendor.Options{CutAfter: 2}))
	r = c.Post(t, "/openai/v1/chat/completions", `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello"}]}`)
	require.Error(t, r.Err, "a stream that is cut is cut")
	require.Contains(t, string(r.Body), fakevendor.Pieces()[0])
	v.openai.Script("gpt-4o", fakevendor.HangUp())
	r = c.Post(t, "/openai/v1/chat/completions", hello("gpt-4o"))
	refusal{http.StatusInternalServerError, nil, nil, "Connection error."}.check(t, r)

	r = c.Post(t, "/openai/v1/audio/speech", `{"model":"gpt-4o","input":"Hello","voice":"alloy"}`)
	require.Equal(t, http.StatusInternalServerError, r.Status)
	v.openai.Script("gpt-4o")
	r = c.Post(t, "/openai/v1/audio/speech", `{"model":"gpt-4o","input":"Hello","voice":"alloy"}`)
	require.Equal(t, fakevendor.Sound, string(r.Body))
	require.Equal(t, "audio/mpeg", r.Header.Get("Content-Type"))
	r = postForm(t, c, "/openai/v1/audio/transcriptions", []upload{{"file", "a.mp3", "0123456789"}}, "model", "gpt-4o")
	require.Equal(t, "I hear 10 bytes.", r.OK(t)["text"])

	// Without a deployment, by the environment.
	all := s.NewKey(t, nil)
	require.Len(t, s.Client(all).Post(t, "/cohere/v2/rerank", `{"model":"rerank-v3.5","query":"b","documents":["a","b"]}`).OK(t)["results"], 2)
}

package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// byModel builds the backend of a deployment by the model that it is of.
type byModel map[string]provider.Backend

func (b byModel) Build(cfg provider.Config) (provider.Backend, error) { return b[cfg.Model], nil }

// several serves one model for each backend, under the same name.
func several(t *testing.T, backends byModel, settings *contract.RouterSettings) (*pipeline.Pipeline, *ledger) {
	t.Helper()
	l, log := &ledger{}, slog.New(slog.DiscardHandler)
	router := route.New(route.Options{Logger: log, Registry: prometheus.NewRegistry(), Clock: time.Now})
	t.Cleanup(router.Close)
	p := pipeline.New(pipeline.Options{
		Principals: nobody{}, Recorder: l, Router: router, Replica: "r", Version: "v", Logger: log, Registry: prometheus.NewRegistry(),
	})
	var records []*contract.Deployment
	for name := range backends {
		records = append(records, &contract.Deployment{ID: name + "-id", ModelName: name, Provider: "openai", Model: name})
	}
	env := route.Environment{Builder: backends, Getenv: func(string) string { return "" }, Logger: log, Router: router}
	p.Configure(&snapshot.Config{Auth: contract.AuthSettings{MasterKeySHA256: ident.HashKey(master)}}, route.Build(env, records, settings, nil))
	return p, l
}

const good = `{"id":"x","model":"vendor","choices":[{"index":0,"message":{"role":"assistant","content":"yes"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`

func refusing(status int, message string) *scripted {
	return &scripted{status: status, pieces: []string{`{"error":{"message":"` + message + `"}}`}}
}

func TestFallback_by_what_went_wrong(t *testing.T) {
	t.Parallel()
	backends := byModel{
		"long":     refusing(http.StatusBadRequest, "This model's maximum context length is 10 tokens"),
		"prude":    refusing(http.StatusBadRequest, "content_policy_violation"),
		"down":     refusing(http.StatusServiceUnavailable, "overloaded"),
		"breaking": &scripted{header: events, err: errBroken},
		"good":     &scripted{pieces: []string{good}},
	}
	to := func(from string) []contract.Fallback {
		return []contract.Fallback{{Model: from, To: []contract.FallbackTarget{{Model: "good"}}}}
	}
	p, l := several(t, backends, &contract.RouterSettings{
		NumRetries: new(0), ContextWindowFallbacks: to("long"), ContentPolicyFallbacks: to("prude"), DefaultFallbacks: []string{"good"},
	})
	for i, model := range []string{"long", "prude", "down", "breaking"} {
		w := serve(p, `{"model":"`+model+`","messages":[{"role":"user","content":"x"}]}`)
		require.Equal(t, http.StatusOK, w.Code, "%s: %s", model, w.Body)
		require.Equal(t, "1", w.Header().Get("X-Tianji-Attempted-Fallbacks"))
		require.Contains(t, w.Body.String(), `"model":"`+model+`"`)
		u := l.events[i]
		require.Equal(t, "good-id", u.DeploymentID)
		require.Equal(t, 1, u.Fallbacks)
		require.Equal(t, contract.Success, u.Status)
	}
}

func TestRetry_with_another_try(t *testing.T) {
	t.Parallel()
	flaky := &flaky{first: refusing(http.StatusInternalServerError, "oops"), then: &scripted{pieces: []string{good}}}
	p, l := several(t, byModel{"m": flaky}, &contract.RouterSettings{NumRetries: new(1), CooldownMS: new(int64(0))})
	w := serve(p, `{"model":"m","messages":[{"role":"user","content":"x"}]}`)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, "1", w.Header().Get("X-Tianji-Attempted-Retries"))
	require.Equal(t, 1, l.only(t).Retries)
}

// flaky answers its first call otherwise than the rest.
type flaky struct {
	first, then *scripted
	called      bool
}

func (f *flaky) Offers(s provider.Surface) bool { return f.then.Offers(s) }

func (f *flaky) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	return f.then.Chat(ctx, call, req)
}

func (f *flaky) Do(ctx context.Context, call *provider.Call) (provider.Reply, error) {
	if !f.called {
		f.called = true
		return f.first.Do(ctx, call)
	}
	return f.then.Do(ctx, call)
}

// A fallback that changes members starts from the client's own body, and the
// next one does not see those changes.
func TestFallback_merges_over_the_body(t *testing.T) {
	t.Parallel()
	second := refusing(http.StatusInternalServerError, "no")
	third := &scripted{pieces: []string{good}}
	p, _ := several(t, byModel{"first": refusing(http.StatusInternalServerError, "no"), "second": second, "third": third}, &contract.RouterSettings{NumRetries: new(0)})
	w := serve(p, `{"model":"first","temperature":1,"messages":[{"role":"user","content":"own"}],
		"fallbacks":[{"model":"second","temperature":0.5,"top_p":0.1,"messages":[{"role":"user","content":"other"}]},"third"]}`)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, "2", w.Header().Get("X-Tianji-Attempted-Fallbacks"))
	require.Contains(t, string(second.calls[0].Body), `"content":"other"`)
	require.Contains(t, string(second.calls[0].Body), `"temperature":0.5`)
	require.Contains(t, string(second.calls[0].Body), `"top_p":0.1`)
	require.Contains(t, string(third.calls[0].Body), `"content":"own"`)
	require.True(t, strings.HasPrefix(string(third.calls[0].Body), `{"model":"first","temperature":1,"messages"`), "%s", third.calls[0].Body)
}

// When everything fails, the client reads why the model that it asked for did.
func TestFallback_that_fails_tells_of_both(t *testing.T) {
	t.Parallel()
	p, l := several(t, byModel{"a": refusing(http.StatusUnauthorized, "bad key"), "b": refusing(http.StatusNotFound, "no such model")},
		&contract.RouterSettings{NumRetries: new(0), Fallbacks: []contract.Fallback{{Model: "a", To: []contract.FallbackTarget{{Model: "b"}}}}})
	w := serve(p, `{"model":"a","messages":[{"role":"user","content":"x"}]}`)
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Contains(t, w.Body.String(), "bad key")
	require.Contains(t, w.Body.String(), "Error doing the fallback")
	require.Equal(t, contract.Failure, l.only(t).Status)
}

// native is a backend with a wire of its own.
type native struct {
	answer *provider.Answer
	err    error
	asked  *chat.Request
}

func (n *native) Offers(provider.Surface) bool { return false }

func (n *native) Do(context.Context, *provider.Call) (provider.Reply, error) {
	return nil, provider.ErrUnsupported
}

func (n *native) Chat(_ context.Context, _ *provider.Call, req *chat.Request) (*provider.Answer, error) {
	n.asked = req
	return n.answer, n.err
}

// chunked is a stream in the internal form.
type chunked struct {
	chunks []chat.Chunk
	err    error
}

func (c *chunked) Ready() bool  { return true }
func (c *chunked) Close() error { return nil }

func (c *chunked) Next(into *chat.Chunk) error {
	if len(c.chunks) == 0 {
		if c.err != nil {
			return c.err
		}
		return io.EOF
	}
	*into, c.chunks = c.chunks[0], c.chunks[1:]
	return nil
}

func vendorHeader(string) string { return "" }

func TestTranslated_stream(t *testing.T) {
	t.Parallel()
	deltas := []chat.Chunk{
		{ID: "id-1", Deltas: []chat.Delta{{Content: "He"}}},
		{Deltas: []chat.Delta{{Content: "y"}}},
		{Deltas: []chat.Delta{{FinishReason: chat.FinishStop}}, Usage: chat.Usage{Input: 3, Output: 2}, HasUsage: true},
	}
	b := &native{answer: &provider.Answer{Header: vendorHeader, Stream: &chunked{chunks: deltas}}}
	p, l := several(t, byModel{"m": b}, nil)
	w := serve(p, `{"model":"m","stream":true,"stream_options":{"include_usage":true},"drop_params":true,"timeout":5,"messages":[{"role":"user","content":"x"}]}`)
	var text strings.Builder
	events := strings.Split(strings.TrimSpace(w.Body.String()), "\n\n")
	for _, event := range events[:len(events)-2] {
		var c chat.Chunk
		require.NoError(t, chat.DecodeChunk([]byte(strings.TrimPrefix(event, "data: ")), &c))
		require.Equal(t, "id-1", c.ID)
		require.Equal(t, "m", c.Model)
		text.WriteString(c.Deltas[0].Content)
	}
	require.Equal(t, "Hey", text.String())
	require.Contains(t, events[len(events)-2], `"total_tokens":5`)
	require.Equal(t, "data: [DONE]", events[len(events)-1])
	require.EqualValues(t, 2, l.only(t).OutputTokens)
	require.NotContains(t, b.asked.Extra, "drop_params", "what speaks to the gateway goes to no vendor")
	require.NotContains(t, b.asked.Extra, "timeout")
}

func TestTranslated_answer_and_failures(t *testing.T) {
	t.Parallel()
	whole := &chat.Response{Choices: []chat.Choice{{Message: chat.Message{Role: chat.Assistant, Content: chat.Text("hi there")}, FinishReason: chat.FinishStop}}}
	backends := byModel{
		"whole":   &native{answer: &provider.Answer{Header: vendorHeader, Whole: whole}},
		"refuses": &native{err: &provider.Failure{Status: 529, Text: "busy", Header: func(name string) string { return map[string]string{"Retry-After": "7"}[name] }}},
		"midway":  &native{answer: &provider.Answer{Header: vendorHeader, Stream: &chunked{err: errors.New("cut")}}},
	}
	p, _ := several(t, backends, &contract.RouterSettings{NumRetries: new(0)})
	ask := func(model, more string) (int, http.Header, string) {
		w := serve(p, `{"model":"`+model+`",`+more+`"messages":[{"role":"user","content":"x"}]}`)
		return w.Code, w.Header(), w.Body.String()
	}
	code, _, body := ask("whole", "")
	require.Equal(t, http.StatusOK, code, body)
	var got struct {
		ID, Model string
		Usage     struct {
			CompletionTokens int `json:"completion_tokens"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.Equal(t, "whole", got.Model)
	require.NotEmpty(t, got.ID)
	require.Positive(t, got.Usage.CompletionTokens, "what the vendor does not report is counted")

	code, header, body := ask("refuses", "")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "7", header.Get("Retry-After"))
	require.Contains(t, body, "ServiceUnavailableError: OpenAIException - busy")

	code, _, body = ask("midway", `"stream":true,`)
	require.Equal(t, http.StatusInternalServerError, code, "nothing was sent yet: %s", body)
}

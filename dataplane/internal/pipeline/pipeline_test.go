package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	ask       = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
	askStream = `{"model":"m","stream":true,"messages":[]}`
)

var events = map[string]string{"Content-Type": "text/event-stream"}

func chunk(model, content string) string {
	return fmt.Sprintf(`data: {"id":"x","object":"chat.completion.chunk","model":%q,"choices":[{"index":0,"delta":{"content":%q}}],"usage":null}`+"\n\n", model, content)
}

const (
	usageChunk = `data: {"id":"x","model":"vendor-m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":2}}}` + "\n\n"
	done       = "data: [DONE]\n\n"
)

func TestJSON_is_metered_and_shows_the_name_that_was_asked_for(t *testing.T) {
	t.Parallel()
	p, l := newPipeline(t, &scripted{pieces: []string{`{"id":"1","model":"vendor-m","cho`, `ices":[],"usage":{"prompt_tokens":1000,"completion_tokens":10}}`}})
	w := serve(p, ask)
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{"id":"1","model":"m","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":10}}`, w.Body.String())
	require.Equal(t, fmt.Sprint(w.Body.Len()), w.Header().Get("Content-Length"))
	require.Equal(t, "0.00102", w.Header().Get("X-Tianji-Response-Cost"))
	u := l.only(t)
	require.Equal(t, contract.Success, u.Status)
	require.EqualValues(t, 1_020_000, u.CostNano)
	require.Equal(t, w.Header().Get("X-Tianji-Call-Id"), u.ID)
}

// However the vendor's bytes are cut, the client gets the same.
func TestStream_does_not_depend_on_how_it_arrives(t *testing.T) {
	t.Parallel()
	whole := ": hello\n\n" + chunk("vendor-m", "a") + strings.ReplaceAll(chunk("vendor-m", `q"\n`), "\n", "\r\n") + chunk("m", "c") + "event: x\n\n" + usageChunk + done
	want := ": hello\n\n" + chunk("m", "a") + strings.ReplaceAll(chunk("m", `q"\n`), "\n", "\r\n") + chunk("m", "c") + "event: x\n\n" + done
	rapid.Check(t, func(rt *rapid.T) {
		var pieces []string
		for rest := whole; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "n")
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		p, l := newPipeline(t, &scripted{header: events, pieces: pieces})
		w := serve(p, askStream)
		require.Equal(rt, want, w.Body.String())
		u := l.only(t)
		require.EqualValues(rt, 7, u.InputTokens)
		require.EqualValues(rt, 3, u.OutputTokens)
		require.EqualValues(rt, 2, u.CachedInputTokens)
		require.False(rt, u.Estimated)
	})
}

func TestStream_shows_usage_to_a_client_that_asked(t *testing.T) {
	t.Parallel()
	backend := &scripted{header: events, pieces: []string{chunk("vendor-m", "a"), usageChunk, done}}
	p, _ := newPipeline(t, backend)
	w := serve(p, `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`)
	require.Contains(t, w.Body.String(), `"prompt_tokens":7`)
	require.False(t, backend.calls[0].AddUsage)
}

func TestStream_passes_events_of_any_length(t *testing.T) {
	t.Parallel()
	giant := chunk("vendor-m", strings.Repeat("x", 6<<20))
	p, l := newPipeline(t, &scripted{header: events, pieces: []string{giant, chunk("vendor-m", "b"), usageChunk, done}})
	w := serve(p, askStream)
	require.Len(t, w.Body.String(), len(giant)+len(chunk("m", "b"))+len(done))
	require.True(t, strings.HasSuffix(w.Body.String(), chunk("m", "b")+done))
	require.EqualValues(t, 7, l.only(t).InputTokens)
}

func TestStream_that_breaks_off_ends_with_an_error_event_and_is_booked(t *testing.T) {
	t.Parallel()
	p, l := newPipeline(t, &scripted{header: events, pieces: []string{chunk("vendor-m", "one"), chunk("vendor-m", " two"), `data: {"half`}, err: errBroken})
	w := serve(p, askStream)
	body := w.Body.String()
	require.True(t, strings.HasPrefix(body, chunk("m", "one")+chunk("m", " two")))
	last := strings.TrimPrefix(body, chunk("m", "one")+chunk("m", " two"))
	var event struct {
		Error struct{ Message, Code string } `json:"error"`
	}
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(strings.TrimSpace(last), "data: ")), &event))
	require.Equal(t, "500", event.Error.Code)
	u := l.only(t)
	require.Equal(t, contract.Failure, u.Status)
	require.EqualValues(t, 2, u.OutputTokens, "what was streamed is paid for")
	require.True(t, u.Estimated)
}

func TestFailures_have_the_error_shape_and_are_booked_once(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		backend *scripted
		body    string
		status  int
		text    string
	}{
		"vendor refuses":           {&scripted{status: 429, header: map[string]string{"Retry-After": "7"}, pieces: []string{`{"error":{"message":"slow down"}}`}}, ask, 429, "slow down"},
		"vendor's text":            {&scripted{status: 503, pieces: []string{`overloaded`}}, ask, 503, "overloaded"},
		"vendor's page":            {&scripted{status: 502, pieces: []string{`<html>secret stack</html>`}}, ask, 502, "gave no reason"},
		"connection":               {&scripted{failed: errBroken}, ask, 500, "Connection error."},
		"timeout":                  {&scripted{failed: context.DeadlineExceeded}, ask, 408, "timed out"},
		"not offered":              {&scripted{failed: provider.ErrUnsupported}, ask, 400, "does not offer"},
		"breaks off":               {&scripted{pieces: []string{`{"id":`}, err: errBroken}, ask, 500, "Connection error."},
		"garbage":                  {&scripted{pieces: []string{`not json`}}, ask, 500, "not a JSON object"},
		"panic":                    {&scripted{panics: true}, ask, 500, "Internal server error"},
		"stream breaks at once":    {&scripted{header: events, err: errBroken}, askStream, 500, "Connection error."},
		"stream of nothing":        {&scripted{header: events}, askStream, 500, "before its first event"},
		"stream of garbage":        {&scripted{header: events, pieces: []string{"data: hello\n\n"}}, askStream, 500, "JSON events"},
		"stream refused":           {&scripted{status: 401, header: events, pieces: []string{`{"error":{"message":"bad key"}}`}}, askStream, 401, "bad key"},
		"answer although streamed": {&scripted{pieces: []string{`[]`}}, askStream, 500, "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, l := newPipeline(t, tc.backend)
			w := serve(p, tc.body)
			require.Equal(t, tc.status, w.Code, w.Body.String())
			var envelope struct {
				Error struct {
					Message     string
					Type, Param *string
					Code        string
				} `json:"error"`
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &envelope))
			require.Equal(t, fmt.Sprint(tc.status), envelope.Error.Code)
			require.Contains(t, envelope.Error.Message, tc.text)
			require.NotContains(t, envelope.Error.Message, "secret")
			u := l.only(t)
			require.Equal(t, contract.Failure, u.Status)
			require.Equal(t, tc.status, u.HTTPStatus)
			if name == "vendor refuses" {
				require.Equal(t, "7", w.Header().Get("Retry-After"))
				require.Equal(t, "throttling_error", *envelope.Error.Type)
			}
		})
	}
}

func TestRequests_that_can_not_be_understood_reach_nobody(t *testing.T) {
	t.Parallel()
	for body, status := range map[string]int{
		``: 400, `[]`: 400, `{"model":"m"`: 400, `{"model":"m","model":"other"}`: 400, `{"model":"m","mod\u0065l":"other"}`: 400,
		`{"model":7}`: 400, `{"model":"nope"}`: 400, `{}`: 400, `{"model":null}`: 400, `{"model":"` + strings.Repeat("x", 300) + `"}`: 400,
		`{"model":"m","temperature":1,"temperature":2}`: 400,
	} {
		backend := &scripted{pieces: []string{`{}`}}
		p, l := newPipeline(t, backend)
		w := serve(p, body)
		require.Equal(t, status, w.Code, body)
		require.Empty(t, backend.calls, body)
		require.Empty(t, l.events, body)
	}
}

func TestModelInThePathIsWhatIsSent(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"messages":[]}`, `{}`, `{"model":"other","messages":[]}`} {
		backend := &scripted{pieces: []string{`{"model":"vendor-m","usage":{"prompt_tokens":1,"completion_tokens":1}}`}}
		p, _ := newPipeline(t, backend)
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/openai/deployments/m/chat/completions", strings.NewReader(body))
		r.Header.Set("Api-Key", master)
		p.Serve(w, r, pipeline.Endpoint{Surface: provider.ChatCompletions, Name: "/chat/completions", Chats: true}, "m")
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		require.NotNil(t, backend.calls[0].Lookup("model"), "there is a member for the backend to replace")
		require.Contains(t, w.Body.String(), `"model":"m"`)
	}
}

// leaving is a client that goes away after its first bytes.
type leaving struct {
	*httptest.ResponseRecorder

	cancel context.CancelFunc
}

func (l *leaving) Write(p []byte) (int, error) {
	l.cancel()
	return l.ResponseRecorder.Write(p)
}

func TestClientThatLeavesPaysForWhatWasStreamed(t *testing.T) {
	t.Parallel()
	backend := &scripted{header: events, pieces: []string{chunk("vendor-m", "one"), chunk("vendor-m", " two")}, err: context.Canceled}
	p, l := newPipeline(t, backend)
	ctx, cancel := context.WithCancel(t.Context())
	w := &leaving{httptest.NewRecorder(), cancel}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(askStream)).WithContext(ctx)
	r.Header.Set("Authorization", "Bearer "+master)
	p.Serve(w, r, pipeline.Endpoint{Surface: provider.ChatCompletions, Name: "/chat/completions", Chats: true}, "")
	u := l.only(t)
	require.Equal(t, 499, u.HTTPStatus)
	require.EqualValues(t, 2, u.OutputTokens)
	require.Positive(t, u.CostNano)
}

func TestUnconfiguredPipelineAsksToWait(t *testing.T) {
	t.Parallel()
	fresh := pipeline.New(pipeline.Options{Principals: nobody{}, Recorder: &ledger{}, Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
	w := serve(fresh, ask)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "1", w.Header().Get("Retry-After"))
}

func FuzzServe(f *testing.F) {
	for _, seed := range []string{ask, askStream, `{"model":"m","stream":true,"stream_options":null,"user":"u"}`, `{"model":"m","user":"\ud800"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		backend := &scripted{pieces: []string{`{"model":"vendor-m","usage":{"prompt_tokens":1}}`}}
		p, l := newPipeline(t, backend)
		w := serve(p, body)
		if w.Code != http.StatusOK {
			require.Empty(t, backend.calls)
			require.True(t, json.Valid(w.Body.Bytes()))
			return
		}
		model, err := jsonx.Unquote(backend.calls[0].Lookup("model"))
		require.NoError(t, err)
		require.Equal(t, "m", model, "nothing but what was checked is sent")
		l.only(t)
	})
}

func FuzzStream(f *testing.F) {
	f.Add(chunk("vendor-m", "a")+usageChunk+done, 5)
	f.Add("data: {}\n\ndata: x\n\n: c\n\n", 1)
	f.Add(": only a comment, which goes out before the end is seen\n\n", 100)
	f.Add("data: {\"usage\":{\"prompt_tokens\":-1}}\n\n", 3)
	f.Fuzz(func(t *testing.T, stream string, step int) {
		step = 1 + max(step, -step)&1023
		var pieces []string
		for i := 0; i < len(stream); i += step {
			pieces = append(pieces, stream[i:min(i+step, len(stream))])
		}
		p, l := newPipeline(t, &scripted{header: events, pieces: pieces})
		begin := time.Now()
		w := serve(p, askStream)
		require.Less(t, time.Since(begin), 10*time.Second)
		require.GreaterOrEqual(t, l.only(t).CostNano, int64(0))
		require.NotZero(t, w.Code)
	})
}

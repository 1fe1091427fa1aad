package contract_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// speech is a dialect in which clients ask.
type speech struct {
	name string
	// all: every mishap is asked about, not only a few.
	all  bool
	path func(model string, stream bool) string
	body func(model string, stream bool) map[string]any
	// refused takes the message out of an error, which must be the dialect's.
	refused func(t *testing.T, status int, body []byte) string
	// says is what an event says.
	says func(data []byte) string
	// event is the name of the event that ends a stream that fails.
	event string
}

func speeches() []speech { return []speech{openAISpeech(), anthropicSpeech(), geminiSpeech()} }

func openAISpeech() speech {
	return speech{
		name: "openai", all: true,
		path: func(string, bool) string { return chatPath },
		body: func(model string, stream bool) map[string]any {
			body := hello(model)
			body["stream"] = stream
			return body
		},
		refused: func(t *testing.T, status int, body []byte) string {
			t.Helper()
			want := refusal{status: status}
			if status == http.StatusTooManyRequests {
				want.kind = "throttling_error"
			}
			want.checkBody(t, body)
			var e struct {
				Error struct {
					Message string `json:"message"`
				} `json:"error"`
			}
			require.NoError(t, json.Unmarshal(body, &e))
			return e.Error.Message
		},
		says: func(data []byte) string {
			var e struct {
				Choices []struct {
					Delta struct {
						Content string `json:"content"`
					} `json:"delta"`
				} `json:"choices"`
			}
			if json.Unmarshal(data, &e) != nil || len(e.Choices) == 0 {
				return ""
			}
			return e.Choices[0].Delta.Content
		},
	}
}

// anthropicSpeech is https://docs.anthropic.com/en/api/errors
func anthropicSpeech() speech {
	kinds := map[int]string{
		http.StatusUnauthorized: "authentication_error", http.StatusForbidden: "permission_error", http.StatusNotFound: "not_found_error",
		http.StatusRequestTimeout: "timeout_error", http.StatusRequestEntityTooLarge: "request_too_large", http.StatusTooManyRequests: "rate_limit_error",
		http.StatusInternalServerError: "api_error", http.StatusServiceUnavailable: "overloaded_error",
	}
	return speech{
		name: "anthropic", event: "error",
		path: func(string, bool) string { return "/v1/messages" },
		body: func(model string, stream bool) map[string]any {
			body := hello(model)
			body["stream"], body["max_tokens"] = stream, 99
			return body
		},
		refused: func(t *testing.T, status int, body []byte) string {
			t.Helper()
			var e struct {
				Type  string `json:"type"`
				Error struct {
					Type    string `json:"type"`
					Message string `json:"message"`
				} `json:"error"`
			}
			require.NoError(t, json.Unmarshal(body, &e), "%s", body)
			require.Equal(t, "error", e.Type, "%s", body)
			kind, ok := kinds[status]
			if !ok {
				kind = "invalid_request_error"
			}
			require.Equal(t, kind, e.Error.Type, "%s", body)
			return e.Error.Message
		},
		says: func(data []byte) string {
			var e struct {
				Delta struct {
					Text string `json:"text"`
				} `json:"delta"`
			}
			if json.Unmarshal(data, &e) != nil {
				return ""
			}
			return e.Delta.Text
		},
	}
}

// geminiSpeech is https://cloud.google.com/apis/design/errors
func geminiSpeech() speech {
	names := map[int]string{
		http.StatusUnauthorized: "UNAUTHENTICATED", http.StatusForbidden: "PERMISSION_DENIED", http.StatusNotFound: "NOT_FOUND",
		http.StatusRequestTimeout: "DEADLINE_EXCEEDED", http.StatusTooManyRequests: "RESOURCE_EXHAUSTED",
		http.StatusInternalServerError: "INTERNAL", http.StatusServiceUnavailable: "UNAVAILABLE",
	}
	type part struct {
		Text string `json:"text"`
	}
	type content struct {
		Parts []part `json:"parts"`
	}
	return speech{
		name: "gemini",
		path: func(model string, stream bool) string {
			if stream {
				return "/v1beta/models/" + model + ":streamGenerateContent?alt=sse"
			}
			return "/v1beta/models/" + model + ":generateContent"
		},
		body: func(string, bool) map[string]any {
			return map[string]any{"contents": []map[string]any{{"role": "user", "parts": []part{{"Hello"}}}}}
		},
		refused: func(t *testing.T, status int, body []byte) string {
			t.Helper()
			var e struct {
				Error struct {
					Code    int    `json:"code"`
					Message string `json:"message"`
					Status  string `json:"status"`
				} `json:"error"`
			}
			require.NoError(t, json.Unmarshal(body, &e), "%s", body)
			require.Equal(t, status, e.Error.Code, "%s", body)
			name, ok := names[status]
			if !ok {
				name = "INVALID_ARGUMENT"
			}
			require.Equal(t, name, e.Error.Status, "%s", body)
			return e.Error.Message
		},
		says: func(data []byte) string {
			var e struct {
				Candidates []struct {
					Content content `json:"content"`
				} `json:"candidates"`
			}
			said := ""
			if json.Unmarshal(data, &e) != nil || len(e.Candidates) == 0 {
				return ""
			}
			for _, p := range e.Candidates[0].Content.Parts {
				said += p.Text
			}
			return said
		},
	}
}

// request asks about a model of a vendor.
type request struct {
	speech *speech
	peer   *peer
	model  string
	// native is the vendor's model behind it, final whether the client asks for
	// retries that it must not get.
	native string
	final  bool
	stream bool
	want   outcome
	// by is the deployment that answers: the first, or one that stands in.
	by    string
	reply stack.Reply
}

func (q *request) name() string {
	kind := "JSON"
	if q.stream {
		kind = "stream"
	}
	return q.peer.name + "/" + q.model + " by " + q.speech.name + " as " + kind
}

// ask sends the request and keeps what comes.
func (q *request) ask(t *testing.T, s *stack.Stack, key string) {
	t.Helper()
	c := s.Client(key).With("Anthropic-Version", "2023-06-01")
	if q.final {
		c = c.With("X-Tianji-Num-Retries", "2")
	}
	q.reply = c.Post(t, q.speech.path(q.model, q.stream), q.speech.body(q.model, q.stream))
}

// check holds the reply against what is wanted.
func (q *request) check(t *testing.T) {
	t.Helper()
	r := q.reply
	require.NoError(t, r.Err, "an answer that fails still ends in order: %s", r.Body)
	require.Equal(t, q.by, r.Header.Get("X-Tianji-Model-Id"))
	require.Equal(t, q.want.after, r.Header.Get("Retry-After"))
	fallbacks := ""
	if !strings.HasPrefix(q.by, q.peer.name+"-") {
		fallbacks = "1"
	}
	require.Equal(t, fallbacks, r.Header.Get("X-Tianji-Attempted-Fallbacks"), "%s", begin(r.Body))
	require.Contains(t, []string{"", "0"}, r.Header.Get("X-Tianji-Attempted-Retries"))
	switch {
	case q.want.begun:
		require.Equal(t, http.StatusOK, r.Status)
		event, data, said := q.events(r.Body)
		require.Equal(t, fakevendor.Pieces()[0]+fakevendor.Pieces()[1], said)
		require.Equal(t, q.speech.event, event, "%s", begin(r.Body))
		q.explained(t, data)
	case q.want.class != "":
		require.Equal(t, q.want.status, r.Status, "%s", begin(r.Body))
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		q.explained(t, r.Body)
	default:
		q.answered(t)
	}
}

// explained holds an error against what is wanted.
func (q *request) explained(t *testing.T, body []byte) {
	t.Helper()
	message := q.speech.refused(t, q.want.status, body)
	want := "litellm." + q.want.class + ": " + q.want.class + ": " + q.peer.exception + " - " + q.want.text
	require.True(t, strings.HasPrefix(message, want), "want %s\ngot %s", want, message)
}

// answered holds a success against what the vendor says.
func (q *request) answered(t *testing.T) {
	t.Helper()
	require.Equal(t, http.StatusOK, q.reply.Status, "%s", begin(q.reply.Body))
	if q.stream {
		event, data, said := q.events(q.reply.Body)
		require.Equal(t, fakevendor.Text(), said, "%s", begin(q.reply.Body))
		require.NotEqual(t, "error", event)
		require.NotContains(t, string(data), `"error"`)
		return
	}
	require.Contains(t, string(q.reply.Body), strconv.Quote(fakevendor.Text()))
}

// events reads a stream: its last event, and what all of them say.
func (q *request) events(body []byte) (event string, data []byte, said string) {
	text := strings.ReplaceAll(strings.TrimSpace(string(body)), "\r\n", "\n")
	for block := range strings.SplitSeq(text, "\n\n") {
		event, data = "", nil
		for line := range strings.SplitSeq(block, "\n") {
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				event = name
			}
			if value, ok := strings.CutPrefix(line, "data: "); ok {
				data = []byte(value)
			}
		}
		said += q.speech.says(data)
	}
	return event, data, said
}

// begin is how a body begins, for messages.
func begin(body []byte) []byte { return body[:min(len(body), 300)] }

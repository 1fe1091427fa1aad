package ollama_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/conformance"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/ollama"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// pictures is what stands behind every URL.
type pictures struct{}

func (pictures) Fetch(context.Context, string) (content []byte, mediaType string, err error) {
	return []byte("picture"), "image/png", nil
}

func TestGolden(t *testing.T) {
	t.Parallel()
	conformance.Run(t, "testdata/golden", func(cfg provider.Config, client *upstream.Client) (provider.Backend, error) {
		return ollama.New(cfg, client, pictures{})
	})
}

func TestNew_refuses_a_template_that_is_none(t *testing.T) {
	t.Parallel()
	_, err := ollama.New(provider.Config{Model: "m", Params: map[string]json.RawMessage{"roles": json.RawMessage("1")}}, nil, nil)
	require.ErrorContains(t, err, "roles")
	_, err = ollama.New(provider.Config{Model: "m", APIBase: "x"}, nil, nil)
	require.ErrorContains(t, err, "api_base")
}

// server is an Ollama whose model neither thinks nor calls tools.
type server struct {
	*httptest.Server

	asked  []map[string]json.RawMessage
	answer string
}

func newServer(t *testing.T) (*server, provider.Backend) {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&body)
		s.asked = append(s.asked, body)
		for member, what := range map[string]string{"tools": "tools", "think": "thinking"} {
			if body[member] != nil {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"error":"registry.ollama.ai/library/m:latest does not support `+what+`"}`)
				return
			}
		}
		text, _ := json.Marshal(s.answer)
		_, _ = io.WriteString(w, `{"message":{"role":"assistant","content":`+string(text)+`},"done":true}`)
	}))
	t.Cleanup(s.Close)
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	b, err := ollama.New(provider.Config{Provider: "ollama", Model: "m", APIBase: s.URL}, client, nil)
	require.NoError(t, err)
	return s, b
}

func ask(t *testing.T, b provider.Backend, body string) *provider.Answer {
	t.Helper()
	req, err := chat.Decode([]byte(body))
	require.NoError(t, err)
	a, err := b.Chat(t.Context(), &provider.Call{Stream: req.Stream}, req)
	require.NoError(t, err)
	return a
}

const withTools = `{"model":"a","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"look","arguments":"{}"}}]},` +
	`{"role":"tool","tool_call_id":"c","content":"a cat"}],"reasoning_effort":"high","tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}]`

func TestBackend_describes_tools_to_models_that_have_none(t *testing.T) {
	t.Parallel()
	s, b := newServer(t)
	s.answer = `{"name":"look","arguments":{"at":"it"}}`
	m := ask(t, b, withTools+"}").Whole.Choices[0].Message
	require.Len(t, m.ToolCalls, 1)
	require.Equal(t, chat.Function{Name: "look", Arguments: `{"at":"it"}`}, m.ToolCalls[0].Function)
	require.True(t, strings.HasPrefix(m.ToolCalls[0].ID, "call_"))
	last := s.asked[len(s.asked)-1]
	require.JSONEq(t, `"json"`, string(last["format"]))
	require.Nil(t, last["tools"])
	require.Nil(t, last["think"])
	require.Contains(t, string(last["messages"]), `The function returned: a cat`)
	require.Contains(t, string(last["messages"]), `These functions can be called: [{\"name\":\"look\"`)

	tries := len(s.asked)
	require.LessOrEqual(t, tries, 3)
	s.answer = `{"content":"It is a cat."}`
	a := ask(t, b, withTools+`,"stream":true}`)
	require.Len(t, s.asked, tries+1, "what the model can not do is remembered")
	var c chat.Chunk
	require.NoError(t, a.Stream.Next(&c))
	require.Equal(t, "It is a cat.", c.Deltas[0].Content)
	require.Equal(t, chat.FinishStop, c.Deltas[0].FinishReason)

	s.answer = "no JSON"
	require.Equal(t, "no JSON", ask(t, b, withTools+"}").Whole.Choices[0].Message.Content.Text())
}

func FuzzWhole(f *testing.F) {
	f.Add([]byte(`{"message":{"role":"assistant","content":"<think>a</think>b","tool_calls":[{"function":{"name":"f"}}]},"done":true,"eval_count":-1}`))
	f.Add([]byte(`{"error":"x","status":99}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := ollama.ReadAnswer(body); err == nil {
			_, err := r.Encode()
			require.NoError(t, err)
		}
	})
}

func FuzzDecoder(f *testing.F) {
	f.Add(`{"message":{"content":"<th"}}` + "\n" + `{"message":{"content":"ink>a</thin"}}` + "\n" + `{"done":true}`)
	f.Add(`{"message":{"tool_calls":[{"function":{"arguments":{}}}]},"done":true,"eval_count":1,"prompt_eval_count":2}`)
	f.Fuzz(func(t *testing.T, lines string) {
		d := ollama.NewDecoder()
		var c chat.Chunk
		for line := range strings.Lines(lines) {
			c.Reset()
			if d.Frame(&frame.Frame{Data: []byte(line)}, &c) != nil {
				return
			}
			for i := range c.Deltas {
				require.True(t, json.Valid(chat.AppendDelta(nil, chat.Stamp{}.Head(), &c.Deltas[i], true)))
			}
		}
		_ = d.Done()
	})
}

// FuzzThought: whatever way a text is cut, the same thoughts and the same text
// come out, and nothing is lost but tags and the space around them.
func FuzzThought(f *testing.F) {
	f.Add(" <think>a</think>\n\nb", 3)
	f.Add("<think", 1)
	f.Add("a<think>b</think>", 2)
	f.Fuzz(func(t *testing.T, text string, step int) {
		if step <= 0 {
			step = 1
		}
		wholeThought, wholeText := ollama.Split([]string{text})
		var pieces []string
		for rest := text; rest != ""; {
			n := min(step, len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		gotThought, gotText := ollama.Split(pieces)
		require.Equal(t, wholeThought, gotThought)
		require.Equal(t, wholeText, gotText)
	})
}

func BenchmarkChat(b *testing.B) {
	body := []byte(`{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"` + strings.Repeat("lorem ipsum ", 80) + `"}],"max_tokens":100,"temperature":0.5}`)
	answer := []byte(`{"model":"m","created_at":"2025-01-02T03:04:05.678Z","message":{"role":"assistant","content":"` + strings.Repeat("dolor ", 80) + `"},"done":true,"done_reason":"stop","prompt_eval_count":70,"eval_count":6}`)
	codec := ollama.NewCodec("m")
	b.ReportAllocs()
	for b.Loop() {
		req, err := chat.Decode(body)
		if err != nil {
			b.Fatal(err)
		}
		x, err := codec.Chat(req)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.Whole(answer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStream(b *testing.B) {
	data := []byte(`{"model":"llama3.2","created_at":"2025-01-02T03:04:05.678901234Z","message":{"role":"assistant","content":"Hello there"},"done":false}`)
	var c chat.Chunk
	b.ReportAllocs()
	for b.Loop() {
		d := ollama.NewDecoder()
		for range 50 {
			c.Reset()
			if err := d.Frame(&frame.Frame{Data: data}, &c); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/event")
}

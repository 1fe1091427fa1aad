package mock_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/mock"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/sse"
)

const question = `{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"first"},` +
	`{"role":"assistant","content":"no"},{"role":"user","content":"Say hello to the world"}]}`

// backend makes a backend of a model and of options written as one object.
func backend(tb testing.TB, model, options string) provider.Backend {
	tb.Helper()
	params := map[string]json.RawMessage{}
	if options != "" {
		require.NoError(tb, json.Unmarshal([]byte(options), &params))
	}
	b, err := mock.New(provider.Config{Provider: "mock", Model: model, Params: params})
	require.NoError(tb, err)
	return b
}

func newCall(tb testing.TB, surface provider.Surface, body string) *provider.Call {
	tb.Helper()
	members, err := jsonx.Members(nil, []byte(body))
	require.NoError(tb, err, body)
	return &provider.Call{Surface: surface, Body: []byte(body), Members: members, CallID: "c1"}
}

// with adds members to a body.
func with(body, members string) string {
	return strings.TrimSuffix(body, "}") + "," + members + "}"
}

func chatCall(tb testing.TB, body string) *provider.Call {
	tb.Helper()
	return newCall(tb, provider.ChatCompletions, body)
}

func do(tb testing.TB, b provider.Backend, call *provider.Call) provider.Reply {
	tb.Helper()
	r, err := b.Do(tb.Context(), call)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

func body(tb testing.TB, r provider.Reply) string {
	tb.Helper()
	data, err := io.ReadAll(r)
	require.NoError(tb, err)
	if r.ContentLength() >= 0 {
		require.EqualValues(tb, len(data), r.ContentLength())
	}
	return string(data)
}

// strict decodes and refuses members that the type does not have.
func strict[T any](tb testing.TB, data string) T {
	tb.Helper()
	var v T
	dec := json.NewDecoder(strings.NewReader(data))
	dec.DisallowUnknownFields()
	require.NoError(tb, dec.Decode(&v), data)
	_, err := dec.Token()
	require.ErrorIs(tb, err, io.EOF, data)
	return v
}

type usageShape struct {
	PromptTokens     int            `json:"prompt_tokens"`
	CompletionTokens int            `json:"completion_tokens"`
	TotalTokens      int            `json:"total_tokens"`
	PromptDetails    map[string]int `json:"prompt_tokens_details"`
	OutputDetails    map[string]int `json:"completion_tokens_details"`
}

type callShape struct {
	Index    *int   `json:"index"`
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

type messageShape struct {
	Role        string      `json:"role"`
	Content     *string     `json:"content"`
	Refusal     *string     `json:"refusal"`
	Annotations []string    `json:"annotations"`
	ToolCalls   []callShape `json:"tool_calls"`
}

type chatShape struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
	Choices []struct {
		Index        int          `json:"index"`
		Message      messageShape `json:"message"`
		Logprobs     *string      `json:"logprobs"`
		FinishReason string       `json:"finish_reason"`
	} `json:"choices"`
	Usage             usageShape `json:"usage"`
	ServiceTier       string     `json:"service_tier"`
	SystemFingerprint string     `json:"system_fingerprint"`
}

type chunkShape struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
	Choices []struct {
		Index        int          `json:"index"`
		Delta        messageShape `json:"delta"`
		Text         *string      `json:"text"`
		Logprobs     *string      `json:"logprobs"`
		FinishReason *string      `json:"finish_reason"`
	} `json:"choices"`
	Usage             *usageShape `json:"usage"`
	ServiceTier       string      `json:"service_tier"`
	SystemFingerprint string      `json:"system_fingerprint"`
}

type textShape struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
	Choices []struct {
		Text         string  `json:"text"`
		Index        int     `json:"index"`
		Logprobs     *string `json:"logprobs"`
		FinishReason string  `json:"finish_reason"`
	} `json:"choices"`
	Usage usageShape `json:"usage"`
}

type errorShape struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

// events returns the payloads of a whole stream.
func events(tb testing.TB, stream []byte) []string {
	tb.Helper()
	var all []string
	for len(stream) > 0 {
		end := sse.End(stream, 0)
		require.Positive(tb, end, "%q is no event", stream)
		data, _ := sse.Data(stream[:end])
		require.Equal(tb, "data: "+string(data)+"\n\n", string(stream[:end]))
		all = append(all, string(data))
		stream = stream[end:]
	}
	return all
}

// chunks decodes a stream that ends as it should.
func chunks(tb testing.TB, stream string) []chunkShape {
	tb.Helper()
	all := events(tb, []byte(stream))
	require.Equal(tb, "[DONE]", all[len(all)-1])
	var out []chunkShape
	for _, data := range all[:len(all)-1] {
		out = append(out, strict[chunkShape](tb, data))
	}
	return out
}

// said joins the text of the chunks and counts those with any.
func said(all []chunkShape) (text string, pieces int) {
	var b strings.Builder
	for _, c := range all {
		for _, choice := range c.Choices {
			piece := choice.Text
			if piece == nil {
				piece = choice.Delta.Content
			}
			if piece != nil && choice.FinishReason == nil && choice.Delta.Role == "" {
				b.WriteString(*piece)
				pieces++
			}
		}
	}
	return b.String(), pieces
}

// readEach returns what each Read delivered and the error that ended it.
func readEach(r io.Reader, size int) (reads [][]byte, err error) {
	p := make([]byte, size)
	for {
		n, err := r.Read(p)
		if n > 0 {
			reads = append(reads, bytes.Clone(p[:n]))
		}
		if err != nil {
			return reads, err
		}
	}
}

func cancelledContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

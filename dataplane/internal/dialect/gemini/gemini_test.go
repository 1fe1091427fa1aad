package gemini_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/gemini"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

func TestError(t *testing.T) {
	t.Parallel()
	for status, name := range map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 402: "PERMISSION_DENIED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 408: "DEADLINE_EXCEEDED",
		409: "ABORTED", 413: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 501: "UNIMPLEMENTED",
		502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED", 529: "UNAVAILABLE",
	} {
		var got struct {
			Error struct {
				Code            int
				Message, Status string
			}
		}
		require.NoError(t, json.Unmarshal(gemini.Dialect{}.Error(&apierr.Error{Status: status, Message: `a "b"`}), &got))
		require.Equal(t, status, got.Error.Code)
		require.Equal(t, `a "b"`, got.Error.Message)
		require.Equal(t, name, got.Error.Status, status)
	}
}

func TestFailStream(t *testing.T) {
	t.Parallel()
	e := &apierr.Error{Status: http.StatusServiceUnavailable, Message: "gone"}
	const want = `{"error":{"code":503,"message":"gone","status":"UNAVAILABLE"}}`
	require.Equal(t, "data: "+want+"\r\n\r\n", string(gemini.Dialect{}.FailStream(nil, e)))

	d := gemini.Dialect{Array: true}
	c := chat.Chunk{Deltas: []chat.Delta{{Content: "a"}}}
	b := d.Stream(&chat.Request{}, chat.Stamp{Model: "m", ID: "1"}).Chunk(nil, &c)
	var all []json.RawMessage
	require.NoError(t, json.Unmarshal(d.FailStream(b, e), &all))
	require.Len(t, all, 2)
	require.JSONEq(t, want, string(all[1]))
}

func TestUsage_and_Model_of_what_passed_through(t *testing.T) {
	t.Parallel()
	const event = `{"candidates":[{"groundingMetadata":{"webSearchQueries":["a","","b"]}}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15},"modelVersion":"gemini-x"}`
	var u chat.Usage
	require.True(t, gemini.Dialect{}.Usage([]byte(event), &u))
	require.Equal(t, chat.Usage{Input: 10, Output: 5, WebSearches: 2}, u)
	require.Equal(t, `"gemini-x"`, string(gemini.Dialect{}.Model([]byte(event)).Of([]byte(event))))
	require.False(t, gemini.Dialect{}.Usage([]byte(`{"candidates":[]}`), &u))
	require.True(t, gemini.Dialect{}.Model([]byte(`{"candidates":[]}`)).Empty())
}

func TestCount(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"contents":[{"parts":[{"text":"hi"}]}]}`,
		`{"generateContentRequest":{"model":"models/m","contents":[{"parts":[{"text":"hi"}]}]}}`,
		`{"generate_content_request":{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}}`,
	} {
		members, err := jsonx.Members(nil, []byte(body))
		require.NoError(t, err)
		req, err := gemini.DecodeCount([]byte(body), members)
		require.NoError(t, err)
		require.Equal(t, []chat.Message{{Role: chat.User, Content: chat.Text("hi")}}, req.Messages)
	}
	require.JSONEq(t, `{"totalTokens":7,"promptTokensDetails":[{"modality":"TEXT","tokenCount":7}]}`, string(gemini.Count(7)))
}

func TestEmbedding(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body string
		batch      bool
		want       string // or the error
	}{
		{
			"one", `{"model":"models/m","content":{"parts":[{"text":"a"},{"text":"b"}]},"taskType":"RETRIEVAL_QUERY","title":"T","outputDimensionality":8}`, false,
			`{"model":"alias","input":["a\nb"],"encoding_format":"float","dimensions":8,"task_type":"RETRIEVAL_QUERY","title":"T"}`,
		},
		{
			"batch", `{"requests":[{"content":{"parts":[{"text":"a"}]},"output_dimensionality":8},{"content":{"parts":{"text":"b"}},"outputDimensionality":8}]}`, true,
			`{"model":"alias","input":["a","b"],"encoding_format":"float","dimensions":8}`,
		},
		{"no request", `{"requests":[]}`, true, "at least one request"},
		{"no parts", `{"content":{}}`, false, "at least one part"},
		{"no text", `{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA"}}]}}`, false, "only texts"},
		{"different", `{"requests":[{"content":{"parts":[{"text":"a"}]},"taskType":"A"},{"content":{"parts":[{"text":"b"}]}}]}`, true, "must be the same"},
	} {
		got, err := gemini.DecodeEmbedding([]byte(tc.body), "alias", tc.batch)
		if !strings.HasPrefix(tc.want, "{") {
			require.ErrorContains(t, err, tc.want, tc.name)
			continue
		}
		require.NoError(t, err, tc.name)
		require.Equal(t, tc.want, string(got), tc.name)
	}

	const one = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1e-3]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`
	got, err := gemini.EncodeEmbedding([]byte(one), false)
	require.NoError(t, err)
	require.Equal(t, `{"embedding":{"values":[0.5,-1e-3]},"usageMetadata":{"promptTokenCount":3}}`, string(got))
	got, err = gemini.EncodeEmbedding([]byte(`{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":"AAAAPwAAgL8="}]}`), true)
	require.NoError(t, err)
	require.Equal(t, `{"embeddings":[{"values":[0.5,-1]},{"values":[2]}]}`, string(got))
	for _, bad := range []string{`{}`, `[]`, `{"data":[{"embedding":[1]},{"embedding":[2]}]}`, `{"data":[{"embedding":"AA=="}]}`, `{"data":[{"embedding":{}}]}`, `{"data":[{"embedding":"AADAfw=="}]}`} {
		_, err = gemini.EncodeEmbedding([]byte(bad), false)
		require.Error(t, err, bad)
	}
}

func BenchmarkStream(b *testing.B) {
	c := chat.Chunk{Deltas: []chat.Delta{{Content: " of the many words"}}}
	usage := chat.Usage{Input: 10, Output: 50}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		e := gemini.Dialect{}.Stream(nil, chat.Stamp{ID: "chatcmpl-1", Model: "m"})
		buf = buf[:0]
		for range 50 {
			buf = e.Chunk(buf, &c)
		}
		buf = e.End(buf, &usage)
	}
}

const someRequest = `{"system_instruction":{"parts":[{"text":"Be brief."}]},"contents":[{"role":"user","parts":[{"text":"Weather?"}]},
	{"role":"model","parts":[{"functionCall":{"name":"f","args":{"city":"Paris"}},"thoughtSignature":"U0lH"}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"result":21}}}]}],
	"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"city":{"type":"STRING","nullable":true}}}}]}],"generationConfig":{"temperature":0.5,"maxOutputTokens":100}}`

func BenchmarkDecode(b *testing.B) {
	members, err := jsonx.Members(nil, []byte(someRequest))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (gemini.Dialect{}).Decode([]byte(someRequest), members); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzDecode: whatever a client sends is refused, or is a request.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		someRequest, `{"contents":{"parts":{"text":"a"}}}`, `{"contents":[{"role":"model","parts":[{"functionCall":null},{"executableCode":{"code":"a"}}]}]}`,
		`{"contents":[{"parts":[{"inlineData":{"mimeType":"x/y"}},{"fileData":{}},{"functionResponse":{"id":"a","parts":[{"text":"b"}]}}]}]}`,
		`{"tools":[{"functionDeclarations":[{"name":"f","parameters":{"anyOf":[{"type":[1]}],"nullable":true,"items":7,"maxItems":"3"}}]}],"contents":[{"parts":[{"text":"x"}]}],"toolConfig":{"functionCallingConfig":{"mode":"any","allowed_function_names":["g"]}}}`,
		`{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"speechConfig":{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"K"}}},"thinkingConfig":{"thinkingBudget":-1},"responseSchema":{"type":"STRING"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		members, err := jsonx.Members(nil, body)
		if err != nil || !json.Valid(body) {
			return
		}
		req, err := gemini.Dialect{}.Decode(body, members)
		if err == nil {
			b, err := req.Encode()
			require.NoError(t, err)
			require.True(t, json.Valid(b), "%s", b)
			for name, value := range req.Gemini {
				require.True(t, json.Valid(value), "%s: %s", name, value)
			}
		}
		for _, batch := range []bool{false, true} {
			if b, err := gemini.DecodeEmbedding(body, "m", batch); err == nil {
				require.True(t, json.Valid(b), "%s", b)
			}
		}
	})
}

// FuzzEncode: whatever OpenAI's imitators say, the client gets JSON.
func FuzzEncode(f *testing.F) {
	f.Add([]byte(`{"choices":[{"index":0,"delta":{"content":"a","tool_calls":[{"index":0,"id":"c__thought__S","function":{"name":"f","arguments":"{"}}],"images":[{"type":"image_url","image_url":"x"}]}}]}`))
	f.Add([]byte(`{"choices":[{"index":1,"delta":{"reasoning_content":"r","provider_specific_fields":{"thought_signatures":["a"],"vertex_ai_grounding_metadata":[{}]},"audio":{"data":"x"}},"finish_reason":"length"}]}`))
	f.Add([]byte(`{"choices":[{"index":0,"message":{"content":"a","annotations":[{"url_citation":{"url":"u"}}]},"logprobs":{"content":[{"token":"t"}]},"finish_reason":"content_filter"}],"usage":{"prompt_tokens":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := chat.DecodeResponse(data); err == nil {
			b, err := gemini.Dialect{}.Whole(nil, r)
			require.NoError(t, err)
			require.True(t, json.Valid(b), "%s", b)
		}
		var c chat.Chunk
		if chat.DecodeChunk(data, &c) != nil {
			return
		}
		e := gemini.Dialect{Array: true}.Stream(nil, chat.Stamp{})
		b := e.Chunk(e.Chunk(nil, &c), &c)
		require.True(t, json.Valid(e.End(b, &chat.Usage{})), "%s", b)
	})
}

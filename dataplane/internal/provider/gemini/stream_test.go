package gemini_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/gemini"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

func codec(model string) *gemini.Codec {
	cfg := &provider.Config{}
	return gemini.NewCodec(gemini.Site{
		Slug: "gemini", Model: model, Budgets: gemini.NewBudgets(cfg), Path: func(method string, _ bool) string { return "/models/" + model + ":" + method },
	})
}

func exchange(tb testing.TB, model, body string) *native.Exchange {
	tb.Helper()
	req, err := chat.Decode([]byte(body))
	require.NoError(tb, err)
	x, err := codec(model).Chat(req)
	require.NoError(tb, err)
	return x
}

// drain reads a whole stream and returns how many chunks it had.
func drain(x *native.Exchange, stream io.Reader, each func(*chat.Chunk)) error {
	frames := frame.NewReader(stream, x.Framing)
	var c chat.Chunk
	for {
		f, err := frames.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		c.Reset()
		if err := x.Stream.Frame(f, &c); err != nil {
			return err
		}
		if each != nil {
			each(&c)
		}
	}
}

func TestAudio(t *testing.T) {
	t.Parallel()
	x := exchange(t, "gemini-2.5-flash-preview-tts", `{"model":"x","messages":[{"role":"user","content":"hi"}],"modalities":["text"],"audio":{"voice":"Kore","format":"pcm16"}}`)
	require.Contains(t, string(x.Request.Body),
		`"responseModalities":["TEXT","AUDIO"],"speechConfig":{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Kore"}}}`)
	const event = `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"audio/L16;codec=pcm;rate=24000","data":"%s"}}]},"finishReason":"STOP"}]}`
	w, err := x.Whole(fmt.Appendf(nil, event, "UENN"))
	require.NoError(t, err)
	var audio struct {
		ID, Data string
		Expires  int64 `json:"expires_at"`
	}
	require.NoError(t, json.Unmarshal(w.Choices[0].Message.Audio, &audio))
	require.Equal(t, "UENN", audio.Data)
	require.NotEmpty(t, audio.ID)
	require.Positive(t, audio.Expires)
	require.Nil(t, w.Choices[0].Message.Content)

	var ids []string
	stream := strings.NewReader("data: " + fmt.Sprintf(event, "AA==") + "\n\ndata: " + fmt.Sprintf(event, "AB==") + "\n\n")
	require.NoError(t, drain(x, stream, func(c *chat.Chunk) {
		require.NoError(t, json.Unmarshal(c.Deltas[0].Audio, &audio))
		ids = append(ids, audio.ID)
	}))
	require.Len(t, ids, 2)
	require.Equal(t, ids[0], ids[1], "the pieces of one sound")
}

// TestSchema_bomb: references that multiply each other are cut off.
func TestSchema_bomb(t *testing.T) {
	t.Parallel()
	var defs []string
	for i := range 40 {
		defs = append(defs, fmt.Sprintf(`"d%d":{"type":"object","properties":{"a":{"$ref":"#/$defs/d%d"},"b":{"$ref":"#/$defs/d%d"}}}`, i, i+1, i+1))
	}
	defs = append(defs, `"d40":{"type":"string"}`)
	schema := `{"type":"object","properties":{"a":{"$ref":"#/$defs/d0"}},"$defs":{` + strings.Join(defs, ",") + `}}`
	x := exchange(t, "gemini-1.5-pro", `{"model":"x","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":`+schema+`}}]}`)
	require.Less(t, len(x.Request.Body), 128<<10)
	require.True(t, json.Valid(x.Request.Body))
}

const (
	someRequest = `{"model":"x","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"What is the weather in Paris?"},
		{"role":"assistant","content":null,"tool_calls":[{"id":"call_1__thought__U0lH","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}}]},
		{"role":"tool","tool_call_id":"call_1__thought__U0lH","content":"{\"temp\":21}"},{"role":"user","content":[{"type":"text","text":"And Rome?"}]}],
		"tools":[{"type":"function","function":{"name":"get_weather","description":"Weather of a city","parameters":{"type":"object","additionalProperties":false,
		"properties":{"city":{"type":"string","description":"The city"},"unit":{"type":["string","null"],"enum":["c","f"]}},"required":["city"]}}}],
		"tool_choice":"auto","temperature":0.2,"max_tokens":500,"reasoning_effort":"low"}`
	someAnswer = `{"candidates":[{"content":{"parts":[{"text":"Thinking about it","thought":true},{"text":"It is sunny in Rome, too."},
		{"functionCall":{"name":"get_weather","args":{"city":"Rome"}},"thoughtSignature":"U0lH"}],"role":"model"},"finishReason":"STOP","index":0}],
		"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15,"promptTokensDetails":[{"modality":"TEXT","tokenCount":10}]},"modelVersion":"gemini-2.5-flash","responseId":"abc"}`
	someEvent = `data: {"candidates": [{"content": {"parts": [{"text": " of the many words"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 10,"candidatesTokenCount": 5,"totalTokenCount": 15,"promptTokensDetails": [{"modality": "TEXT","tokenCount": 10}]},"modelVersion": "gemini-2.5-flash","responseId": "abc"}` + "\n\n"
)

func BenchmarkChatAndWhole(b *testing.B) {
	c := codec("gemini-2.5-flash")
	req, err := chat.Decode([]byte(someRequest))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		own := *req
		x, err := c.Chat(&own)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.Whole([]byte(someAnswer)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStream reads 50 events.
func BenchmarkStream(b *testing.B) {
	x := exchange(b, "gemini-2.5-flash", `{"model":"x","messages":[{"role":"user","content":"hi"}],"stream":true}`)
	stream := strings.Repeat(someEvent, 50)
	b.ReportAllocs()
	for b.Loop() {
		if err := drain(x, strings.NewReader(stream), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzAnswers: whatever Google says, whole or as a stream, nothing breaks.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		someAnswer, strings.TrimPrefix(someEvent, "data: "), `{"promptFeedback":{"blockReason":"SAFETY"}}`, `{"error":{"code":503,"message":"m"}}`, `{}`, `[]`, `null`,
		`{"candidates":[{"index":-1,"content":null},{"index":999},{"content":{"parts":[{"inlineData":{"mimeType":"image/png"}},{"functionCall":null},{"toolResponse":{}}]}}]}`,
		`{"candidates":[{"groundingMetadata":{"groundingSupports":[{"groundingChunkIndices":[-1]}]},"logprobsResult":{"chosenCandidates":[{}]}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x := exchange(t, "gemini-2.5-flash", `{"model":"x","messages":[{"role":"user","content":"hi"}],"stream":true}`)
		if w, err := x.Whole(data); err == nil {
			_, err := w.Encode()
			require.NoError(t, err)
		} else if f, ok := errors.AsType[*provider.Failure](err); ok {
			require.GreaterOrEqual(t, f.Status, http.StatusBadRequest)
		}
		var c chat.Chunk
		if x.Stream.Frame(&frame.Frame{Data: data}, &c) == nil {
			for i := range c.Deltas {
				require.True(t, json.Valid(chat.AppendDelta(nil, chat.Stamp{}.Head(), &c.Deltas[i], true)))
			}
		}
	})
}

// FuzzChat: whatever a client sends, what goes to Google is JSON.
func FuzzChat(f *testing.F) {
	f.Add([]byte(someRequest), "gemini-3-pro-preview")
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"data:;base64,"}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{"$ref":"#"}}}]}`), "gemini-1.5-pro")
	f.Add([]byte(`{"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"allOf":[{"$ref":"#/allOf/0"}],"anyOf":[{}, null],"type":[1,"null"]}}}],"generation_config":{"a_b":1},"extra_body":{"x":[]}}`), "gemma-3")
	f.Fuzz(func(t *testing.T, body []byte, model string) {
		req, err := chat.Decode(body)
		if err != nil {
			return
		}
		x, err := codec(model).Chat(req)
		if err == nil {
			require.True(t, json.Valid(x.Request.Body), "%s", x.Request.Body)
		}
	})
}

package cohere_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/cohere"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/conformance"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	conformance.Run(t, "testdata/golden", func(cfg provider.Config, client *upstream.Client) (provider.Backend, error) {
		return cohere.New(cfg, client, nil)
	})
}

func TestNew_finds_its_key(t *testing.T) {
	t.Parallel()
	env := map[string]string{}
	cfg := provider.Config{Provider: "cohere", Model: "m", Getenv: func(name string) string { return env[name] }}
	_, err := cohere.New(cfg, nil, nil)
	require.ErrorContains(t, err, "COHERE_API_KEY")
	env["CO_API_KEY"], env["COHERE_API_BASE"] = "k", "https://proxy.example/cohere/v2"
	b, err := cohere.New(cfg, nil, nil)
	require.NoError(t, err)
	require.True(t, b.Offers(provider.Rerank))
	env["COHERE_API_BASE"] = "ftp://x"
	_, err = cohere.New(cfg, nil, nil)
	require.Error(t, err)
}

func FuzzWhole(f *testing.F) {
	f.Add([]byte(`{"finish_reason":"TOOL_CALL","message":{"content":[{"text":"a"}],"tool_calls":[{}],"citations":[{"sources":[{}]}]},"usage":{"tokens":{"input_tokens":1e300}}}`))
	f.Add([]byte(`{"message":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := cohere.ReadAnswer(body); err == nil {
			_, err := r.Encode()
			require.NoError(t, err)
		}
	})
}

func FuzzDecoder(f *testing.F) {
	f.Add(`{"type":"tool-call-start","delta":{"message":{"tool_calls":{"id":"t"}}}}` + "\n" + `{"type":"tool-call-end"}` + "\n" + `{"type":"message-end","delta":{}}`)
	f.Add(`{"type":"content-delta","delta":{"message":{"content":[]}}}` + "\n" + `{"type":"citation-start","delta":{"message":{"citations":{}}}}`)
	f.Fuzz(func(t *testing.T, events string) {
		d := cohere.NewDecoder()
		var c chat.Chunk
		for line := range strings.Lines(events) {
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

func BenchmarkChat(b *testing.B) {
	body := []byte(`{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"` + strings.Repeat("lorem ipsum ", 80) + `"}],"max_tokens":100,"temperature":0.5}`)
	answer := []byte(`{"id":"c1","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":"` + strings.Repeat("dolor ", 80) + `"}]},"usage":{"billed_units":{"input_tokens":5,"output_tokens":4},"tokens":{"input_tokens":70,"output_tokens":6}}}`)
	codec := cohere.NewCodec("m")
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
	data := []byte(`{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"Hello there"}}}}`)
	var c chat.Chunk
	b.ReportAllocs()
	for b.Loop() {
		d := cohere.NewDecoder()
		for range 50 {
			c.Reset()
			if err := d.Frame(&frame.Frame{Data: data}, &c); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/event")
}

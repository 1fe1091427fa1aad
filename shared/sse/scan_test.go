package sse_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/sse"
)

func TestEnd_finds_the_blank_line(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		"":                             0,
		"data: x":                      0,
		"data: x\n":                    0,
		"data: x\n\n":                  9,
		"data: x\r\n\r\n":              11,
		"data: x\r\n\r":                0,
		"data: x\n\ndata: y\n\n":       9,
		"event: a\ndata: x\n\nrest":    18,
		": comment\n\n":                11,
		"data: a\ndata: b\n\n":         17,
		"data: {\"a\":\"\\n\\n\"}\n\n": 20,
	} {
		require.Equal(t, want, sse.End([]byte(in), 0), "%q", in)
	}
}

func TestData_is_the_first_data_line(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"data: x\n\n":              "x",
		"data:x\n\n":               "x",
		"event: e\r\ndata: y\r\n":  "y",
		": comment\n\n":            "",
		"data: [DONE]\n\n":         "[DONE]",
		"id: 1\nretry: 5\n\n":      "",
		"database: 1\ndata: z\n\n": "z",
	} {
		data, start := sse.Data([]byte(in))
		require.Equal(t, want, string(data), "%q", in)
		if want != "" {
			require.Equal(t, want, in[start:start+len(want)])
		}
	}
}

// FuzzEnd cuts a stream at every place and expects the events that come out
// to be the same as when it arrives whole, and nothing to be lost.
func FuzzEnd(f *testing.F) {
	f.Add("data: a\n\ndata: b\r\n\r\n: c\n\nevent: x\ndata: d\n\n", 3)
	f.Add("data: a\r\rdata: b\n\r\n", 1)
	f.Add("\n\n\r\n\r", 2)
	f.Fuzz(func(t *testing.T, stream string, step int) {
		if step <= 0 || step > 1<<16 {
			step = 1
		}
		var (
			buf    []byte
			from   int
			pieces []string
		)
		for i := 0; i < len(stream); i += step {
			buf = append(buf, stream[i:min(i+step, len(stream))]...)
			for {
				end := sse.End(buf, from)
				if end == 0 {
					from = max(0, len(buf)-3)
					break
				}
				pieces = append(pieces, string(buf[:end]))
				buf, from = buf[end:], 0
			}
		}
		require.Equal(t, stream, strings.Join(pieces, "")+string(buf))

		rest, whole := []byte(stream), []string(nil)
		for end := sse.End(rest, 0); end > 0; end = sse.End(rest, 0) {
			whole = append(whole, string(rest[:end]))
			rest = rest[end:]
		}
		require.Equal(t, whole, pieces)
		for _, p := range pieces {
			data, start := sse.Data([]byte(p))
			require.LessOrEqual(t, start+len(data), len(p))
		}
	})
}

func BenchmarkEnd(b *testing.B) {
	event := []byte(`data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}` + "\n\n")
	b.ReportAllocs()
	for b.Loop() {
		if sse.End(event, 0) != len(event) {
			b.Fatal("no event")
		}
	}
}

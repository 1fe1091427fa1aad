package mock_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

func BenchmarkDo(b *testing.B) {
	kilobyte := strings.Repeat("lorem ipsum dolor sit amet ", 38)
	ask := `{"model":"m","messages":[{"role":"user","content":"` + kilobyte + `"}]}`
	for _, c := range []struct {
		name, model, options, body string
		surface                    provider.Surface
		stream                     bool
	}{
		{name: "fixed", model: "fixed", body: question},
		{name: "echo_1KB", model: "echo", body: ask},
		{name: "echo_1KB_escaped", model: "echo", body: strings.ReplaceAll(ask, "dolor", `do\nor`)},
		{name: "stream_50", model: "fixed", options: `{"mock_chunks":50}`, body: question, stream: true},
		{name: "stream_5000", model: "fixed", options: `{"mock_chunks":5000}`, body: question, stream: true},
		{name: "embedding_8", model: "echo", body: `{"input":"hello world"}`, surface: provider.Embeddings},
		{name: "embedding_1536_base64", model: "echo", body: `{"input":"hi","dimensions":1536,"encoding_format":"base64"}`, surface: provider.Embeddings},
	} {
		b.Run(c.name, func(b *testing.B) {
			be := backend(b, c.model, c.options)
			call := newCall(b, c.surface, c.body)
			call.Stream = c.stream
			ctx, p := b.Context(), make([]byte, 32<<10)
			b.ReportAllocs()
			for b.Loop() {
				r, err := be.Do(ctx, call)
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					_, err = r.Read(p)
				}
				if !errors.Is(err, io.EOF) || r.Status() != 200 {
					b.Fatal(err, r.Status())
				}
				_ = r.Close()
			}
		})
	}
}

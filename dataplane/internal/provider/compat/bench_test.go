package compat_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

var errSent = errors.New("sent")

// sink takes requests and answers nothing: what is measured is the rewriting.
type sink struct{}

func (sink) Do(context.Context, *upstream.Request) (*upstream.Response, error) { return nil, errSent }

func BenchmarkDo(b *testing.B) {
	for name, body := range map[string]string{
		"1KB":   `{"model":"gpt-4o","messages":[{"role":"system","content":"You are terse."},{"role":"user","content":"` + strings.Repeat("lorem ipsum ", 80) + `"}],"stream":false,"temperature":0.7}`,
		"100KB": `{"model":"gpt-4o","messages":[{"role":"user","content":"` + strings.Repeat("lorem ipsum ", 8500) + `"}],"stream":false,"temperature":0.7}`,
	} {
		b.Run(name, func(b *testing.B) {
			row, _ := catalog.Lookup("openai")
			backend, err := compat.New(&row, provider.Config{Model: "gpt-4o-mini", APIKey: "k", Getenv: func(string) string { return "" }}, sink{})
			if err != nil {
				b.Fatal(err)
			}
			members, err := jsonx.Members(nil, []byte(body))
			if err != nil {
				b.Fatal(err)
			}
			call := &provider.Call{Surface: provider.ChatCompletions, Body: []byte(body), Members: members}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := backend.Do(b.Context(), call); !errors.Is(err, errSent) {
					b.Fatal(err)
				}
			}
		})
	}
}

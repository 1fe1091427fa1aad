package integration_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// chunk is what matters of a chunk here.
type chunk struct {
	Model   string
	Choices []struct {
		Text  string
		Delta struct{ Content string }
	}
	Usage *struct {
		Prompt int `json:"prompt_tokens"`
	}
}

func chunks(t *testing.T, events []string) (all []chunk) {
	t.Helper()
	require.NotEmpty(t, events)
	require.Equal(t, "[DONE]", events[len(events)-1])
	for _, e := range events[:len(events)-1] {
		var c chunk
		require.NoError(t, json.Unmarshal([]byte(e), &c), e)
		all = append(all, c)
	}
	return all
}

func said(all []chunk) string {
	var b strings.Builder
	for _, c := range all {
		for _, choice := range c.Choices {
			b.WriteString(choice.Text + choice.Delta.Content)
		}
	}
	return b.String()
}

// TestStream_usage: the vendor is always asked for usage; only a client that
// asked for it sees it.
//
//nolint:tparallel,paralleltest // each case looks at the last call
func TestStream_usage(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v)})
	for _, c := range []struct{ name, sent, got string }{
		{"not asked for", `{"model":"gpt","stream":true,"messages":[]}`, `{"model":"gpt-4o","stream":true,"messages":[],"stream_options":{"include_usage":true}}`},
		{"null options", `{"model":"gpt","stream":true,"stream_options":null,"messages":[]}`, `{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true},"messages":[]}`},
		{"refused", `{"model":"gpt","stream":true,"stream_options":{"include_usage":false,"x":1}}`, `{"model":"gpt-4o","stream":true,"stream_options":{"x":1,"include_usage":true}}`},
		{"asked for", `{"model":"gpt","stream":true,"stream_options":{"include_usage":true}}`, `{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true}}`},
	} {
		t.Run(c.name, func(t *testing.T) { // one after another: they look at the last call
			key := s.NewKey(t, nil)
			e := s.Client(key).Stream(t, chatPath, c.sent)
			defer e.Close()
			events, err := e.Rest()
			require.NoError(t, err)
			require.Equal(t, c.got, string(v.Last(t, "gpt-4o").Body))
			all := chunks(t, events)
			require.Equal(t, fakevendor.Text(), said(all))
			shown := 0
			for _, part := range all {
				require.Equal(t, "gpt", part.Model)
				if part.Usage != nil {
					shown++
				}
			}
			if c.name == "asked for" {
				require.Equal(t, 1, shown)
				require.Empty(t, all[len(all)-1].Choices)
			} else {
				require.Zero(t, shown)
				require.NotEmpty(t, all[len(all)-1].Choices)
			}
			row := s.WaitBooked(t, key, 1)[0]
			require.Equal(t, int64(fakevendor.PromptTokens), row.PromptTokens)
			require.Equal(t, int64(fakevendor.CompletionTokens), row.CompletionTokens)
			require.False(t, row.UsageEstimated)
		})
	}
}

// TestStream_shapes: the same answer in every shape that a network gives it.
func TestStream_shapes(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v)})
	giant := strings.Repeat("a", 5<<20)
	many := strings.Split(strings.Repeat("word ", 3000), " ")
	for _, c := range []struct {
		name, model, upstream string
		options               fakevendor.Options
		want                  string
		estimated             bool
	}{
		{"seven bytes at a time", "gpt", "gpt-4o", fakevendor.Options{Dribble: 7}, fakevendor.Text(), false},
		{"an event of 5 MB", "house/local-model", "gpt-local", fakevendor.Options{Pieces: []string{"a", giant, "b"}}, "a" + giant + "b", false},
		{"thousands of events", "busy", "gpt-busy", fakevendor.Options{Pieces: many}, strings.Join(many, ""), false},
		{"no usage", "instruct", "gpt-3.5-turbo-instruct", fakevendor.Options{OmitUsage: true}, fakevendor.Text(), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v.Script(c.upstream, fakevendor.Answer(c.options))
			key := s.NewKey(t, nil)
			e := s.Client(key).Stream(t, chatPath, `{"model":"`+c.model+`","stream":true,"messages":[{"role":"user","content":"Hello"}]}`)
			defer e.Close()
			events, err := e.Rest()
			require.NoError(t, err)
			got := said(chunks(t, events))
			require.True(t, c.want == got, "got %d bytes, want %d", len(got), len(c.want)) //nolint:testifylint // 5 MB are no message
			row := s.WaitBooked(t, key, 1)[0]
			require.Equal(t, c.estimated, row.UsageEstimated)
			require.Positive(t, row.CompletionTokens)
			require.Positive(t, row.SpendNano)
			require.True(t, row.Stream)
		})
	}
}

// TestStream_is_not_held_back: each chunk reaches the client before the vendor
// sends the next.
func TestStream_is_not_held_back(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v)})
	gate := make(chan struct{})
	v.Script("gpt-4o", fakevendor.Answer(fakevendor.Options{Gate: gate}))
	e := s.Master().Stream(t, chatPath, `{"model":"gpt","stream":true,"messages":[]}`)
	defer e.Close()
	opening, ok := e.Next()
	require.True(t, ok)
	require.Contains(t, opening, `"role":"assistant"`)
	for i, piece := range fakevendor.Pieces() {
		if i > 0 {
			gate <- struct{}{}
		}
		data, ok := e.Next()
		require.True(t, ok)
		require.Contains(t, data, `"content":"`+piece+`"`)
	}
	rest, err := e.Rest()
	require.NoError(t, err)
	require.Len(t, rest, 2, "the finish and [DONE]")
}

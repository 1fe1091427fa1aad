package mock_test

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

func streamCall(tb testing.TB, body string) *provider.Call {
	tb.Helper()
	call := chatCall(tb, body)
	call.Stream = true
	return call
}

func TestStream_speaks_as_openai_does(t *testing.T) {
	t.Parallel()
	r := do(t, backend(t, "echo", ""), streamCall(t, question))
	require.Equal(t, 200, r.Status())
	require.Equal(t, "text/event-stream; charset=utf-8", r.Header("Content-Type"))
	require.EqualValues(t, -1, r.ContentLength())
	all := chunks(t, body(t, r))
	require.Len(t, all, 1+5+1)
	for _, c := range all {
		require.Equal(t, "chatcmpl-c1", c.ID)
		require.Equal(t, "chat.completion.chunk", c.Object)
		require.Equal(t, "echo", c.Model)
		require.Nil(t, c.Usage)
		require.Len(t, c.Choices, 1)
	}
	require.Equal(t, "assistant", all[0].Choices[0].Delta.Role)
	require.Empty(t, *all[0].Choices[0].Delta.Content)
	require.Nil(t, all[0].Choices[0].FinishReason)
	for i, word := range []string{"Say", " hello", " to", " the", " world"} {
		require.Equal(t, word, *all[1+i].Choices[0].Delta.Content)
		require.Nil(t, all[1+i].Choices[0].FinishReason)
	}
	require.Nil(t, all[6].Choices[0].Delta.Content)
	require.Equal(t, "stop", *all[6].Choices[0].FinishReason)
}

func TestStream_sends_usage_when_asked(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	asked := streamCall(t, with(question, `"stream_options":{"include_usage":true}`))
	added := streamCall(t, question)
	added.AddUsage = true
	for _, call := range []*provider.Call{asked, added} {
		stream := body(t, do(t, b, call))
		all := chunks(t, stream)
		last := all[len(all)-1]
		require.Empty(t, last.Choices)
		require.Equal(t, 10, last.Usage.PromptTokens)
		require.Equal(t, 6, last.Usage.CompletionTokens)
		require.Equal(t, 16, last.Usage.TotalTokens)
		require.Contains(t, stream, `"choices":[],"usage":{`)
		require.Equal(t, len(all)-1, strings.Count(stream, `"usage":null`), "all but the last")
	}
	not := streamCall(t, with(question, `"stream_options":{"include_usage":false}`))
	require.NotContains(t, body(t, do(t, b, not)), "usage")
}

func TestStream_completion(t *testing.T) {
	t.Parallel()
	call := newCall(t, provider.Completions, `{"prompt":"a b\nc"}`)
	call.Stream, call.AddUsage = true, true
	all := chunks(t, body(t, do(t, backend(t, "echo", ""), call)))
	require.Len(t, all, 3+1+1)
	text, pieces := said(all)
	require.Equal(t, "a b\nc", text)
	require.Equal(t, 3, pieces)
	require.Equal(t, "text_completion", all[0].Object)
	require.Equal(t, "cmpl-c1", all[0].ID)
	require.Equal(t, "stop", *all[3].Choices[0].FinishReason)
	require.Empty(t, *all[3].Choices[0].Text)
	require.Equal(t, 4, all[4].Usage.TotalTokens)
}

func TestStream_has_as_many_chunks_as_wanted(t *testing.T) {
	t.Parallel()
	b := backend(t, "m", "")
	for _, text := range []string{"This is a mock response.", "日本語のテキスト😀", "x", ""} {
		for _, want := range []int{1, 2, 7, 24, 25, 50, 1000} {
			call := streamCall(t, with(question, `"mock_response":"`+text+`","mock_chunks":`+strconv.Itoa(want)))
			got, pieces := said(chunks(t, body(t, do(t, b, call))))
			if text == "" {
				require.Zero(t, pieces)
				continue
			}
			require.Equal(t, want, pieces, text)
			if want <= len(text) {
				require.Equal(t, text, got)
			} else {
				require.True(t, strings.HasPrefix(got, text+" "+text), "%q is repeated", got)
			}
		}
	}
}

func TestStream_cuts_at_words(t *testing.T) {
	t.Parallel()
	b := backend(t, "m", "")
	for text, want := range map[string]int{"one": 1, "one two": 2, "  one  two  ": 3, " ": 1, `a\nb\tc`: 3} {
		_, pieces := said(chunks(t, body(t, do(t, b, streamCall(t, with(question, `"mock_response":"`+text+`"`))))))
		require.Equal(t, want, pieces, "%q", text)
	}
	many := strings.Repeat("x ", 100_001)
	stream := body(t, do(t, b, streamCall(t, with(question, `"mock_response":"`+many+`"`))))
	require.Equal(t, 100_000, strings.Count(stream, `"delta":{"content":`))
	require.Contains(t, stream, `{"content":"`+strings.Repeat(" x", 2)+` "}`, "the last chunk takes the rest")
}

func TestStream_reads_into_any_buffer(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	whole := body(t, do(t, b, streamCall(t, question)))
	for _, size := range []int{1, 7, 100, 300, 4096} {
		reads, err := readEach(do(t, b, streamCall(t, question)), size)
		require.ErrorIs(t, err, io.EOF)
		got := string(bytes.Join(reads, nil))
		require.Len(t, got, len(whole))
		require.Len(t, chunks(t, got), 7)
		for _, read := range reads[:len(reads)-1] {
			require.Len(t, read, size, "a read without intervals is full")
		}
	}
	n, err := do(t, b, streamCall(t, question)).Read(nil)
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestStream_breaks_off(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	for after, want := range map[int]int{0: 0, 1: 2, 3: 4, 5: 6} {
		call := streamCall(t, with(question, `"mock_close_after_chunks":`+strconv.Itoa(after)))
		reads, err := readEach(do(t, b, call), 4096)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Len(t, events(t, bytes.Join(reads, nil)), want)
	}
	// One more than there are: it ends as usual.
	require.Len(t, chunks(t, body(t, do(t, b, streamCall(t, with(question, `"mock_close_after_chunks":6`))))), 7)
}

func TestStream_outlives_the_call(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	call := streamCall(t, with(question, `"mock_usage":{"prompt_tokens":3,"completion_tokens":4},"stream_options":{"include_usage":true}`))
	r := do(t, b, call)
	for i := range call.Body {
		call.Body[i] = 'X'
	}
	*call = provider.Call{CallID: "other"}
	all := chunks(t, body(t, r))
	text, _ := said(all)
	require.Equal(t, "Say hello to the world", text)
	require.Equal(t, "chatcmpl-c1", all[len(all)-1].ID)
	require.Equal(t, 7, all[len(all)-1].Usage.TotalTokens)
}

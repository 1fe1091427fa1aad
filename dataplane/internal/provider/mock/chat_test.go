package mock_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/mock"
)

func TestChat_echoes_the_last_user_message(t *testing.T) {
	t.Parallel()
	before := time.Now().Unix()
	r := do(t, backend(t, "echo", ""), chatCall(t, question))
	require.Equal(t, 200, r.Status())
	require.Equal(t, "application/json", r.Header("content-type"))
	require.Empty(t, r.Header("Retry-After"))
	require.Empty(t, r.Header("X-Other"))

	got := strict[chatShape](t, body(t, r))
	require.Equal(t, "chatcmpl-c1", got.ID)
	require.Equal(t, "chat.completion", got.Object)
	require.GreaterOrEqual(t, got.Created, before)
	require.Equal(t, "echo", got.Model)
	require.Len(t, got.Choices, 1)
	require.Equal(t, "assistant", got.Choices[0].Message.Role)
	require.Equal(t, "Say hello to the world", *got.Choices[0].Message.Content)
	require.Nil(t, got.Choices[0].Message.Refusal)
	require.NotNil(t, got.Choices[0].Message.Annotations)
	require.Equal(t, "stop", got.Choices[0].FinishReason)
	// 9+5+2+22 bytes asked, 22 answered.
	require.Equal(t, 10, got.Usage.PromptTokens)
	require.Equal(t, 6, got.Usage.CompletionTokens)
	require.Equal(t, 16, got.Usage.TotalTokens)
	require.Len(t, got.Usage.PromptDetails, 2)
	require.Len(t, got.Usage.OutputDetails, 4)
}

func TestChat_echoes_any_text(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	for content, want := range map[string]string{
		`""`:      "",
		`"plain"`: "plain",
		`"a\nb\t\"c\" \\ \u0001 \u00e9 日本 <>&"`: "a\nb\t\"c\" \\ \x01 é 日本 <>&",
		`"\ud83d\ude00"`: "😀",
		`[{"type":"text","text":"one "},{"type":"image_url","image_url":{"url":"data:,]}\"["}},{"type":"text","text":"t\"wo"}]`: "one t\"wo",
		`[]`:   "",
		`null`: "",
		`17`:   "",
		` [ { "text" : "x" } , { "text" : "y" } ] `: "xy",
	} {
		got := strict[chatShape](t, body(t, do(t, b, chatCall(t, `{"messages":[{"content":`+content+`,"role":"user"}]}`))))
		require.Equal(t, want, *got.Choices[0].Message.Content, content)
	}
	got := strict[chatShape](t, body(t, do(t, b, chatCall(t, `{"messages":[{"role":"user","content":"bad `+"\xff"+` utf-8"}]}`))))
	require.Equal(t, "bad \uFFFD utf-8", *got.Choices[0].Message.Content)
	got = strict[chatShape](t, body(t, do(t, b, chatCall(t, `{"messages":[{"role":"assistant","content":"x"}]}`))))
	require.Empty(t, *got.Choices[0].Message.Content, "nobody asked")
	require.Equal(t, 1, got.Usage.PromptTokens)
}

func TestChat_fixed_text_and_who_sets_it(t *testing.T) {
	t.Parallel()
	text := func(cfg provider.Config, request string) string {
		b, err := mock.New(cfg)
		require.NoError(t, err)
		return *strict[chatShape](t, body(t, do(t, b, chatCall(t, request)))).Choices[0].Message.Content
	}
	own, special := "from the deployment", "litellm.RateLimitError"
	params := map[string]json.RawMessage{"mock_response": json.RawMessage(` "from the parameters"`), "temperature": json.RawMessage(`0`)}
	require.Equal(t, "This is a mock response.", text(provider.Config{Model: "fixed"}, question))
	require.Equal(t, "This is a mock response.", text(provider.Config{Model: "gpt-4o"}, question))
	require.Equal(t, own, text(provider.Config{Model: "echo", MockResponse: &own}, question))
	require.Equal(t, "from the parameters", text(provider.Config{Model: "echo", MockResponse: &own, Params: params}, question))
	require.Equal(t, "from the request", text(provider.Config{Model: "m", MockResponse: &own, Params: params},
		with(question, `"mock_response":"from the request"`)))
	require.Equal(t, "from the request", text(provider.Config{Model: "m", MockResponse: &special}, with(question, `"mock_response":"from the request"`)))
	require.Equal(t, own, text(provider.Config{Model: "m", MockResponse: &own}, with(question, `"mock_response":null,"mock_unknown":{}`)))
}

func TestChat_names_are_escaped(t *testing.T) {
	t.Parallel()
	b, err := mock.New(provider.Config{Model: "a\"b\nc"})
	require.NoError(t, err)
	call := chatCall(t, question)
	call.CallID = "x\"\ny"
	got := strict[chatShape](t, body(t, do(t, b, call)))
	require.Equal(t, "a\"b\nc", got.Model)
	require.Equal(t, "chatcmpl-x\"\ny", got.ID)
	call.Stream = true
	for _, c := range chunks(t, body(t, do(t, b, call))) {
		require.Equal(t, "chatcmpl-x\"\ny", c.ID)
	}
}

func TestChat_returns_a_whole_object_as_it_is(t *testing.T) {
	t.Parallel()
	object := `{"id":"mine","choices":[{"message":{"content":"from\nobject"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`
	b := backend(t, "m", `{"mock_response":`+object+`}`)
	require.JSONEq(t, object, body(t, do(t, b, chatCall(t, question))))
	require.JSONEq(t, object, body(t, do(t, b, newCall(t, provider.Embeddings, `{"input":"x"}`))))

	call := chatCall(t, with(question, `"stream_options":{"include_usage":true}`))
	call.Stream = true
	all := chunks(t, body(t, do(t, b, call)))
	text, _ := said(all)
	require.Equal(t, "from\nobject", text)
	require.Equal(t, 3, all[len(all)-1].Usage.TotalTokens)

	call = chatCall(t, with(question, `"mock_response":{"unrelated":true}`))
	call.Stream = true
	text, pieces := said(chunks(t, body(t, do(t, b, call))))
	require.Empty(t, text)
	require.Zero(t, pieces)
}

func TestChat_usage_is_what_the_option_says(t *testing.T) {
	t.Parallel()
	b := backend(t, "m", `{"mock_usage":{"prompt_tokens":100, "completion_tokens":50}}`)
	got := strict[chatShape](t, body(t, do(t, b, chatCall(t, question))))
	require.Equal(t, 150, got.Usage.TotalTokens)
	got = strict[chatShape](t, body(t, do(t, b, chatCall(t, with(question, `"mock_usage":{"total_tokens":7}`)))))
	require.Equal(t, usageShape{TotalTokens: 7}, got.Usage)
	got = strict[chatShape](t, body(t, do(t, b, chatCall(t, with(question, `"mock_usage":{}`)))))
	require.Equal(t, usageShape{}, got.Usage)
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	for prompt, want := range map[string]struct {
		text   string
		tokens int
	}{
		`"Once upon a time"`:   {"Once upon a time", 4},
		`["one","two"]`:        {"one\ntwo", 2},
		`[1,2,3,4,5]`:          {"", 5},
		`[[1,2],[3]]`:          {"", 3},
		`["text",[1,2]]`:       {"text", 3},
		`[]`:                   {"", 1},
		`"\u00e9\u00e9\u00e9"`: {"ééé", 2},
	} {
		got := strict[textShape](t, body(t, do(t, b, newCall(t, provider.Completions, `{"prompt":`+prompt+`}`))))
		require.Equal(t, "cmpl-c1", got.ID)
		require.Equal(t, "text_completion", got.Object)
		require.Equal(t, want.text, got.Choices[0].Text, prompt)
		require.Equal(t, "stop", got.Choices[0].FinishReason)
		require.Equal(t, want.tokens, got.Usage.PromptTokens, prompt)
		require.Equal(t, got.Usage.PromptTokens+got.Usage.CompletionTokens, got.Usage.TotalTokens)
	}
}

func TestReply_ends_when_it_is_closed(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	for _, stream := range []bool{false, true} {
		call := chatCall(t, question)
		call.Stream = stream
		r, err := b.Do(t.Context(), call)
		require.NoError(t, err)
		n, err := r.Read(make([]byte, 10))
		require.NoError(t, err)
		require.Equal(t, 10, n)
		require.NoError(t, r.Close())
		require.NoError(t, r.Close())
		_, err = r.Read(make([]byte, 10))
		require.ErrorIs(t, err, os.ErrClosed)
	}
}

// TestReply_long: an answer that does not fit the pool, and short ones after it.
func TestReply_long(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	long := strings.Repeat("lorem ipsum ", 20_000)
	for _, text := range []string{long, "short", long, "short"} {
		r, err := b.Do(t.Context(), chatCall(t, `{"messages":[{"role":"user","content":"`+text+`"}]}`))
		require.NoError(t, err)
		require.Equal(t, text, *strict[chatShape](t, body(t, r)).Choices[0].Message.Content)
		require.NoError(t, r.Close())
	}
}

func TestDo_knows_its_surfaces(t *testing.T) {
	t.Parallel()
	_, err := backend(t, "m", "").Do(t.Context(), newCall(t, provider.Embeddings+1, `{}`))
	require.ErrorIs(t, err, provider.ErrUnsupported)
}

package integration_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// sdkConfig has the built-in mock, and a vendor for each kind of call.
func sdkConfig(v *fakevendor.Vendor) string {
	return `model_list:
  - model_name: mock
    litellm_params: {model: mock/echo, input_cost_per_token: 0.000001, output_cost_per_token: 0.000002}
` + v.Deployment("gpt", "gpt-4o") + v.Deployment("instruct", "gpt-3.5-turbo-instruct") + v.Deployment("embed", "text-embedding-3-small") +
		v.Deployment("busy", "gpt-busy") + v.Deployment("house/local-model", "gpt-local") + "router_settings: {num_retries: 0}\n"
}

// side is one of the two ways by which a request can be answered.
type side struct {
	name, chat, text, embed string
	says                    string // what it answers to "Hello from the vendor."
	told                    string // what it answers once it has a tool's result
}

func sides() []side {
	return []side{
		{"mock", "mock", "mock", "mock", fakevendor.Text(), fakevendor.Text()},
		{"vendor", "gpt", "instruct", "embed", fakevendor.Text(), `The tools said: {"celsius":21}`},
	}
}

// TestOpenAIGo drives a data plane with the official Go SDK.
func TestOpenAIGo(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v)})
	key := s.NewKey(t, nil)
	hc := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(hc.CloseIdleConnections)
	ways := map[string][]option.RequestOption{
		"with v1":    {option.WithBaseURL(s.DataPlane(0) + "/v1/"), option.WithAPIKey(key)},
		"without v1": {option.WithBaseURL(s.DataPlane(0) + "/"), option.WithAPIKey(key)},
		"azure":      {azure.WithEndpoint(s.DataPlane(0), "2024-10-21"), azure.WithAPIKey(key), azure.WithUnsafeAllowHTTP()},
	}
	for way, opts := range ways {
		client := openai.NewClient(append(opts, option.WithHTTPClient(hc), option.WithMaxRetries(0))...)
		for _, side := range sides() {
			t.Run(way+"/"+side.name, func(t *testing.T) {
				t.Parallel()
				sdkChat(t, client, side)
				sdkStream(t, client, side)
				sdkTools(t, client, side)
				sdkToolsStream(t, client, side)
				sdkCompletions(t, client, side)
				sdkEmbeddings(t, client, side)
			})
		}
		if way == "azure" {
			continue // its deployments are no models of OpenAI's list
		}
		t.Run(way+"/models", func(t *testing.T) {
			t.Parallel()
			sdkModels(t, client)
		})
		t.Run(way+"/errors", func(t *testing.T) {
			t.Parallel()
			sdkErrors(t, client, v)
		})
	}
}

func ask(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Be brief."), openai.UserMessage(fakevendor.Text())},
	}
}

func sdkChat(t *testing.T, c openai.Client, s side) {
	t.Helper()
	got, err := c.Chat.Completions.New(t.Context(), ask(s.chat))
	require.NoError(t, err)
	require.Equal(t, s.chat, got.Model)
	require.Equal(t, "chat.completion", string(got.Object))
	require.NotEmpty(t, got.ID)
	require.Len(t, got.Choices, 1)
	require.Equal(t, s.says, got.Choices[0].Message.Content)
	require.Equal(t, "stop", got.Choices[0].FinishReason)
	require.Positive(t, got.Usage.PromptTokens)
	require.Equal(t, got.Usage.PromptTokens+got.Usage.CompletionTokens, got.Usage.TotalTokens)
}

func sdkStream(t *testing.T, c openai.Client, s side) {
	t.Helper()
	p := ask(s.chat)
	p.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	stream := c.Chat.Completions.NewStreaming(t.Context(), p)
	var acc openai.ChatCompletionAccumulator
	chunks := 0
	for stream.Next() {
		chunks++
		require.Equal(t, s.chat, stream.Current().Model)
		require.True(t, acc.AddChunk(stream.Current()))
	}
	require.NoError(t, stream.Err())
	require.NoError(t, stream.Close())
	require.Greater(t, chunks, 3, "arrived in one piece")
	require.Equal(t, s.says, acc.Choices[0].Message.Content)
	require.Equal(t, "stop", acc.Choices[0].FinishReason)
	require.Positive(t, acc.Usage.TotalTokens)
}

// weather has a tool and forces its use.
func weather(model string) openai.ChatCompletionNewParams {
	p := ask(model)
	p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name: "get_weather", Description: openai.String("The weather in a city."),
		Parameters: shared.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"}},
	})}
	p.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "get_weather"})
	return p
}

func sdkTools(t *testing.T, c openai.Client, s side) {
	t.Helper()
	p := weather(s.chat)
	got, err := c.Chat.Completions.New(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, "tool_calls", got.Choices[0].FinishReason)
	require.Len(t, got.Choices[0].Message.ToolCalls, 1)
	call := got.Choices[0].Message.ToolCalls[0]
	require.Equal(t, "get_weather", call.Function.Name)
	require.NotEmpty(t, call.ID)
	require.Contains(t, call.Function.Arguments, "{")

	p.Messages = append(p.Messages, got.Choices[0].Message.ToParam(), openai.ToolMessage(`{"celsius":21}`, call.ID))
	p.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: param.NewOpt("none")}
	got, err = c.Chat.Completions.New(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, s.told, got.Choices[0].Message.Content)
}

func sdkToolsStream(t *testing.T, c openai.Client, s side) {
	t.Helper()
	stream := c.Chat.Completions.NewStreaming(t.Context(), weather(s.chat))
	var acc openai.ChatCompletionAccumulator
	finished := 0
	for stream.Next() {
		require.True(t, acc.AddChunk(stream.Current()))
		if call, ok := acc.JustFinishedToolCall(); ok {
			finished++
			require.Equal(t, "get_weather", call.Name)
			require.Contains(t, call.Arguments, "{")
		}
	}
	require.NoError(t, stream.Err())
	require.Equal(t, 1, finished)
	require.Equal(t, "tool_calls", acc.Choices[0].FinishReason)
}

func sdkCompletions(t *testing.T, c openai.Client, s side) {
	t.Helper()
	p := openai.CompletionNewParams{
		Model: openai.CompletionNewParamsModel(s.text), Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String(fakevendor.Text())},
	}
	got, err := c.Completions.New(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, s.text, got.Model)
	require.Equal(t, s.says, got.Choices[0].Text)
	require.Positive(t, got.Usage.TotalTokens)

	stream := c.Completions.NewStreaming(t.Context(), p)
	var text strings.Builder
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			text.WriteString(choice.Text)
		}
	}
	require.NoError(t, stream.Err())
	require.Equal(t, s.says, text.String())
}

func sdkEmbeddings(t *testing.T, c openai.Client, s side) {
	t.Helper()
	for _, format := range []openai.EmbeddingNewParamsEncodingFormat{"", openai.EmbeddingNewParamsEncodingFormatFloat} {
		got, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
			Model: s.embed, EncodingFormat: format, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"one", "two"}},
		})
		require.NoError(t, err)
		require.Equal(t, s.embed, got.Model)
		require.Len(t, got.Data, 2)
		require.Equal(t, int64(1), got.Data[1].Index)
		require.NotEmpty(t, got.Data[0].Embedding)
		require.Positive(t, got.Usage.PromptTokens)
	}
}

func sdkModels(t *testing.T, c openai.Client) {
	t.Helper()
	page, err := c.Models.List(t.Context())
	require.NoError(t, err)
	var ids []string
	for _, m := range page.Data {
		ids = append(ids, m.ID)
		require.Equal(t, "model", string(m.Object))
	}
	require.Equal(t, []string{"busy", "embed", "gpt", "house/local-model", "instruct", "mock"}, ids)
	for _, id := range []string{"gpt", "house/local-model"} {
		got, err := c.Models.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, id, got.ID)
	}
	_, err = c.Models.Get(t.Context(), "nothing")
	require.Equal(t, http.StatusNotFound, sdkError(t, err).StatusCode)
}

func sdkError(t *testing.T, err error) *openai.Error {
	t.Helper()
	var e *openai.Error
	require.ErrorAs(t, err, &e)
	return e
}

// sdkErrors holds that errors arrive as what the SDK calls an API error, with
// its fields.
func sdkErrors(t *testing.T, c openai.Client, v *fakevendor.Vendor) {
	t.Helper()
	v.Script("gpt-busy", fakevendor.FailLater(http.StatusTooManyRequests, "Slow down.", "7"))
	_, err := c.Chat.Completions.New(t.Context(), ask("busy"))
	e := sdkError(t, err)
	require.Equal(t, http.StatusTooManyRequests, e.StatusCode)
	require.Equal(t, "429", e.Code)
	require.Equal(t, "throttling_error", e.Type)
	require.Contains(t, e.Message, "Slow down.")
	require.Equal(t, "7", e.Response.Header.Get("Retry-After"))

	_, err = c.Chat.Completions.New(t.Context(), ask("no-such-model"))
	e = sdkError(t, err)
	require.Equal(t, http.StatusBadRequest, e.StatusCode)
	require.Contains(t, e.Message, "no-such-model")

	_, err = c.Chat.Completions.New(t.Context(), ask("gpt"), option.WithAPIKey("sk-unknown"))
	e = sdkError(t, err)
	require.Equal(t, http.StatusUnauthorized, e.StatusCode)
	require.Equal(t, "token_not_found_in_db", e.Type)
	require.Equal(t, "401", e.Code)

	stream := c.Chat.Completions.NewStreaming(t.Context(), ask("busy"))
	require.False(t, stream.Next())
	require.Equal(t, http.StatusTooManyRequests, sdkError(t, stream.Err()).StatusCode)
}

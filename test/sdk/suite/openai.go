//nolint:thelper // these are the tests themselves
package suite

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// openAISuite is what openai-go does with chat completions.
type openAISuite struct {
	target Target
	client openai.Client
}

func newOpenAI(t *testing.T, target Target) *openAISuite {
	t.Helper()
	return &openAISuite{target: target, client: openai.NewClient(option.WithBaseURL(target.Base+"/v1/"), option.WithAPIKey(target.Key),
		option.WithHTTPClient(client(t)), option.WithMaxRetries(0))}
}

// OpenAI runs openai-go against a target.
func OpenAI(t *testing.T, target Target) {
	t.Helper()
	s := newOpenAI(t, target)
	run(t, []test{
		{name: "chat", run: s.chat},
		{name: "stream", run: s.stream},
		{name: "parameters", run: s.parameters},
		{name: "tool round trip", run: s.tools},
		{name: "tools streamed", run: s.toolsStreamed},
		{name: "forced tool", run: s.forcedTool},
		{name: "image", run: s.image},
		{name: "structured output", run: s.structured},
		{name: "JSON object", run: s.jsonObject},
		{name: "thinking", run: s.thinking, skip: !target.Abilities.Thoughts && !target.Abilities.Reasoning},
		{name: "embeddings", run: s.embeddings, skip: !target.Abilities.Embeddings},
		{name: "models", run: s.models},
		{name: "errors", run: s.errors},
		{name: "stream that fails", run: s.failingStreams},
	})
}

func (s *openAISuite) ask(kind, text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: s.target.Model(kind), MaxCompletionTokens: openai.Int(64),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage(instructions), openai.UserMessage(text)},
	}
}

func openAITools(names ...string) []openai.ChatCompletionToolUnionParam {
	var all []openai.ChatCompletionToolUnionParam
	for _, name := range names {
		all = append(all, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: name, Description: openai.String("What it says."),
			Parameters: shared.FunctionParameters{"type": "object", "properties": places(), "required": []string{"city"}},
		}))
	}
	return all
}

func (s *openAISuite) complete(t *testing.T, p openai.ChatCompletionNewParams) openai.ChatCompletionChoice {
	t.Helper()
	got, err := s.client.Chat.Completions.New(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, got.Choices, 1)
	require.Equal(t, "assistant", string(got.Choices[0].Message.Role))
	return got.Choices[0]
}

// collect reads a stream to its end.
func (s *openAISuite) collect(t *testing.T, p openai.ChatCompletionNewParams) (acc openai.ChatCompletionAccumulator, chunks int, err error) {
	t.Helper()
	p.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	stream := s.client.Chat.Completions.NewStreaming(t.Context(), p)
	defer func() { _ = stream.Close() }()
	for stream.Next() {
		chunks++
		require.True(t, acc.AddChunk(stream.Current()))
	}
	return acc, chunks, stream.Err()
}

func (s *openAISuite) chat(t *testing.T) {
	got, err := s.client.Chat.Completions.New(t.Context(), s.ask(Good, "Hello"))
	require.NoError(t, err)
	require.Equal(t, "chat.completion", string(got.Object))
	require.NotEmpty(t, got.ID)
	require.NotEmpty(t, got.Model)
	require.Positive(t, got.Created)
	require.Equal(t, fakevendor.Text(), got.Choices[0].Message.Content)
	require.Equal(t, "stop", got.Choices[0].FinishReason)
	holdUsage(t, got.Usage)
}

func holdUsage(t *testing.T, u openai.CompletionUsage) {
	t.Helper()
	require.EqualValues(t, fakevendor.PromptTokens, u.PromptTokens)
	require.EqualValues(t, fakevendor.CompletionTokens, u.CompletionTokens)
	require.EqualValues(t, fakevendor.PromptTokens+fakevendor.CompletionTokens, u.TotalTokens)
}

func (s *openAISuite) stream(t *testing.T) {
	got, chunks, err := s.collect(t, s.ask(Good, "Hello"))
	require.NoError(t, err)
	require.Equal(t, fakevendor.Text(), got.Choices[0].Message.Content)
	require.Equal(t, "stop", got.Choices[0].FinishReason)
	require.GreaterOrEqual(t, chunks, 5, "arrived in one piece")
	holdUsage(t, got.Usage)
}

func (s *openAISuite) parameters(t *testing.T) {
	p := s.ask(Good, fakevendor.ReportPrompt)
	p.Messages = []openai.ChatCompletionMessageParamUnion{
		openai.SystemMessage(instructions), openai.UserMessage("First"), openai.AssistantMessage("Second"), openai.UserMessage(fakevendor.ReportPrompt),
	}
	p.Temperature, p.Stop = openai.Float(0.5), openai.ChatCompletionNewParamsStopUnion{OfStringArray: []string{"END"}}
	p.Tools, p.ToolChoice = openAITools(weather), openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: param.NewOpt("none")}
	holdReport(t, s.complete(t, p).Message.Content, "END")
}

func (s *openAISuite) tools(t *testing.T) {
	p := s.ask(Good, "How is it?")
	p.Tools = openAITools(weather, clock)
	s.answerTools(t, p, s.complete(t, p))
}

func (s *openAISuite) answerTools(t *testing.T, p openai.ChatCompletionNewParams, got openai.ChatCompletionChoice) {
	t.Helper()
	require.Equal(t, "tool_calls", got.FinishReason)
	calls := got.Message.ToolCalls
	require.Len(t, calls, 2)
	require.Equal(t, weather, calls[0].Function.Name)
	require.Equal(t, clock, calls[1].Function.Name)
	require.NotEqual(t, calls[0].ID, calls[1].ID)
	require.JSONEq(t, fakevendor.Arguments, calls[1].Function.Arguments)
	p.Messages = append(p.Messages, got.Message.ToParam(), openai.ToolMessage(weatherResult, calls[0].ID), openai.ToolMessage(clockResult, calls[1].ID))
	got = s.complete(t, p)
	require.Equal(t, "The tools said: "+weatherResult+" "+clockResult, got.Message.Content)
	require.Equal(t, "stop", got.FinishReason)
}

func (s *openAISuite) toolsStreamed(t *testing.T) {
	p := s.ask(Good, "How is it?")
	p.Tools = openAITools(weather, clock)
	got, _, err := s.collect(t, p)
	require.NoError(t, err)
	s.answerTools(t, p, got.Choices[0])
}

func (s *openAISuite) forcedTool(t *testing.T) {
	p := s.ask(Good, "How late is it?")
	p.Tools = openAITools(weather, clock)
	p.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: clock})
	calls := s.complete(t, p).Message.ToolCalls
	require.Len(t, calls, 1)
	require.Equal(t, clock, calls[0].Function.Name)

	p.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: param.NewOpt("required")}
	require.NotEmpty(t, s.complete(t, p).Message.ToolCalls)
}

func (s *openAISuite) image(t *testing.T) {
	p := s.ask(Good, "")
	p.Messages[1] = openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{
		openai.TextContentPart("What is this?"),
		openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: "data:image/png;base64," + fakevendor.Pixel}),
	})
	require.Equal(t, Seen(), s.complete(t, p).Message.Content)
}

func (s *openAISuite) structured(t *testing.T) {
	p := s.ask(Good, "Where?")
	p.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
		Name: "place", Strict: openai.Bool(true),
		Schema: map[string]any{"type": "object", "properties": places(), "required": []string{"city", "unit"}, "additionalProperties": false},
	}}
	got := s.complete(t, p)
	require.JSONEq(t, fakevendor.Arguments, got.Message.Content)
	require.Equal(t, "stop", got.FinishReason)
	require.Empty(t, got.Message.ToolCalls)
	streamed, _, err := s.collect(t, p)
	require.NoError(t, err)
	require.JSONEq(t, fakevendor.Arguments, streamed.Choices[0].Message.Content)
	require.Equal(t, "stop", streamed.Choices[0].FinishReason)
}

// jsonObject only asks for some object: not every vendor promises one.
func (s *openAISuite) jsonObject(t *testing.T) {
	p := s.ask(Good, "Where? Answer as JSON.")
	p.ResponseFormat.OfJSONObject = &shared.ResponseFormatJSONObjectParam{}
	require.NotEmpty(t, s.complete(t, p).Message.Content)
}

func (s *openAISuite) thinking(t *testing.T) {
	p := s.ask(Thinks, "Hello")
	p.ReasoningEffort, p.MaxCompletionTokens = shared.ReasoningEffortLow, openai.Int(4096)
	got, err := s.client.Chat.Completions.New(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, fakevendor.Text(), got.Choices[0].Message.Content)
	holdUsage(t, got.Usage)
	if s.target.Abilities.Reasoning {
		require.EqualValues(t, fakevendor.ReasoningTokens, got.Usage.CompletionTokensDetails.ReasoningTokens)
		return
	}
	var thought string
	require.NoError(t, json.Unmarshal([]byte(got.Choices[0].Message.JSON.ExtraFields["reasoning_content"].Raw()), &thought))
	require.Equal(t, fakevendor.Thought, thought)
}

func (s *openAISuite) embeddings(t *testing.T) {
	for _, format := range []openai.EmbeddingNewParamsEncodingFormat{"", openai.EmbeddingNewParamsEncodingFormatFloat} {
		got, err := s.client.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
			Model: s.target.Model(Embeds), EncodingFormat: format, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"one", "two"}},
		})
		require.NoError(t, err)
		require.Len(t, got.Data, 2)
		require.Equal(t, int64(1), got.Data[1].Index)
		for i, want := range fakevendor.Vector() {
			require.InDelta(t, want, got.Data[1].Embedding[i], 1e-6)
		}
	}
}

func (s *openAISuite) models(t *testing.T) {
	page, err := s.client.Models.List(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, page.Data)
	got, err := s.client.Models.Get(t.Context(), s.target.Model(Good))
	require.NoError(t, err)
	require.Equal(t, s.target.Model(Good), got.ID)
}

func openAIError(t *testing.T, err error) *openai.Error {
	t.Helper()
	var e *openai.Error
	require.ErrorAs(t, err, &e)
	return e
}

func (s *openAISuite) errors(t *testing.T) {
	_, err := s.client.Chat.Completions.New(t.Context(), s.ask(Busy, "Hello"))
	e := openAIError(t, err)
	require.Equal(t, http.StatusTooManyRequests, e.StatusCode)
	require.Contains(t, e.Message, BusyMessage)
	require.Equal(t, RetryAfter, e.Response.Header.Get("Retry-After"))

	_, err = s.client.Chat.Completions.New(t.Context(), s.ask(Refuses, "Hello"))
	e = openAIError(t, err)
	require.Equal(t, http.StatusBadRequest, e.StatusCode)
	require.Contains(t, e.Message, RefusesMessage)

	_, err = s.client.Chat.Completions.New(t.Context(), s.ask(Good, "Hello"), option.WithAPIKey("sk-unknown"))
	require.Equal(t, http.StatusUnauthorized, openAIError(t, err).StatusCode)

	_, _, err = s.collect(t, s.ask(Busy, "Hello"))
	require.Equal(t, http.StatusTooManyRequests, openAIError(t, err).StatusCode)
}

func (s *openAISuite) failingStreams(t *testing.T) {
	for _, kind := range []string{Cuts, Breaks} {
		got, _, err := s.collect(t, s.ask(kind, "Hello"))
		require.Error(t, err, kind)
		require.NotEmpty(t, got.Choices, kind)
		require.Contains(t, got.Choices[0].Message.Content, fakevendor.Pieces()[0], kind)
	}
}

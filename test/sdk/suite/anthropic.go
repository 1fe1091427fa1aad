//nolint:thelper // these are the tests themselves
package suite

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// anthropicSuite is what anthropic-sdk-go does.
type anthropicSuite struct {
	target Target
	client anthropic.Client
}

// Anthropic runs anthropic-sdk-go against a target.
func Anthropic(t *testing.T, target Target) {
	t.Helper()
	s := &anthropicSuite{target: target, client: anthropic.NewClient(option.WithoutEnvironmentDefaults(),
		option.WithBaseURL(target.Base), option.WithAPIKey(target.Key), option.WithHTTPClient(client(t)), option.WithMaxRetries(0))}
	run(t, append(s.common(),
		test{name: "count tokens", run: s.count},
		test{name: "models", run: s.models},
		test{name: "errors", run: s.errors},
	))
}

// AnthropicCloud runs what anthropic-sdk-go does in a cloud that has Anthropic's
// models, as the options lead there.
func AnthropicCloud(t *testing.T, target Target, options ...option.RequestOption) {
	t.Helper()
	all := append(options, option.WithBaseURL(target.Base), option.WithHTTPClient(client(t)), option.WithMaxRetries(0)) //nolint:gocritic // a list of its own
	s := &anthropicSuite{target: target, client: anthropic.NewClient(all...)}
	run(t, s.common())
}

func (s *anthropicSuite) common() []test {
	return []test{
		{name: "chat", run: s.chat},
		{name: "stream", run: s.stream},
		{name: "parameters", run: s.parameters},
		{name: "tool round trip", run: s.tools},
		{name: "tools streamed", run: s.toolsStreamed},
		{name: "forced tool", run: s.forcedTool},
		{name: "one tool at a time", run: s.oneTool},
		{name: "image", run: s.image},
		{name: "structured output", run: s.structured},
		{name: "thinking", run: s.thinking, skip: !s.target.Abilities.Thoughts},
		{name: "thinking before a tool", run: s.thinkingTool, skip: !s.target.Abilities.Thoughts},
		{name: "stream that fails", run: s.failingStreams},
	}
}

// ask is a request with a system prompt.
func (s *anthropicSuite) ask(kind, text string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: s.target.Model(kind), MaxTokens: 64, System: []anthropic.TextBlockParam{{Text: instructions}},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
	}
}

func anthropicTools(names ...string) []anthropic.ToolUnionParam {
	var all []anthropic.ToolUnionParam
	for _, name := range names {
		all = append(all, anthropic.ToolUnionParam{OfTool: &anthropic.ToolParam{
			Name: name, Description: anthropic.String("What it says."),
			InputSchema: anthropic.ToolInputSchemaParam{Properties: places(), Required: []string{"city"}},
		}})
	}
	return all
}

// collect reads a stream to its end.
func (s *anthropicSuite) collect(t *testing.T, p anthropic.MessageNewParams) (anthropic.Message, []anthropic.MessageStreamEventUnion, error) {
	t.Helper()
	stream := s.client.Messages.NewStreaming(t.Context(), p)
	defer func() { _ = stream.Close() }()
	var m anthropic.Message
	var events []anthropic.MessageStreamEventUnion
	for stream.Next() {
		events = append(events, stream.Current())
		require.NoError(t, m.Accumulate(stream.Current()))
	}
	return m, events, stream.Err()
}

func anthropicText(m *anthropic.Message) string {
	var text strings.Builder
	for _, b := range m.Content {
		text.WriteString(b.Text)
	}
	return text.String()
}

func toolUses(m *anthropic.Message) []anthropic.ContentBlockUnion {
	var uses []anthropic.ContentBlockUnion
	for _, b := range m.Content {
		if b.Type == "tool_use" {
			uses = append(uses, b)
		}
	}
	return uses
}

func (s *anthropicSuite) chat(t *testing.T) {
	got, err := s.client.Messages.New(t.Context(), s.ask(Good, "Hello"))
	require.NoError(t, err)
	require.Equal(t, fakevendor.Text(), anthropicText(got))
	require.Equal(t, anthropic.StopReasonEndTurn, got.StopReason)
	require.Equal(t, "message", string(got.Type))
	require.Equal(t, "assistant", string(got.Role))
	require.NotEmpty(t, got.ID)
	require.Equal(t, s.target.Model(Good), got.Model)
	require.EqualValues(t, fakevendor.PromptTokens, got.Usage.InputTokens)
	require.EqualValues(t, fakevendor.CompletionTokens, got.Usage.OutputTokens)
}

func (s *anthropicSuite) stream(t *testing.T) {
	got, events, err := s.collect(t, s.ask(Good, "Hello"))
	require.NoError(t, err)
	require.Equal(t, fakevendor.Text(), anthropicText(&got))
	require.Equal(t, anthropic.StopReasonEndTurn, got.StopReason)
	require.Equal(t, s.target.Model(Good), got.Model)
	require.EqualValues(t, fakevendor.CompletionTokens, got.Usage.OutputTokens)
	require.Equal(t, "message_start", events[0].Type)
	require.Equal(t, "message_stop", events[len(events)-1].Type)
	require.GreaterOrEqual(t, len(events), 10, "arrived in one piece")
	holdOrder(t, events)
}

// holdOrder holds that blocks open, change and close one after the other.
func holdOrder(t *testing.T, events []anthropic.MessageStreamEventUnion) {
	t.Helper()
	open, next := int64(-1), int64(0)
	for _, e := range events {
		switch e.Type {
		case "content_block_start":
			require.Equal(t, int64(-1), open, "a block opens inside another")
			require.Equal(t, next, e.Index)
			open = e.Index
		case "content_block_delta":
			require.Equal(t, open, e.Index)
		case "content_block_stop":
			require.Equal(t, open, e.Index)
			open, next = -1, next+1
		}
	}
	require.Equal(t, int64(-1), open, "a block is left open")
}

func (s *anthropicSuite) parameters(t *testing.T) {
	p := s.ask(Good, fakevendor.ReportPrompt)
	p.Messages = append([]anthropic.MessageParam{
		anthropic.NewUserMessage(anthropic.NewTextBlock("First")), anthropic.NewAssistantMessage(anthropic.NewTextBlock("Second")),
	}, p.Messages...)
	p.Temperature, p.StopSequences = anthropic.Float(0.5), []string{"END"}
	p.Tools = anthropicTools(weather)
	p.ToolChoice = anthropic.ToolChoiceUnionParam{OfNone: &anthropic.ToolChoiceNoneParam{}}
	got, err := s.client.Messages.New(t.Context(), p)
	require.NoError(t, err)
	holdReport(t, anthropicText(got), "END")
}

// holdReport checks what arrived of the request of the parameters case. Not
// every vendor can be told of tools that it must not use.
func holdReport(t *testing.T, text string, stop ...string) {
	t.Helper()
	var r report
	require.NoError(t, json.Unmarshal([]byte(text), &r), "%s", text)
	require.Equal(t, instructions, r.System)
	require.Len(t, r.Turns, 3)
	for i, want := range []struct{ role, text string }{{"user", "First"}, {"assistant", "Second"}, {"user", fakevendor.ReportPrompt}} {
		require.Equal(t, want.role, r.Turns[i].Role)
		require.Equal(t, want.text, r.Turns[i].Text)
	}
	require.Equal(t, 64, r.MaxTokens)
	require.InDelta(t, 0.5, r.Temperature, 1e-6)
	require.Equal(t, stop, r.Stop)
	if len(r.Tools) > 0 {
		require.Equal(t, weather, r.Tools[0].Name)
		require.Equal(t, "What it says.", r.Tools[0].Description)
		require.Contains(t, r.Tools[0].Schema["properties"], "city")
		require.Equal(t, []any{"city"}, r.Tools[0].Schema["required"])
	}
}

// tools calls two at once, and gives their results.
func (s *anthropicSuite) tools(t *testing.T) {
	p := s.ask(Good, "How is it?")
	p.Tools = anthropicTools(weather, clock)
	got, err := s.client.Messages.New(t.Context(), p)
	require.NoError(t, err)
	s.answerTools(t, p, got)
}

func (s *anthropicSuite) answerTools(t *testing.T, p anthropic.MessageNewParams, got *anthropic.Message) {
	t.Helper()
	require.Equal(t, anthropic.StopReasonToolUse, got.StopReason)
	uses := toolUses(got)
	require.Len(t, uses, 2)
	require.Equal(t, weather, uses[0].Name)
	require.Equal(t, clock, uses[1].Name)
	require.NotEqual(t, uses[0].ID, uses[1].ID)
	require.JSONEq(t, fakevendor.Arguments, string(uses[1].Input))
	p.Messages = append(p.Messages, got.ToParam(), anthropic.NewUserMessage(
		anthropic.NewToolResultBlock(uses[0].ID, weatherResult, false), anthropic.NewToolResultBlock(uses[1].ID, clockResult, false)))
	got, err := s.client.Messages.New(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, "The tools said: "+weatherResult+" "+clockResult, anthropicText(got))
	require.Equal(t, anthropic.StopReasonEndTurn, got.StopReason)
}

func (s *anthropicSuite) toolsStreamed(t *testing.T) {
	p := s.ask(Good, "How is it?")
	p.Tools = anthropicTools(weather, clock)
	got, events, err := s.collect(t, p)
	require.NoError(t, err)
	holdOrder(t, events)
	s.answerTools(t, p, &got)
}

func (s *anthropicSuite) forcedTool(t *testing.T) {
	p := s.ask(Good, "How late is it?")
	p.Tools, p.ToolChoice = anthropicTools(weather, clock), anthropic.ToolChoiceParamOfTool(clock)
	got, err := s.client.Messages.New(t.Context(), p)
	require.NoError(t, err)
	uses := toolUses(got)
	require.Len(t, uses, 1)
	require.Equal(t, clock, uses[0].Name)

	p.ToolChoice = anthropic.ToolChoiceUnionParam{OfAny: &anthropic.ToolChoiceAnyParam{}}
	got, err = s.client.Messages.New(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, toolUses(got), 2)
}

// oneTool is a wish that not every vendor can be told.
func (s *anthropicSuite) oneTool(t *testing.T) {
	p := s.ask(Good, "How is it?")
	p.Tools = anthropicTools(weather, clock)
	p.ToolChoice = anthropic.ToolChoiceUnionParam{OfAny: &anthropic.ToolChoiceAnyParam{DisableParallelToolUse: anthropic.Bool(true)}}
	got, err := s.client.Messages.New(t.Context(), p)
	require.NoError(t, err)
	require.NotEmpty(t, toolUses(got))
}

func (s *anthropicSuite) image(t *testing.T) {
	p := s.ask(Good, "What is this?")
	p.Messages[0].Content = append(p.Messages[0].Content, anthropic.NewImageBlockBase64("image/png", fakevendor.Pixel))
	got, err := s.client.Messages.New(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Seen(), anthropicText(got))
}

// Seen is what a model says of the picture.
func Seen() string {
	f, err := fakevendor.Inline("image/png", fakevendor.Pixel)
	if err != nil {
		return err.Error()
	}
	return "I see " + f.String() + "."
}

func (s *anthropicSuite) structured(t *testing.T) {
	p := s.ask(Good, "Where?")
	p.OutputConfig.Format.Schema = map[string]any{"type": "object", "properties": places(), "required": []string{"city", "unit"}, "additionalProperties": false}
	got, err := s.client.Messages.New(t.Context(), p)
	require.NoError(t, err)
	require.JSONEq(t, fakevendor.Arguments, anthropicText(got))
	require.Equal(t, anthropic.StopReasonEndTurn, got.StopReason)
	streamed, _, err := s.collect(t, p)
	require.NoError(t, err)
	require.JSONEq(t, fakevendor.Arguments, anthropicText(&streamed))
}

func (s *anthropicSuite) thinking(t *testing.T) {
	p := s.ask(Thinks, "Hello")
	p.MaxTokens, p.Thinking = 2048, anthropic.ThinkingConfigParamOfEnabled(1024)
	hold := func(m *anthropic.Message) {
		t.Helper()
		require.Len(t, m.Content, 2)
		require.Equal(t, "thinking", m.Content[0].Type)
		require.Equal(t, fakevendor.Thought, m.Content[0].Thinking)
		require.Equal(t, "text", m.Content[1].Type)
		require.Equal(t, fakevendor.Text(), m.Content[1].Text)
		require.EqualValues(t, fakevendor.CompletionTokens, m.Usage.OutputTokens)
	}
	got, err := s.client.Messages.New(t.Context(), p)
	require.NoError(t, err)
	hold(got)
	streamed, events, err := s.collect(t, p)
	require.NoError(t, err)
	holdOrder(t, events)
	hold(&streamed)

	p.Messages = append(p.Messages, got.ToParam(), anthropic.NewUserMessage(anthropic.NewTextBlock("Again")))
	got, err = s.client.Messages.New(t.Context(), p)
	require.NoError(t, err)
	hold(got)
}

func (s *anthropicSuite) thinkingTool(t *testing.T) {
	p := s.ask(Thinks, "How is it?")
	p.MaxTokens, p.Thinking = 2048, anthropic.ThinkingConfigParamOfEnabled(1024)
	p.Tools = anthropicTools(weather, clock)
	got, err := s.client.Messages.New(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, "thinking", got.Content[0].Type)
	s.answerTools(t, p, got)
	streamed, _, err := s.collect(t, p)
	require.NoError(t, err)
	s.answerTools(t, p, &streamed)
}

func (s *anthropicSuite) count(t *testing.T) {
	got, err := s.client.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
		Model: s.target.Model(Good), Messages: s.ask(Good, "Hello").Messages,
	})
	require.NoError(t, err)
	require.Positive(t, got.InputTokens)
}

func (s *anthropicSuite) models(t *testing.T) {
	page, err := s.client.Models.List(t.Context(), anthropic.ModelListParams{})
	require.NoError(t, err)
	require.NotEmpty(t, page.Data)
	require.Equal(t, "model", string(page.Data[0].Type))
	got, err := s.client.Models.Get(t.Context(), s.target.Model(Good), anthropic.ModelGetParams{})
	require.NoError(t, err)
	require.Equal(t, s.target.Model(Good), got.ID)
}

func anthropicError(t *testing.T, err error) *anthropic.Error {
	t.Helper()
	var e *anthropic.Error
	require.ErrorAs(t, err, &e)
	return e
}

func (s *anthropicSuite) errors(t *testing.T) {
	_, err := s.client.Messages.New(t.Context(), s.ask(Busy, "Hello"))
	e := anthropicError(t, err)
	require.Equal(t, http.StatusTooManyRequests, e.StatusCode)
	require.Equal(t, anthropic.ErrorTypeRateLimitError, e.Type())
	require.Equal(t, RetryAfter, e.Response.Header.Get("Retry-After"))
	require.Contains(t, e.RawJSON(), BusyMessage)

	_, err = s.client.Messages.New(t.Context(), s.ask(Refuses, "Hello"))
	e = anthropicError(t, err)
	require.Equal(t, http.StatusBadRequest, e.StatusCode)
	require.Equal(t, anthropic.ErrorTypeInvalidRequestError, e.Type())
	require.Contains(t, e.RawJSON(), RefusesMessage)

	_, err = s.client.Messages.New(t.Context(), s.ask(Good, "Hello"), option.WithAPIKey("sk-unknown"))
	e = anthropicError(t, err)
	require.Equal(t, http.StatusUnauthorized, e.StatusCode)
	require.Equal(t, anthropic.ErrorTypeAuthenticationError, e.Type())

	_, _, err = s.collect(t, s.ask(Busy, "Hello"))
	require.Equal(t, http.StatusTooManyRequests, anthropicError(t, err).StatusCode)
}

func (s *anthropicSuite) failingStreams(t *testing.T) {
	for _, kind := range []string{Cuts, Breaks} {
		got, _, err := s.collect(t, s.ask(kind, "Hello"))
		require.Error(t, err, kind)
		require.Contains(t, anthropicText(&got), fakevendor.Pieces()[0], kind)
	}
}

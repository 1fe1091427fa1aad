//nolint:thelper // these are the tests themselves
package suite

import (
	"encoding/json"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genai"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// geminiSuite is what google.golang.org/genai does.
type geminiSuite struct {
	target Target
	client *genai.Client
}

// Gemini runs google.golang.org/genai against a target.
func Gemini(t *testing.T, target Target) {
	t.Helper()
	c, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		APIKey: target.Key, Backend: genai.BackendGeminiAPI, HTTPClient: client(t), HTTPOptions: genai.HTTPOptions{BaseURL: target.Base},
	})
	require.NoError(t, err)
	s := &geminiSuite{target: target, client: c}
	run(t, append(s.common(),
		test{name: "models", run: s.models},
		test{name: "unknown key", run: s.stranger},
	))
}

// GeminiClient runs what both of the SDK's backends have with a client of the
// caller's.
func GeminiClient(t *testing.T, c *genai.Client, target Target) {
	t.Helper()
	s := &geminiSuite{target: target, client: c}
	run(t, s.common())
}

func (s *geminiSuite) common() []test {
	abilities := s.target.Abilities
	return []test{
		{name: "chat", run: s.chat},
		{name: "stream", run: s.stream},
		{name: "parameters", run: s.parameters},
		{name: "tool round trip", run: s.tools},
		{name: "tools streamed", run: s.toolsStreamed},
		{name: "forced tool", run: s.forcedTool},
		{name: "image", run: s.image},
		{name: "structured output", run: s.structured},
		{name: "thinking", run: s.thinking, skip: !abilities.Thoughts},
		{name: "thinking before a tool", run: s.thinkingTool, skip: !abilities.Thoughts},
		{name: "count tokens", run: s.count},
		{name: "embeddings", run: s.embeddings, skip: !abilities.Embeddings},
		{name: "errors", run: s.errors},
		{name: "stream that fails", run: s.failingStreams},
	}
}

func geminiConfig() *genai.GenerateContentConfig {
	return &genai.GenerateContentConfig{SystemInstruction: genai.NewContentFromText(instructions, genai.RoleUser), MaxOutputTokens: 64}
}

func geminiTools(names ...string) []*genai.Tool {
	var all []*genai.FunctionDeclaration
	for _, name := range names {
		all = append(all, &genai.FunctionDeclaration{Name: name, Description: "What it says.", Parameters: geminiPlaces()})
	}
	return []*genai.Tool{{FunctionDeclarations: all}}
}

func geminiPlaces() *genai.Schema {
	return &genai.Schema{
		Type:       genai.TypeObject,
		Properties: map[string]*genai.Schema{"city": {Type: genai.TypeString}, "unit": {Type: genai.TypeString}},
		Required:   []string{"city"},
	}
}

// collected is a stream that was read to its end.
type collected struct {
	parts  []*genai.Part
	last   *genai.GenerateContentResponse
	chunks int
	reason genai.FinishReason
}

func collect(t *testing.T, stream iter.Seq2[*genai.GenerateContentResponse, error]) (collected, error) {
	t.Helper()
	var c collected
	for chunk, err := range stream {
		if err != nil {
			return c, err
		}
		c.chunks++
		c.last = chunk
		for _, candidate := range chunk.Candidates {
			if candidate.Content != nil {
				c.parts = append(c.parts, candidate.Content.Parts...)
			}
			if candidate.FinishReason != "" {
				require.Empty(t, c.reason, "finished twice")
				c.reason = candidate.FinishReason
			}
		}
	}
	return c, nil
}

func said(parts []*genai.Part, thoughts bool) string {
	var b strings.Builder
	for _, p := range parts {
		if p.Thought == thoughts {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func functionCalls(parts []*genai.Part) []*genai.FunctionCall {
	var calls []*genai.FunctionCall
	for _, p := range parts {
		if p.FunctionCall != nil {
			calls = append(calls, p.FunctionCall)
		}
	}
	return calls
}

func (s *geminiSuite) generate(t *testing.T, kind string, contents []*genai.Content, config *genai.GenerateContentConfig) *genai.GenerateContentResponse {
	t.Helper()
	got, err := s.client.Models.GenerateContent(t.Context(), s.target.Model(kind), contents, config)
	require.NoError(t, err)
	require.Len(t, got.Candidates, 1)
	require.NotNil(t, got.Candidates[0].Content)
	require.Equal(t, "model", got.Candidates[0].Content.Role)
	return got
}

func (s *geminiSuite) chat(t *testing.T) {
	got := s.generate(t, Good, genai.Text("Hello"), geminiConfig())
	require.Equal(t, fakevendor.Text(), got.Text())
	require.Equal(t, genai.FinishReasonStop, got.Candidates[0].FinishReason)
	require.EqualValues(t, fakevendor.PromptTokens, got.UsageMetadata.PromptTokenCount)
	require.EqualValues(t, fakevendor.CompletionTokens, got.UsageMetadata.CandidatesTokenCount)
	require.EqualValues(t, fakevendor.PromptTokens+fakevendor.CompletionTokens, got.UsageMetadata.TotalTokenCount)
	require.NotEmpty(t, got.ModelVersion)
}

func (s *geminiSuite) stream(t *testing.T) {
	got, err := collect(t, s.client.Models.GenerateContentStream(t.Context(), s.target.Model(Good), genai.Text("Hello"), geminiConfig()))
	require.NoError(t, err)
	require.Equal(t, fakevendor.Text(), said(got.parts, false))
	require.Equal(t, genai.FinishReasonStop, got.reason)
	require.GreaterOrEqual(t, got.chunks, 4, "arrived in one piece")
	require.NotNil(t, got.last.UsageMetadata)
	require.EqualValues(t, fakevendor.CompletionTokens, got.last.UsageMetadata.CandidatesTokenCount)
}

func (s *geminiSuite) parameters(t *testing.T) {
	config := geminiConfig()
	config.Temperature, config.StopSequences, config.Tools = genai.Ptr[float32](0.5), []string{"END"}, geminiTools(weather)
	config.ToolConfig = &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeNone}}
	got := s.generate(t, Good, []*genai.Content{
		genai.NewContentFromText("First", genai.RoleUser), genai.NewContentFromText("Second", genai.RoleModel), genai.NewContentFromText(fakevendor.ReportPrompt, genai.RoleUser),
	}, config)
	holdReport(t, got.Text(), "END")
}

func (s *geminiSuite) tools(t *testing.T) {
	config := geminiConfig()
	config.Tools = geminiTools(weather, clock)
	asked := genai.Text("How is it?")
	got := s.generate(t, Good, asked, config)
	require.Equal(t, genai.FinishReasonStop, got.Candidates[0].FinishReason)
	s.answerTools(t, Good, asked, got.Candidates[0].Content, config)
}

func (s *geminiSuite) answerTools(t *testing.T, kind string, asked []*genai.Content, answer *genai.Content, config *genai.GenerateContentConfig) {
	t.Helper()
	calls := functionCalls(answer.Parts)
	require.Len(t, calls, 2)
	require.Equal(t, weather, calls[0].Name)
	require.Equal(t, clock, calls[1].Name)
	args, err := json.Marshal(calls[1].Args)
	require.NoError(t, err)
	require.JSONEq(t, fakevendor.Arguments, string(args))
	var results []*genai.Part
	for i, result := range []string{weatherResult, clockResult} {
		results = append(results, &genai.Part{FunctionResponse: &genai.FunctionResponse{
			ID: calls[i].ID, Name: calls[i].Name, Response: map[string]any{"output": result},
		}})
	}
	contents := append(asked, answer, genai.NewContentFromParts(results, genai.RoleUser)) //nolint:gocritic // what was asked stays as it is
	got := s.generate(t, kind, contents, config)
	require.Contains(t, got.Text(), "The tools said: ")
	require.Contains(t, got.Text(), weatherResult)
	require.Contains(t, got.Text(), clockResult)
}

func (s *geminiSuite) toolsStreamed(t *testing.T) {
	config := geminiConfig()
	config.Tools = geminiTools(weather, clock)
	asked := genai.Text("How is it?")
	got, err := collect(t, s.client.Models.GenerateContentStream(t.Context(), s.target.Model(Good), asked, config))
	require.NoError(t, err)
	s.answerTools(t, Good, asked, genai.NewContentFromParts(got.parts, genai.RoleModel), config)
}

func (s *geminiSuite) forcedTool(t *testing.T) {
	config := geminiConfig()
	config.Tools = geminiTools(weather, clock)
	config.ToolConfig = &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{
		Mode: genai.FunctionCallingConfigModeAny, AllowedFunctionNames: []string{clock},
	}}
	calls := functionCalls(s.generate(t, Good, genai.Text("How late is it?"), config).Candidates[0].Content.Parts)
	require.Len(t, calls, 1)
	require.Equal(t, clock, calls[0].Name)

	config.ToolConfig.FunctionCallingConfig.AllowedFunctionNames = nil
	require.NotEmpty(t, functionCalls(s.generate(t, Good, genai.Text("How late is it?"), config).Candidates[0].Content.Parts))
}

func (s *geminiSuite) image(t *testing.T) {
	got := s.generate(t, Good, []*genai.Content{genai.NewContentFromParts([]*genai.Part{
		genai.NewPartFromText("What is this?"), genai.NewPartFromBytes(fakevendor.PixelBytes(), "image/png"),
	}, genai.RoleUser)}, geminiConfig())
	require.Equal(t, Seen(), got.Text())
}

func (s *geminiSuite) structured(t *testing.T) {
	config := geminiConfig()
	config.ResponseMIMEType, config.ResponseSchema = "application/json", geminiPlaces()
	require.JSONEq(t, fakevendor.Arguments, s.generate(t, Good, genai.Text("Where?"), config).Text())

	config.ResponseSchema = nil
	config.ResponseJsonSchema = map[string]any{"type": "object", "properties": places(), "required": []string{"city", "unit"}, "additionalProperties": false}
	require.JSONEq(t, fakevendor.Arguments, s.generate(t, Good, genai.Text("Where?"), config).Text())
	got, err := collect(t, s.client.Models.GenerateContentStream(t.Context(), s.target.Model(Good), genai.Text("Where?"), config))
	require.NoError(t, err)
	require.JSONEq(t, fakevendor.Arguments, said(got.parts, false))
}

func thinkingConfig() *genai.GenerateContentConfig {
	config := geminiConfig()
	config.MaxOutputTokens = 2048
	config.ThinkingConfig = &genai.ThinkingConfig{IncludeThoughts: true, ThinkingBudget: genai.Ptr[int32](1024)}
	return config
}

func (s *geminiSuite) thinking(t *testing.T) {
	got := s.generate(t, Thinks, genai.Text("Hello"), thinkingConfig())
	parts := got.Candidates[0].Content.Parts
	require.Equal(t, fakevendor.Thought, said(parts, true))
	require.Equal(t, fakevendor.Text(), said(parts, false))
	u := got.UsageMetadata
	require.EqualValues(t, fakevendor.PromptTokens+fakevendor.CompletionTokens, u.TotalTokenCount)
	require.EqualValues(t, fakevendor.CompletionTokens, u.CandidatesTokenCount+u.ThoughtsTokenCount)

	streamed, err := collect(t, s.client.Models.GenerateContentStream(t.Context(), s.target.Model(Thinks), genai.Text("Hello"), thinkingConfig()))
	require.NoError(t, err)
	require.Equal(t, fakevendor.Thought, said(streamed.parts, true))
	require.Equal(t, fakevendor.Text(), said(streamed.parts, false))
}

func (s *geminiSuite) thinkingTool(t *testing.T) {
	config := thinkingConfig()
	config.Tools = geminiTools(weather, clock)
	asked := genai.Text("How is it?")
	got := s.generate(t, Thinks, asked, config)
	require.Equal(t, fakevendor.Thought, said(got.Candidates[0].Content.Parts, true))
	s.answerTools(t, Thinks, asked, got.Candidates[0].Content, config)
}

func (s *geminiSuite) count(t *testing.T) {
	got, err := s.client.Models.CountTokens(t.Context(), s.target.Model(Good), genai.Text("Hello"), nil)
	require.NoError(t, err)
	require.Positive(t, got.TotalTokens)
}

func (s *geminiSuite) embeddings(t *testing.T) {
	got, err := s.client.Models.EmbedContent(t.Context(), s.target.Model(Embeds), []*genai.Content{
		genai.NewContentFromText("one", genai.RoleUser), genai.NewContentFromText("two", genai.RoleUser),
	}, nil)
	require.NoError(t, err)
	require.Len(t, got.Embeddings, 2)
	for i, want := range fakevendor.Vector() {
		require.InDelta(t, want, got.Embeddings[1].Values[i], 1e-6)
	}
}

func (s *geminiSuite) models(t *testing.T) {
	page, err := s.client.Models.List(t.Context(), nil)
	require.NoError(t, err)
	require.NotEmpty(t, page.Items)
	require.Contains(t, page.Items[0].Name, "models/")
	got, err := s.client.Models.Get(t.Context(), s.target.Model(Good), nil)
	require.NoError(t, err)
	require.Equal(t, "models/"+s.target.Model(Good), got.Name)
}

func geminiError(t *testing.T, err error) genai.APIError {
	t.Helper()
	var e genai.APIError
	require.ErrorAs(t, err, &e)
	return e
}

// stranger has a key that nobody gave; the vendor calls that a bad request,
// the gateway unauthenticated.
func (s *geminiSuite) stranger(t *testing.T) {
	c, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		APIKey: "sk-unknown", Backend: genai.BackendGeminiAPI, HTTPClient: client(t), HTTPOptions: genai.HTTPOptions{BaseURL: s.target.Base},
	})
	require.NoError(t, err)
	_, err = c.Models.GenerateContent(t.Context(), s.target.Model(Good), genai.Text("Hello"), nil)
	require.Contains(t, []int{http.StatusBadRequest, http.StatusUnauthorized}, geminiError(t, err).Code)
}

func (s *geminiSuite) errors(t *testing.T) {
	_, err := s.client.Models.GenerateContent(t.Context(), s.target.Model(Busy), genai.Text("Hello"), nil)
	e := geminiError(t, err)
	require.Equal(t, http.StatusTooManyRequests, e.Code)
	require.Equal(t, "RESOURCE_EXHAUSTED", e.Status)
	require.Contains(t, e.Message, BusyMessage)

	_, err = s.client.Models.GenerateContent(t.Context(), s.target.Model(Refuses), genai.Text("Hello"), nil)
	e = geminiError(t, err)
	require.Equal(t, http.StatusBadRequest, e.Code)
	require.Equal(t, "INVALID_ARGUMENT", e.Status)
	require.Contains(t, e.Message, RefusesMessage)

	_, err = collect(t, s.client.Models.GenerateContentStream(t.Context(), s.target.Model(Busy), genai.Text("Hello"), nil))
	require.Equal(t, http.StatusTooManyRequests, geminiError(t, err).Code)
}

func (s *geminiSuite) failingStreams(t *testing.T) {
	for _, kind := range []string{Cuts, Breaks} {
		got, err := collect(t, s.client.Models.GenerateContentStream(t.Context(), s.target.Model(kind), genai.Text("Hello"), geminiConfig()))
		require.Error(t, err, kind)
		require.Contains(t, said(got.parts, false), fakevendor.Pieces()[0], kind)
	}
}

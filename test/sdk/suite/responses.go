//nolint:thelper // these are the tests themselves
package suite

import (
	"errors"
	"net/http"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// responsesSuite is what openai-go does with responses.
type responsesSuite struct{ *openAISuite }

// Responses runs openai-go's other half against a target.
func Responses(t *testing.T, target Target) {
	t.Helper()
	s := responsesSuite{newOpenAI(t, target)}
	run(t, []test{
		{name: "create", run: s.create},
		{name: "stream", run: s.stream},
		{name: "parameters", run: s.parameters},
		{name: "tool round trip", run: s.tools},
		{name: "tools streamed", run: s.toolsStreamed},
		{name: "previous response", run: s.previous},
		{name: "image", run: s.image},
		{name: "structured output", run: s.structured},
		{name: "kept", run: s.kept},
		{name: "errors", run: s.errors},
		{name: "stream that fails", run: s.failingStreams},
	})
}

func (s responsesSuite) ask(kind, text string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: s.target.Model(kind), Instructions: openai.String(instructions), MaxOutputTokens: openai.Int(64),
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(text)},
	}
}

func responseTools(names ...string) []responses.ToolUnionParam {
	var all []responses.ToolUnionParam
	for _, name := range names {
		all = append(all, responses.ToolUnionParam{OfFunction: &responses.FunctionToolParam{
			Name: name, Description: openai.String("What it says."), Strict: openai.Bool(false),
			Parameters: map[string]any{"type": "object", "properties": places(), "required": []string{"city"}},
		}})
	}
	return all
}

func (s responsesSuite) make(t *testing.T, p responses.ResponseNewParams) *responses.Response {
	t.Helper()
	got, err := s.client.Responses.New(t.Context(), p)
	require.NoError(t, err)
	require.EqualValues(t, "completed", got.Status)
	return got
}

// collect reads a stream to its end; text is what its deltas say.
func (s responsesSuite) collect(t *testing.T, p responses.ResponseNewParams) (last *responses.Response, text string, err error) {
	t.Helper()
	stream := s.client.Responses.NewStreaming(t.Context(), p)
	defer func() { _ = stream.Close() }()
	number := int64(-1)
	for stream.Next() {
		e := stream.Current()
		require.Greater(t, e.SequenceNumber, number)
		number = e.SequenceNumber
		switch e.Type {
		case "response.output_text.delta":
			text += e.Delta
		case "response.completed":
			last = &e.Response
		case "error", "response.failed": // the SDK hands these on as events
			err = errors.New(e.RawJSON())
		}
	}
	return last, text, errors.Join(err, stream.Err())
}

func (s responsesSuite) create(t *testing.T) {
	got := s.make(t, s.ask(Good, "Hello"))
	require.Equal(t, fakevendor.Text(), got.OutputText())
	require.EqualValues(t, fakevendor.PromptTokens, got.Usage.InputTokens)
	require.EqualValues(t, fakevendor.CompletionTokens, got.Usage.OutputTokens)
	require.Equal(t, "response", string(got.Object))
	require.NotEmpty(t, got.ID)
}

func (s responsesSuite) stream(t *testing.T) {
	last, text, err := s.collect(t, s.ask(Good, "Hello"))
	require.NoError(t, err)
	require.Equal(t, fakevendor.Text(), text)
	require.NotNil(t, last)
	require.Equal(t, fakevendor.Text(), last.OutputText())
	require.EqualValues(t, fakevendor.CompletionTokens, last.Usage.OutputTokens)
}

func (s responsesSuite) parameters(t *testing.T) {
	p := s.ask(Good, "")
	p.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: []responses.ResponseInputItemUnionParam{
		responses.ResponseInputItemParamOfMessage("First", responses.EasyInputMessageRoleUser),
		responses.ResponseInputItemParamOfMessage("Second", responses.EasyInputMessageRoleAssistant),
		responses.ResponseInputItemParamOfMessage(fakevendor.ReportPrompt, responses.EasyInputMessageRoleUser),
	}}
	p.Temperature, p.Tools = openai.Float(0.5), responseTools(weather)
	p.ToolChoice = responses.ResponseNewParamsToolChoiceUnion{OfToolChoiceMode: param.NewOpt(responses.ToolChoiceOptionsNone)}
	holdReport(t, s.make(t, p).OutputText())
}

func responseCalls(r *responses.Response) []responses.ResponseOutputItemUnion {
	var calls []responses.ResponseOutputItemUnion
	for _, item := range r.Output {
		if item.Type == "function_call" {
			calls = append(calls, item)
		}
	}
	return calls
}

func (s responsesSuite) tools(t *testing.T) {
	p := s.ask(Good, "How is it?")
	p.Tools = responseTools(weather, clock)
	s.answerTools(t, p, s.make(t, p))
}

func (s responsesSuite) answerTools(t *testing.T, p responses.ResponseNewParams, got *responses.Response) {
	t.Helper()
	calls := responseCalls(got)
	require.Len(t, calls, 2)
	require.Equal(t, weather, calls[0].Name)
	require.Equal(t, clock, calls[1].Name)
	require.JSONEq(t, fakevendor.Arguments, calls[1].Arguments.OfString)
	input := []responses.ResponseInputItemUnionParam{responses.ResponseInputItemParamOfMessage("How is it?", responses.EasyInputMessageRoleUser)}
	for _, c := range calls {
		input = append(input, responses.ResponseInputItemParamOfFunctionCall(c.Arguments.OfString, c.CallID, c.Name))
	}
	p.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: append(input, results(calls)...)}
	require.Equal(t, "The tools said: "+weatherResult+" "+clockResult, s.make(t, p).OutputText())
}

func results(calls []responses.ResponseOutputItemUnion) []responses.ResponseInputItemUnionParam {
	var all []responses.ResponseInputItemUnionParam
	for i, result := range []string{weatherResult, clockResult} {
		all = append(all, responses.ResponseInputItemUnionParam{OfFunctionCallOutput: &responses.ResponseInputItemFunctionCallOutputParam{
			CallID: openai.String(calls[i].CallID), Output: responses.ResponseInputItemFunctionCallOutputOutputUnionParam{OfString: openai.String(result)},
		}})
	}
	return all
}

func (s responsesSuite) toolsStreamed(t *testing.T) {
	p := s.ask(Good, "How is it?")
	p.Tools = responseTools(weather, clock)
	last, _, err := s.collect(t, p)
	require.NoError(t, err)
	require.NotNil(t, last)
	s.answerTools(t, p, last)
}

// previous gives the results only: the calls are remembered.
func (s responsesSuite) previous(t *testing.T) {
	p := s.ask(Good, "How is it?")
	p.Tools = responseTools(weather, clock)
	got := s.make(t, p)
	p.PreviousResponseID = openai.String(got.ID)
	p.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: results(responseCalls(got))}
	require.Equal(t, "The tools said: "+weatherResult+" "+clockResult, s.make(t, p).OutputText())
}

func (s responsesSuite) image(t *testing.T) {
	p := s.ask(Good, "")
	picture := responses.ResponseInputContentParamOfInputImage(responses.ResponseInputImageDetailAuto)
	picture.OfInputImage.ImageURL = openai.String("data:image/png;base64," + fakevendor.Pixel)
	p.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: []responses.ResponseInputItemUnionParam{
		responses.ResponseInputItemParamOfMessage(responses.ResponseInputMessageContentListParam{
			responses.ResponseInputContentParamOfInputText("What is this?"), picture,
		}, responses.EasyInputMessageRoleUser),
	}}
	require.Equal(t, Seen(), s.make(t, p).OutputText())
}

func (s responsesSuite) structured(t *testing.T) {
	p := s.ask(Good, "Where?")
	p.Text.Format = responses.ResponseFormatTextConfigParamOfJSONSchema("place", map[string]any{
		"type": "object", "properties": places(), "required": []string{"city", "unit"}, "additionalProperties": false,
	})
	require.JSONEq(t, fakevendor.Arguments, s.make(t, p).OutputText())
}

// kept: a response can be had again, and deleted.
func (s responsesSuite) kept(t *testing.T) {
	made := s.make(t, s.ask(Good, "Hello"))
	got, err := s.client.Responses.Get(t.Context(), made.ID, responses.ResponseGetParams{})
	require.NoError(t, err)
	require.Equal(t, made.OutputText(), got.OutputText())
	items, err := s.client.Responses.InputItems.List(t.Context(), made.ID, responses.InputItemListParams{})
	require.NoError(t, err)
	require.Len(t, items.Data, 1)
	require.NoError(t, s.client.Responses.Delete(t.Context(), made.ID))
	_, err = s.client.Responses.Get(t.Context(), made.ID, responses.ResponseGetParams{})
	require.Equal(t, http.StatusNotFound, openAIError(t, err).StatusCode)
}

func (s responsesSuite) errors(t *testing.T) {
	_, err := s.client.Responses.New(t.Context(), s.ask(Busy, "Hello"))
	e := openAIError(t, err)
	require.Equal(t, http.StatusTooManyRequests, e.StatusCode)
	require.Contains(t, e.Message, BusyMessage)
	p := s.ask(Good, "Hello")
	p.Reasoning = shared.ReasoningParam{}
	p.PreviousResponseID = openai.String("resp_of_nobody")
	_, err = s.client.Responses.New(t.Context(), p)
	require.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound}, openAIError(t, err).StatusCode)
}

// failingStreams: a stream that fails has no response at its end.
func (s responsesSuite) failingStreams(t *testing.T) {
	for _, kind := range []string{Cuts, Breaks} {
		last, text, err := s.collect(t, s.ask(kind, "Hello"))
		require.Nil(t, last, kind)
		require.Contains(t, text, fakevendor.Pieces()[0], kind)
		require.Error(t, err, kind)
	}
}

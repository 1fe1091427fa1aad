//nolint:thelper,ireturn // the functions are the tests themselves; the SDK's types are interfaces
package fakebedrock_test

import (
	"context"
	"net/http"
	"testing"

	anthropic "github.com/anthropics/anthropic-sdk-go/bedrock"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakebedrock"
	"github.com/tianjillm/tianjillm/test/sdk/suite"
)

// model has a character that the path must escape.
func model(kind string) string { return "us.anthropic.claude-v1:0-" + kind }

func dial(t *testing.T, v *fakevendor.Vendor, secret string) *bedrockruntime.Client {
	t.Helper()
	hc := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(hc.CloseIdleConnections)
	return bedrockruntime.New(bedrockruntime.Options{
		Region: fakebedrock.Region, BaseEndpoint: aws.String(v.URL()), HTTPClient: hc, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: fakebedrock.AccessKeyID, SecretAccessKey: secret}, nil
		}),
	})
}

// TestClaude: Anthropic's SDK takes it for Bedrock too.
//
//nolint:tparallel // what was refused is looked at when all is done
func TestClaude(t *testing.T) {
	t.Parallel()
	v := fakebedrock.Start(t)
	suite.Script(v, model)
	t.Run("suite", func(t *testing.T) {
		suite.AnthropicCloud(t, suite.Target{Base: v.URL(), Model: model, Abilities: suite.Abilities{Thoughts: true}}, anthropic.WithConfig(aws.Config{
			Region: fakebedrock.Region,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: fakebedrock.AccessKeyID, SecretAccessKey: fakebedrock.SecretAccessKey}, nil
			}),
		}))
	})
	require.Empty(t, v.Refused())
}

func ask(kind string, content ...types.ContentBlock) *bedrockruntime.ConverseInput {
	return &bedrockruntime.ConverseInput{
		ModelId: aws.String(model(kind)), Messages: []types.Message{{Role: types.ConversationRoleUser, Content: content}},
		System: []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "Be brief."}},
	}
}

func text(s string) types.ContentBlock { return &types.ContentBlockMemberText{Value: s} }

func tools() *types.ToolConfiguration {
	return &types.ToolConfiguration{Tools: []types.Tool{&types.ToolMemberToolSpec{Value: types.ToolSpecification{
		Name: aws.String("get_weather"), Description: aws.String("The weather."), InputSchema: &types.ToolInputSchemaMemberJson{
			Value: document.NewLazyDocument(map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}}),
		},
	}}}}
}

func thinking() document.Interface {
	return document.NewLazyDocument(map[string]any{"thinking": map[string]any{"type": "enabled", "budget_tokens": 1024}})
}

func message(t *testing.T, out *bedrockruntime.ConverseOutput) types.Message {
	t.Helper()
	m, ok := out.Output.(*types.ConverseOutputMemberMessage)
	require.True(t, ok)
	return m.Value
}

// TestSDK: the vendor is what the official SDK takes for Bedrock.
//
//nolint:tparallel,paralleltest // what was refused is looked at when all is done
func TestSDK(t *testing.T) {
	t.Parallel()
	v := fakebedrock.Start(t)
	suite.Script(v, model)
	c := dial(t, v, fakebedrock.SecretAccessKey)
	for name, run := range map[string]func(t *testing.T, c *bedrockruntime.Client){
		"chat": chat, "image": image, "tools": toolRound, "stream": stream, "tools streamed": toolsStreamed, "errors": failures, "embeddings": embeddings, "count": count,
	} {
		t.Run(name, func(t *testing.T) { run(t, c) })
	}
	require.Empty(t, v.Refused())
}

func chat(t *testing.T, c *bedrockruntime.Client) {
	out, err := c.Converse(t.Context(), ask("", text("Hello")))
	require.NoError(t, err)
	require.Equal(t, types.StopReasonEndTurn, out.StopReason)
	require.Equal(t, []types.ContentBlock{text(fakevendor.Text())}, message(t, out).Content)
	require.EqualValues(t, fakevendor.PromptTokens, *out.Usage.InputTokens)
	require.EqualValues(t, fakevendor.CompletionTokens, *out.Usage.OutputTokens)
}

func image(t *testing.T, c *bedrockruntime.Client) {
	out, err := c.Converse(t.Context(), ask("", text("What is this?"), &types.ContentBlockMemberImage{Value: types.ImageBlock{
		Format: types.ImageFormatPng, Source: &types.ImageSourceMemberBytes{Value: fakevendor.PixelBytes()},
	}}))
	require.NoError(t, err)
	said, ok := message(t, out).Content[0].(*types.ContentBlockMemberText)
	require.True(t, ok)
	require.Contains(t, said.Value, "I see image/png of ")
}

func toolRound(t *testing.T, c *bedrockruntime.Client) {
	in := ask("", text("How is it?"))
	in.ToolConfig, in.AdditionalModelRequestFields = tools(), thinking()
	out, err := c.Converse(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, types.StopReasonToolUse, out.StopReason)
	answer := message(t, out)
	reasoning, ok := answer.Content[0].(*types.ContentBlockMemberReasoningContent)
	require.True(t, ok)
	thought, ok := reasoning.Value.(*types.ReasoningContentBlockMemberReasoningText)
	require.True(t, ok)
	require.Equal(t, fakevendor.Thought, *thought.Value.Text)
	use, ok := answer.Content[1].(*types.ContentBlockMemberToolUse)
	require.True(t, ok)
	in.Messages = append(in.Messages, answer, types.Message{Role: types.ConversationRoleUser, Content: []types.ContentBlock{
		&types.ContentBlockMemberToolResult{Value: types.ToolResultBlock{
			ToolUseId: use.Value.ToolUseId, Content: []types.ToolResultContentBlock{&types.ToolResultContentBlockMemberText{Value: "21"}},
		}},
	}})
	out, err = c.Converse(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, text("The tools said: 21"), message(t, out).Content[1])
}

// events reads a stream to its end.
func events(t *testing.T, c *bedrockruntime.Client, in *bedrockruntime.ConverseInput) ([]types.ConverseStreamOutput, error) {
	t.Helper()
	out, err := c.ConverseStream(t.Context(), &bedrockruntime.ConverseStreamInput{
		ModelId: in.ModelId, Messages: in.Messages, System: in.System, ToolConfig: in.ToolConfig, AdditionalModelRequestFields: in.AdditionalModelRequestFields,
	})
	if err != nil {
		return nil, err
	}
	s := out.GetStream()
	defer func() { _ = s.Close() }()
	var all []types.ConverseStreamOutput
	for e := range s.Events() {
		all = append(all, e)
	}
	return all, s.Err()
}

func stream(t *testing.T, c *bedrockruntime.Client) {
	all, err := events(t, c, ask("", text("Hello")))
	require.NoError(t, err)
	var said string
	for _, e := range all {
		if d, ok := e.(*types.ConverseStreamOutputMemberContentBlockDelta); ok {
			piece, ok := d.Value.Delta.(*types.ContentBlockDeltaMemberText)
			require.True(t, ok)
			said += piece.Value
		}
	}
	require.Equal(t, fakevendor.Text(), said)
	end, ok := all[len(all)-1].(*types.ConverseStreamOutputMemberMetadata)
	require.True(t, ok)
	require.EqualValues(t, fakevendor.CompletionTokens, *end.Value.Usage.OutputTokens)

	// The SDK takes a connection that ends between two frames for the end.
	all, _ = events(t, c, ask(suite.Cuts, text("Hello")))
	require.NotEmpty(t, all)
	require.IsType(t, (*types.ConverseStreamOutputMemberContentBlockDelta)(nil), all[len(all)-1])
	all, err = events(t, c, ask(suite.Breaks, text("Hello")))
	var broken *types.ModelStreamErrorException
	require.ErrorAs(t, err, &broken)
	require.NotEmpty(t, all)
}

func toolsStreamed(t *testing.T, c *bedrockruntime.Client) {
	in := ask("", text("How is it?"))
	in.ToolConfig = tools()
	all, err := events(t, c, in)
	require.NoError(t, err)
	var arguments string
	for _, e := range all {
		if d, ok := e.(*types.ConverseStreamOutputMemberContentBlockDelta); ok {
			use, ok := d.Value.Delta.(*types.ContentBlockDeltaMemberToolUse)
			require.True(t, ok)
			arguments += *use.Value.Input
		}
	}
	require.JSONEq(t, fakevendor.Arguments, arguments)
}

func failures(t *testing.T, c *bedrockruntime.Client) {
	_, err := c.Converse(t.Context(), ask(suite.Busy, text("Hello")))
	var busy *types.ThrottlingException
	require.ErrorAs(t, err, &busy)
	require.Equal(t, suite.BusyMessage, busy.ErrorMessage())
	_, err = c.Converse(t.Context(), ask(suite.Refuses, text("Hello")))
	var invalid *types.ValidationException
	require.ErrorAs(t, err, &invalid)
}

func embeddings(t *testing.T, c *bedrockruntime.Client) {
	for id, body := range map[string]string{
		"amazon.titan-embed-text-v2:0": `{"inputText":"one"}`, "cohere.embed-english-v3": `{"texts":["one","two"],"input_type":"search_document"}`,
	} {
		out, err := c.InvokeModel(t.Context(), &bedrockruntime.InvokeModelInput{ModelId: aws.String(id), Body: []byte(body), ContentType: aws.String("application/json")})
		require.NoError(t, err)
		require.Contains(t, string(out.Body), "[0.5,-0.25,0.125,1]")
	}
}

func count(t *testing.T, c *bedrockruntime.Client) {
	in := ask("", text("Hello"))
	out, err := c.CountTokens(t.Context(), &bedrockruntime.CountTokensInput{ModelId: in.ModelId, Input: &types.CountTokensInputMemberConverse{
		Value: types.ConverseTokensRequest{Messages: in.Messages},
	}})
	require.NoError(t, err)
	require.Positive(t, *out.InputTokens)
}

// TestSignature: who signs with another secret is refused.
func TestSignature(t *testing.T) {
	t.Parallel()
	v := fakebedrock.Start(t)
	_, err := dial(t, v, "another secret").Converse(t.Context(), ask("", text("Hello")))
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, "InvalidSignatureException", e.ErrorCode())
	require.Len(t, v.Refused(), 1)
}

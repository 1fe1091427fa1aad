package contract_test

import (
	"strings"
	"testing"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakebedrock"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakecohere"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakegemini"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeollama"
)

// peer is a vendor that speaks its own wire.
type peer struct {
	name   string
	vendor *fakevendor.Vendor
	// model is what the vendor calls its models, but for their end.
	model string
	// exception is what errors call the vendor.
	exception string
	// rewrite makes an entry of model_list one for a vendor whose wire another
	// one's stand-in speaks.
	rewrite *strings.Replacer
	// broken is what the vendor's own error in a stream means, and brokenBy the
	// same for clients of a dialect whose words it has to be put into.
	broken   outcome
	brokenBy map[string]outcome
	// tooLong and unwanted are how it words that a prompt is too long, and that
	// it does not want to.
	tooLong, unwanted []rejection
}

// rejection is how a vendor refuses a prompt.
type rejection struct {
	status  int
	message string
}

func refused(messages ...string) []rejection {
	all := make([]rejection, len(messages))
	for i, m := range messages {
		all[i] = rejection{400, m}
	}
	return all
}

// vendorBroke is what vendors say in a stream that they break off.
const vendorBroke = "The vendor broke."

func brokenWith(status int, class string) outcome {
	return outcome{status: status, class: class, text: vendorBroke}
}

// peers runs all vendors.
func peers(tb testing.TB) []*peer {
	tb.Helper()
	internal, unavailable := brokenWith(500, "InternalServerError"), brokenWith(503, "ServiceUnavailableError")
	all := []*peer{
		{
			name: "openai", vendor: fakevendor.Start(tb), model: "gpt-4.1-mini", exception: "OpenAIException", broken: internal,
			tooLong: refused(
				"This model's maximum context length is 128000 tokens. However, your messages resulted in 130011 tokens. Please reduce the length of the messages.",
				"Your input exceeds the context window of this model. Please adjust your input and try again.",
				"Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300011 tokens. Please reduce the length of the messages.",
			),
			unwanted: refused(
				"Your request was rejected as a result of our safety system.",
				"Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt.",
			),
		},
		{
			name: "azure", vendor: fakevendor.Start(tb), model: "gpt-4.1-mini", exception: "AzureException", broken: internal,
			rewrite: strings.NewReplacer("model: openai/", "model: azure/", "/v1\n", "\n", "api_key: ", "azure_ad_token: "),
			tooLong: refused("This model's maximum context length is 128000 tokens. However, your messages resulted in 130011 tokens."),
			unwanted: refused("The response was filtered due to the prompt triggering Azure OpenAI's content management policy. " +
				"Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation."),
		},
		{
			name: "mistral", vendor: fakevendor.Start(tb), model: "mistral-small-latest", exception: "MistralException", broken: internal,
			rewrite: strings.NewReplacer("model: openai/", "model: mistral/"),
			tooLong: append(refused("Prompt contains 40011 tokens and 0 draft tokens, too large for model with 32768 maximum context length"),
				rejection{422, "Prompt contains 40011 tokens, too large for model with 32768 maximum context length"}),
		},
		{
			name: "anthropic", vendor: fakeanthropic.Start(tb), model: "claude-sonnet-4-5-20250929", exception: "AnthropicException", broken: unavailable,
			tooLong: refused(
				"prompt is too long: 210011 tokens > 200000 maximum",
				"input length and `max_tokens` exceed context limit: 190011 + 20000 > 200000, decrease input length or `max_tokens` and try again",
			),
			unwanted: refused("Output blocked by content filtering policy"),
		},
		{
			name: "bedrock", vendor: fakebedrock.Start(tb), model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0", exception: "BedrockException",
			broken: brokenWith(424, "BadRequestError"), brokenBy: map[string]outcome{"anthropic": internal},
			tooLong: refused(
				"Input is too long for requested model.",
				"The model returned the following errors: prompt is too long: 210011 tokens > 200000 maximum",
				"The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.",
				"Malformed input request: expected maxLength: 50000, actual: 60011, please reformat your input and try again.",
			),
			unwanted: refused(
				"The model returned the following errors: Output blocked by content filtering policy",
				"This request has been blocked by our content filters. Our filters automatically flagged this prompt because it may conflict our AUP or AWS Responsible AI Policy.",
			),
		},
		{
			name: "cohere", vendor: fakecohere.Start(tb), model: "command-a-03-2025", exception: "CohereException", broken: internal,
			tooLong: refused("too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292. Try using a shorter prompt."),
		},
		{
			name: "ollama", vendor: fakeollama.Start(tb), model: "llama3.2", exception: "OllamaException", broken: internal,
			tooLong: refused("the input length exceeds the context length"),
		},
	}
	return append(all, speakGemini(tb)...)
}

// speakGemini are the vendors that speak Gemini's wire.
func speakGemini(tb testing.TB) []*peer {
	tb.Helper()
	tooLong := refused(
		"The input token count (1200011) exceeds the maximum number of tokens allowed (1048575).",
		"Unable to submit request because the input token count is 40011 but model only supports up to 32768. Reduce the input token count and try again.",
	)
	unavailable := brokenWith(503, "ServiceUnavailableError")
	return []*peer{
		{
			name: "gemini", vendor: fakegemini.Start(tb), model: "gemini-2.5-flash", exception: "GeminiException", broken: unavailable,
			tooLong: tooLong, unwanted: refused("The response was blocked."),
		},
		{
			name: "vertex_ai", vendor: fakegemini.StartVertex(tb).Vendor, model: "gemini-2.5-flash", exception: "Vertex_aiException", broken: unavailable,
			tooLong: tooLong, unwanted: refused("The response was blocked."),
		},
	}
}

// openAI reports whether it speaks OpenAI's wire.
func (p *peer) openAI() bool { return p.rewrite != nil || p.name == "openai" }

// group is what clients call the model that has a mishap, and the vendor's
// model of the same end is what has it.
func (p *peer) group(end string) string { return p.name + "-" + end }

func (p *peer) native(end string) string { return p.model + "-" + end }

// entry is the deployment of a model; base is where nobody listens, or "".
func (p *peer) entry(end, base string, params []string) string {
	text := p.vendor.Deployment(p.group(end), p.native(end), params...)
	if base != "" {
		text = strings.Replace(text, p.vendor.Host(), base, 1)
	}
	if p.rewrite != nil {
		text = p.rewrite.Replace(text)
	}
	return text
}

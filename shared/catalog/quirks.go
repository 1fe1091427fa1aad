package catalog

import "slices"

// Quirks are where a vendor differs from OpenAI below the top level of a body.
// They are data; the data plane knows what to do about each. The zero value is
// a vendor that does as OpenAI does. A request that has none of the members
// that a quirk is about passes as it came.
type Quirks struct {
	Request RequestQuirks
	Answer  AnswerQuirks
}

// RequestQuirks are what a vendor does not take as OpenAI does.
type RequestQuirks struct {
	// FlattenText makes one text of content that is a list of texts, in
	// messages of these roles; AnyRole is all. Lists with pictures stay.
	FlattenText []string
	// TextSeparator stands between the texts.
	TextSeparator string
	// CutMessage are members of messages, and of parts of their content, that
	// the vendor refuses.
	CutMessage []string
	// NameForTools cuts the name of messages that are no tool's.
	NameForTools bool
	// Roles renames roles.
	Roles []Rename
	// ToolIDLength is how many letters and digits the ids of tool calls have to
	// have, where the vendor refuses others.
	ToolIDLength int

	// CutSchema are keywords that are cut out of tools, at any depth.
	CutSchema []string
	// ToolChoice are words of tool_choice and what the vendor calls them.
	ToolChoice []Rename
	// ToolChoiceOnly are the choices that the vendor knows, where not all.
	ToolChoiceOnly []string
	// ToolChoiceNudge is what the user says instead of the choice "required".
	ToolChoiceNudge string

	// Temperature bounds what the vendor takes; values beyond are brought to
	// the bound. Several is the lower bound where n is more than one.
	Temperature *Range
	// TemperatureOne refuses every temperature but 1.
	TemperatureOne bool

	StructuredOutput StructuredOutput
	// StructuredWhole vendors do not stream structured output: the whole
	// answer is asked for and replayed.
	StructuredWhole bool

	// ImageSuffix is put behind the URLs of pictures.
	ImageSuffix string
	// VideoFiles sends files that are films as video_url.
	VideoFiles bool
	Thinking   Thinking
}

// AnswerQuirks are what a vendor does not say as OpenAI does.
type AnswerQuirks struct {
	// Reasoning is the vendor's name of reasoning_content.
	Reasoning string
	// ThinkingParts are thoughts among the parts of the content.
	ThinkingParts bool
	// FinishReasons are words that OpenAI does not have.
	FinishReasons []Rename
	// ToolCallsEndWithStop says "stop" where OpenAI says "tool_calls".
	ToolCallsEndWithStop bool
	// ReasoningBesideCompletion counts reasoning_tokens beside and not within
	// completion_tokens.
	ReasoningBesideCompletion bool
	// TotalTokensOnly usage has no prompt_tokens.
	TotalTokensOnly bool
	// Citations is a list of URLs that [1] in the text stands for.
	Citations bool
	// ChatForText answers text completions as chats.
	ChatForText bool
}

// AnyRole stands for all roles.
const AnyRole = "*"

// Range is a range of numbers; a bound of zero at Max is none.
type Range struct {
	Min, Max, Several float64
}

// StructuredOutput is how a vendor takes response_format.
type StructuredOutput uint8

// The ways to take response_format.
const (
	// StructuredNative is OpenAI's.
	StructuredNative StructuredOutput = iota
	// StructuredWrapped brings a schema that stands in response_format itself
	// to where OpenAI has it.
	StructuredWrapped
	// StructuredSchemaOnly knows json_schema and nothing else.
	StructuredSchemaOnly
	// StructuredByTool asks for the schema as the one tool that must be called.
	StructuredByTool
)

// Thinking is how a vendor takes Anthropic's thinking parameter, which LiteLLM
// has for every provider.
type Thinking uint8

// The ways to take a thinking parameter.
const (
	// ThinkingNative is as it comes.
	ThinkingNative Thinking = iota
	// ThinkingTypeOnly knows no budget, and auto instead of adaptive.
	ThinkingTypeOnly
	// ThinkingOnOff knows no budget, and enabled instead of adaptive.
	ThinkingOnOff
	// ThinkingAsEffort knows reasoning_effort instead.
	ThinkingAsEffort
	// ThinkingAsReasoning knows OpenRouter's reasoning instead.
	ThinkingAsReasoning
	// ThinkingCut can not be asked to think: it does or it does not.
	ThinkingCut
	// ThinkingAsPromptMode knows prompt_mode instead, and instead of
	// reasoning_effort, too.
	ThinkingAsPromptMode
)

// QuirksFor returns the quirks of a vendor's model: the row's with those of
// the rules that match.
func (v *Vendor) QuirksFor(model string) Quirks {
	all := v.Quirks
	for i := range v.Rules {
		if r := &v.Rules[i]; r.Match(model) {
			all.Request.add(&r.Quirks.Request)
			all.Answer.add(&r.Quirks.Answer)
		}
	}
	return all
}

func (q *RequestQuirks) add(o *RequestQuirks) {
	q.FlattenText = concat(q.FlattenText, o.FlattenText)
	q.CutMessage = concat(q.CutMessage, o.CutMessage)
	q.CutSchema = concat(q.CutSchema, o.CutSchema)
	q.Roles = concat(q.Roles, o.Roles)
	q.ToolChoice = concat(q.ToolChoice, o.ToolChoice)
	q.ToolChoiceOnly = concat(q.ToolChoiceOnly, o.ToolChoiceOnly)
	q.TextSeparator = or(o.TextSeparator, q.TextSeparator)
	q.ToolChoiceNudge = or(o.ToolChoiceNudge, q.ToolChoiceNudge)
	q.ImageSuffix = or(o.ImageSuffix, q.ImageSuffix)
	q.Temperature = or(o.Temperature, q.Temperature)
	q.ToolIDLength = or(o.ToolIDLength, q.ToolIDLength)
	q.StructuredOutput = or(o.StructuredOutput, q.StructuredOutput)
	q.NameForTools = q.NameForTools || o.NameForTools
	q.TemperatureOne = q.TemperatureOne || o.TemperatureOne
	q.StructuredWhole = q.StructuredWhole || o.StructuredWhole
	q.VideoFiles = q.VideoFiles || o.VideoFiles
	q.Thinking = or(o.Thinking, q.Thinking)
}

func (q *AnswerQuirks) add(o *AnswerQuirks) {
	q.FinishReasons = concat(q.FinishReasons, o.FinishReasons)
	q.Reasoning = or(o.Reasoning, q.Reasoning)
	q.ThinkingParts = q.ThinkingParts || o.ThinkingParts
	q.ToolCallsEndWithStop = q.ToolCallsEndWithStop || o.ToolCallsEndWithStop
	q.ReasoningBesideCompletion = q.ReasoningBesideCompletion || o.ReasoningBesideCompletion
	q.TotalTokensOnly = q.TotalTokensOnly || o.TotalTokensOnly
	q.Citations = q.Citations || o.Citations
	q.ChatForText = q.ChatForText || o.ChatForText
}

// or returns a unless it is the zero value.
func or[T comparable](a, b T) T {
	var zero T
	if a != zero {
		return a
	}
	return b
}

// sharedReasoning is for the vendors that say thoughts as OpenRouter, vLLM and
// others do.
func sharedReasoning() AnswerQuirks { return AnswerQuirks{Reasoning: "reasoning"} }

// foreignMembers are the additions to messages that other vendors' answers
// carry and that clients send back with the conversation. A vendor that checks
// its members refuses them.
func foreignMembers(more ...string) []string {
	return slices.Concat([]string{"cache_control", "reasoning_content", "thinking_blocks", "provider_specific_fields"}, more)
}

package price

// Info is what a price list says of a model beside its prices. Zero is not
// known.
type Info struct {
	MaxInputTokens  int64
	MaxOutputTokens int64
	VectorSize      int64
	// Mode is LiteLLM's: chat, embedding, image_generation, …
	Mode string
	// Deprecated is the day on which the model ends, as YYYY-MM-DD.
	Deprecated string

	known, able uint64 // by Ability
}

// Ability is something that a model may be able to do.
type Ability uint8

// The abilities, which are LiteLLM's supports_* flags.
const (
	FunctionCalling Ability = iota
	ParallelFunctionCalling
	ToolChoice
	Vision
	AudioIn
	AudioOut
	VideoIn
	ImageIn
	PDFIn
	EmbeddingImageIn
	PromptCaching
	ResponseSchema
	SystemMessages
	AssistantPrefill
	ReasoningAbility
	WebSearching
	URLContext
	ComputerUse
	NativeStreaming
	ServiceTiers
	Presets
	NoReasoningEffort
	MinimalReasoningEffort
	LowReasoningEffort
	MediumReasoningEffort
	HighReasoningEffort
	XHighReasoningEffort
	MaxReasoningEffort
	AdaptiveThinking
	CanvasImageEdit
	abilityCount
)

//nolint:gochecknoglobals // read-only table
var abilityNames = [abilityCount]string{
	"function_calling", "parallel_function_calling", "tool_choice", "vision", "audio_input", "audio_output", "video_input", "image_input",
	"pdf_input", "embedding_image_input", "prompt_caching", "response_schema", "system_messages", "assistant_prefill", "reasoning", "web_search",
	"url_context", "computer_use", "native_streaming", "service_tier", "preset", "none_reasoning_effort", "minimal_reasoning_effort",
	"low_reasoning_effort", "medium_reasoning_effort", "high_reasoning_effort", "xhigh_reasoning_effort", "max_reasoning_effort",
	"adaptive_thinking", "nova_canvas_image_edit",
}

// String returns the name behind "supports_".
func (a Ability) String() string {
	if a >= abilityCount {
		return "unknown"
	}
	return abilityNames[a]
}

// Abilities returns all abilities.
func Abilities() []Ability {
	all := make([]Ability, abilityCount)
	for i := range all {
		all[i] = Ability(i)
	}
	return all
}

// Supports reports whether the model can do something. It is not known when
// the price list does not say.
func (i *Info) Supports(a Ability) (able, known bool) {
	bit := uint64(1) << a
	return i.able&bit != 0, i.known&bit != 0
}

func (i *Info) set(a Ability, able bool) {
	i.known |= 1 << a
	i.able &^= 1 << a
	if able {
		i.able |= 1 << a
	}
}

func abilityNamed(name string) (Ability, bool) {
	for a := range abilityCount {
		if abilityNames[a] == name {
			return a, true
		}
	}
	return 0, false
}

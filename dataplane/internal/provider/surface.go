package provider

// Surface is one operation of the LLM API, in the wire of the vendor who
// defined it.
type Surface uint8

// The surfaces that a deployment may offer.
const (
	ChatCompletions Surface = iota
	Completions
	Embeddings
	// Messages and CountTokens are Anthropic's.
	Messages
	CountTokens
	// GenerateContent and GeminiCountTokens are Gemini's.
	GenerateContent
	GeminiCountTokens
	// Responses is OpenAI's newer API.
	Responses
	ImageGenerations
	ImageEdits
	ImageVariations
	Speech
	Transcriptions
	Translations
	Moderations
	// Rerank is in Cohere's shape.
	Rerank
	surfaceCount
)

// SurfaceCount is how many surfaces there are.
const SurfaceCount = int(surfaceCount)

// String returns LiteLLM's call type of the surface.
func (s Surface) String() string {
	names := [...]string{
		"acompletion", "atext_completion", "aembedding", "anthropic_messages", "acount_tokens", "agenerate_content", "acount_tokens", "aresponses",
		"aimage_generation", "aimage_edit", "aimage_variation", "aspeech", "atranscription", "atranslation", "amoderation", "arerank",
	}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

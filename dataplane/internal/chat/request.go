package chat

import "encoding/json"

// Request is one chat request. A nil pointer or empty value is a parameter
// that the client did not give.
type Request struct {
	Model    string    `json:"model"`
	Messages []Message `json:"messages"`

	Tools             []Tool      `json:"tools,omitempty"`
	ToolChoice        *ToolChoice `json:"tool_choice,omitempty"`
	ParallelToolCalls *bool       `json:"parallel_tool_calls,omitempty"`

	MaxTokens           *int64            `json:"max_tokens,omitempty"`
	MaxCompletionTokens *int64            `json:"max_completion_tokens,omitempty"`
	Temperature         *float64          `json:"temperature,omitempty"`
	TopP                *float64          `json:"top_p,omitempty"`
	TopK                *int64            `json:"top_k,omitempty"`
	N                   *int64            `json:"n,omitempty"`
	Stop                Stop              `json:"stop,omitempty"`
	Seed                *int64            `json:"seed,omitempty"`
	FrequencyPenalty    *float64          `json:"frequency_penalty,omitempty"`
	PresencePenalty     *float64          `json:"presence_penalty,omitempty"`
	LogitBias           json.RawMessage   `json:"logit_bias,omitempty"`
	Logprobs            *bool             `json:"logprobs,omitempty"`
	TopLogprobs         *int64            `json:"top_logprobs,omitempty"`
	ResponseFormat      *ResponseFormat   `json:"response_format,omitempty"`
	ReasoningEffort     string            `json:"reasoning_effort,omitempty"`
	Thinking            *Thinking         `json:"thinking,omitempty"`
	Modalities          []string          `json:"modalities,omitempty"`
	Audio               json.RawMessage   `json:"audio,omitempty"`
	WebSearchOptions    *WebSearchOptions `json:"web_search_options,omitempty"`
	ServiceTier         string            `json:"service_tier,omitempty"`
	User                string            `json:"user,omitempty"`

	Stream        bool           `json:"stream,omitempty"`
	StreamOptions *StreamOptions `json:"stream_options,omitempty"`

	// Extra are the members that have no field above: parameters of one vendor,
	// which its provider reads or passes on, and newer ones of OpenAI.
	Extra map[string]json.RawMessage `json:"-"`

	// Anthropic are members of a request in Anthropic's wire that mean nothing
	// elsewhere: context_management, mcp_servers, …. Only its codec reads them.
	Anthropic map[string]json.RawMessage `json:"-"`

	// Gemini are the same of a request in Gemini's wire, by its names: safety
	// settings, tools that run at Google, ….
	Gemini map[string]json.RawMessage `json:"-"`

	// Origin is what the client's dialect remembers of the request until it
	// writes the answer. Providers do not touch it.
	Origin any `json:"-"`
}

// StreamOptions are OpenAI's stream_options.
type StreamOptions struct {
	IncludeUsage bool `json:"include_usage,omitempty"`
}

// Limit returns the bound on the answer's tokens, by its newer name where both
// are given.
func (r *Request) Limit() (tokens int64, ok bool) {
	switch {
	case r.MaxCompletionTokens != nil:
		return *r.MaxCompletionTokens, true
	case r.MaxTokens != nil:
		return *r.MaxTokens, true
	}
	return 0, false
}

// Stop are the texts that end an answer. On the wire it is a text or a list.
type Stop []string

// ResponseFormat asks for structured output.
type ResponseFormat struct {
	Type       string      `json:"type"` // text, json_object or json_schema
	JSONSchema *JSONSchema `json:"json_schema,omitempty"`
	// Schema and ResponseSchema are where some clients put the schema of a
	// json_object: those of LM Studio, and of Vertex AI.
	Schema         json.RawMessage `json:"schema,omitempty"`
	ResponseSchema json.RawMessage `json:"response_schema,omitempty"`
}

// The types of a response format.
const (
	FormatText       = "text"
	FormatJSONObject = "json_object"
	FormatJSONSchema = "json_schema"
)

// JSONSchema is the schema that an answer must obey.
type JSONSchema struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// OutputSchema returns the schema of the answer, or nil.
func (r *Request) OutputSchema() json.RawMessage {
	f := r.ResponseFormat
	switch {
	case f == nil || f.Type == FormatText:
		return nil
	case f.JSONSchema != nil && len(f.JSONSchema.Schema) > 0:
		return f.JSONSchema.Schema
	case len(f.ResponseSchema) > 0:
		return f.ResponseSchema
	}
	return f.Schema
}

// Thinking is Anthropic's thinking parameter, which LiteLLM takes for every
// provider.
type Thinking struct {
	Type         string `json:"type"` // enabled, disabled or adaptive
	BudgetTokens *int64 `json:"budget_tokens,omitempty"`
	// Display is omitted or summarized.
	Display string `json:"display,omitempty"`
}

// WebSearchOptions ask for a search of the web.
type WebSearchOptions struct {
	SearchContextSize string          `json:"search_context_size,omitempty"` // low, medium or high
	UserLocation      json.RawMessage `json:"user_location,omitempty"`
	// Tool is the search as Anthropic's wire asks for it; only its codec reads it.
	Tool json.RawMessage `json:"-"`
}

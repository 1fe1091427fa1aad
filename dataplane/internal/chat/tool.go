package chat

import "encoding/json"

// FunctionTool is the type of tools that the client runs.
const FunctionTool = "function"

// Tool is something that a model may call. Tools of other types than function
// run at the vendor; Raw is all that is known of them.
type Tool struct {
	Type         string          `json:"type"`
	Function     *FunctionDef    `json:"function,omitempty"`
	CacheControl json.RawMessage `json:"cache_control,omitempty"`

	// These are Anthropic's, and refused by most others.
	DeferLoading        *bool           `json:"defer_loading,omitempty"`
	EagerInputStreaming *bool           `json:"eager_input_streaming,omitempty"`
	AllowedCallers      json.RawMessage `json:"allowed_callers,omitempty"`
	InputExamples       json.RawMessage `json:"input_examples,omitempty"`

	Raw json.RawMessage `json:"-"`
}

// FunctionDef describes a function to the model.
type FunctionDef struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"` // JSON schema
	Strict      *bool           `json:"strict,omitempty"`
}

// ToolCall is a model's wish to have a tool run.
type ToolCall struct {
	ID       string   `json:"id,omitempty"`
	Type     string   `json:"type,omitempty"`
	Function Function `json:"function"`
	// ProviderFields are the vendor's own additions, such as Gemini's thought
	// signature, which have to come back with the next request.
	ProviderFields json.RawMessage `json:"provider_specific_fields,omitempty"`
	CacheControl   json.RawMessage `json:"cache_control,omitempty"`
}

// Function is the function of a call. Arguments are JSON as text, which the
// model may have got wrong.
type Function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// ToolChoice says whether and what the model has to call. On the wire it is a
// word or an object.
type ToolChoice struct {
	Mode     string // one of the Choose constants, or empty when Function is set
	Function string
	// Raw is a choice that is neither, which only its vendor understands.
	Raw json.RawMessage
}

// The modes of a tool choice.
const (
	ChooseAuto     = "auto"
	ChooseNone     = "none"
	ChooseRequired = "required"
)

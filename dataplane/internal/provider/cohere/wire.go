package cohere

import "encoding/json"

// request is the body of a chat.
type request struct {
	Model            string          `json:"model"`
	Messages         []message       `json:"messages"`
	Stream           bool            `json:"stream"`
	Tools            []tool          `json:"tools,omitempty"`
	ToolChoice       string          `json:"tool_choice,omitempty"` // REQUIRED or NONE
	StrictTools      bool            `json:"strict_tools,omitempty"`
	MaxTokens        *int64          `json:"max_tokens,omitempty"`
	StopSequences    []string        `json:"stop_sequences,omitempty"`
	Temperature      *float64        `json:"temperature,omitempty"`
	P                *float64        `json:"p,omitempty"`
	K                *int64          `json:"k,omitempty"`
	Seed             *int64          `json:"seed,omitempty"`
	FrequencyPenalty *float64        `json:"frequency_penalty,omitempty"`
	PresencePenalty  *float64        `json:"presence_penalty,omitempty"`
	ResponseFormat   *responseFormat `json:"response_format,omitempty"`
	Thinking         *thinking       `json:"thinking,omitempty"`
}

type message struct {
	Role       string     `json:"role"`
	Content    any        `json:"content,omitempty"` // a text or []part
	ToolCalls  []toolCall `json:"tool_calls,omitempty"`
	ToolPlan   string     `json:"tool_plan,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

type part struct {
	Type     string    `json:"type"` // text, image_url or thinking
	Text     string    `json:"text,omitempty"`
	Thinking string    `json:"thinking,omitempty"`
	ImageURL *imageURL `json:"image_url,omitempty"`
}

type imageURL struct {
	URL    string `json:"url"`
	Detail string `json:"detail,omitempty"`
}

type tool struct {
	Type     string       `json:"type"`
	Function functionDesc `json:"function"`
}

type functionDesc struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
}

type toolCall struct {
	ID       string   `json:"id,omitempty"`
	Type     string   `json:"type,omitempty"`
	Function function `json:"function"`
}

type function struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

type responseFormat struct {
	Type       string          `json:"type"` // json_object
	JSONSchema json.RawMessage `json:"json_schema,omitempty"`
}

type thinking struct {
	Type        string `json:"type"` // enabled or disabled
	TokenBudget *int64 `json:"token_budget,omitempty"`
}

// answer is a whole answer.
type answer struct {
	ID           string `json:"id"`
	FinishReason string `json:"finish_reason"`
	Message      struct {
		Content   []part     `json:"content"`
		ToolCalls []toolCall `json:"tool_calls"`
		ToolPlan  string     `json:"tool_plan"`
		Citations []citation `json:"citations"`
	} `json:"message"`
	Usage *usage `json:"usage"`
}

// usage has its counts as floating-point numbers.
type usage struct {
	Tokens struct {
		Input  *float64 `json:"input_tokens"`
		Output *float64 `json:"output_tokens"`
	} `json:"tokens"`
	Billed struct {
		Input  float64 `json:"input_tokens"`
		Output float64 `json:"output_tokens"`
	} `json:"billed_units"`
	Cached float64 `json:"cached_tokens"`
}

type citation struct {
	Start   int      `json:"start"`
	End     int      `json:"end"`
	Text    string   `json:"text"`
	Sources []source `json:"sources"`
}

type source struct {
	Type     string `json:"type"` // document or tool
	ID       string `json:"id"`
	Document struct {
		Title string `json:"title"`
		URL   string `json:"url"`
	} `json:"document"`
}

// event is an event of a stream.
type event struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	Delta struct {
		Message struct {
			Content   json.RawMessage `json:"content"`    // an object, or at the start a list
			ToolCalls json.RawMessage `json:"tool_calls"` // the same
			ToolPlan  string          `json:"tool_plan"`
			Citations json.RawMessage `json:"citations"`
		} `json:"message"`
		FinishReason string `json:"finish_reason"`
		Error        string `json:"error"`
		Usage        *usage `json:"usage"`
	} `json:"delta"`
	// Message is what an error says.
	Message string `json:"message"`
}

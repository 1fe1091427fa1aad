package ollama

import "encoding/json"

// request is the body of a chat, and of generate.
type request struct {
	Model    string    `json:"model"`
	Messages []message `json:"messages,omitempty"`
	// Prompt, Raw and Images are generate's.
	Prompt    string                     `json:"prompt,omitempty"`
	Raw       bool                       `json:"raw,omitempty"`
	Images    []string                   `json:"images,omitempty"`
	Tools     []tool                     `json:"tools,omitempty"`
	Format    json.RawMessage            `json:"format,omitempty"` // "json" or a schema
	Think     json.RawMessage            `json:"think,omitempty"`  // a boolean or a word
	KeepAlive json.RawMessage            `json:"keep_alive,omitempty"`
	Options   map[string]json.RawMessage `json:"options,omitempty"`
	Stream    bool                       `json:"stream"`
}

type message struct {
	Role       string     `json:"role"`
	Content    string     `json:"content"`
	Thinking   string     `json:"thinking,omitempty"`
	Images     []string   `json:"images,omitempty"` // base64
	ToolCalls  []toolCall `json:"tool_calls,omitempty"`
	ToolName   string     `json:"tool_name,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

type toolCall struct {
	ID       string `json:"id,omitempty"`
	Function struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"` // an object
	} `json:"function"`
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

// answer is a whole answer, and a line of a stream.
type answer struct {
	Model      string  `json:"model"`
	CreatedAt  string  `json:"created_at"`
	Message    message `json:"message"`
	Response   string  `json:"response"` // generate's
	Thinking   string  `json:"thinking"` // generate's
	Done       bool    `json:"done"`
	DoneReason string  `json:"done_reason"`
	PromptEval *int64  `json:"prompt_eval_count"`
	Eval       *int64  `json:"eval_count"`
	Error      string  `json:"error"`
	Status     int     `json:"status"` // of an error
}

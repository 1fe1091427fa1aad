package anthropic

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

// wireRequest is the body of a request, in the order in which it is written.
type wireRequest struct {
	Version      string            `json:"anthropic_version,omitempty"`
	Betas        []string          `json:"anthropic_beta,omitempty"`
	Model        string            `json:"model,omitempty"`
	System       []any             `json:"system,omitempty"`
	Messages     []wireMessage     `json:"messages"`
	Tools        []any             `json:"tools,omitempty"`
	ToolChoice   *wireToolChoice   `json:"tool_choice,omitempty"`
	MCPServers   []json.RawMessage `json:"mcp_servers,omitempty"`
	Stop         []string          `json:"stop_sequences,omitempty"`
	MaxTokens    int64             `json:"max_tokens"`
	Temperature  *float64          `json:"temperature,omitempty"`
	TopP         *float64          `json:"top_p,omitempty"`
	TopK         *int64            `json:"top_k,omitempty"`
	Thinking     *chat.Thinking    `json:"thinking,omitempty"`
	OutputConfig json.RawMessage   `json:"output_config,omitempty"`
	Metadata     *wireMetadata     `json:"metadata,omitempty"`
	ServiceTier  string            `json:"service_tier,omitempty"`
	Stream       bool              `json:"stream,omitempty"`
}

type wireMetadata struct {
	UserID string `json:"user_id"`
}

// wireMessage is a turn. Its content are blocks: a *block, or a
// json.RawMessage that the client wrote in this wire.
type wireMessage struct {
	Role    string `json:"role"`
	Content []any  `json:"content"`
}

// block is a piece of content; the fields that its type has are set.
type block struct {
	Type         string          `json:"type"`
	Text         string          `json:"text,omitempty"`
	Thinking     *string         `json:"thinking,omitempty"` // may be empty, and then has to be there
	Signature    string          `json:"signature,omitempty"`
	Data         string          `json:"data,omitempty"`
	ID           string          `json:"id,omitempty"`
	Name         string          `json:"name,omitempty"`
	Input        json.RawMessage `json:"input,omitempty"`
	ToolUseID    string          `json:"tool_use_id,omitempty"`
	Content      any             `json:"content,omitempty"` // of a tool's result: a text or blocks
	IsError      bool            `json:"is_error,omitempty"`
	Source       *source         `json:"source,omitempty"`
	FileID       string          `json:"file_id,omitempty"`
	Title        string          `json:"title,omitempty"`
	Context      string          `json:"context,omitempty"`
	Citations    json.RawMessage `json:"citations,omitempty"`
	CacheControl json.RawMessage `json:"cache_control,omitempty"`
}

// The types of blocks.
const (
	blockText             = "text"
	blockImage            = "image"
	blockDocument         = "document"
	blockToolUse          = "tool_use"
	blockToolResult       = "tool_result"
	blockThinking         = "thinking"
	blockRedactedThinking = "redacted_thinking"
	blockContainerUpload  = "container_upload"
	blockServerToolUse    = "server_tool_use"
	blockCompaction       = "compaction"
)

// source is where a picture or a document is.
type source struct {
	Type      string `json:"type"` // base64, text, url or file
	MediaType string `json:"media_type,omitempty"`
	Data      string `json:"data,omitempty"`
	URL       string `json:"url,omitempty"`
	FileID    string `json:"file_id,omitempty"`
}

type wireTool struct {
	Name                string          `json:"name"`
	Description         string          `json:"description,omitempty"`
	InputSchema         json.RawMessage `json:"input_schema"`
	Strict              *bool           `json:"strict,omitempty"`
	DeferLoading        *bool           `json:"defer_loading,omitempty"`
	EagerInputStreaming *bool           `json:"eager_input_streaming,omitempty"`
	AllowedCallers      json.RawMessage `json:"allowed_callers,omitempty"`
	InputExamples       json.RawMessage `json:"input_examples,omitempty"`
	CacheControl        json.RawMessage `json:"cache_control,omitempty"`
}

type wireWebSearch struct {
	Type         string          `json:"type"`
	Name         string          `json:"name"`
	MaxUses      int             `json:"max_uses,omitempty"`
	UserLocation json.RawMessage `json:"user_location,omitempty"`
}

type wireToolChoice struct {
	Type                   string `json:"type"` // auto, any, tool or none
	Name                   string `json:"name,omitempty"`
	DisableParallelToolUse bool   `json:"disable_parallel_tool_use,omitempty"`
}

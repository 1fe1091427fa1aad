package anthropic

import (
	"encoding/json"
	"strings"
)

// The types of blocks.
const (
	blockText             = "text"
	blockImage            = "image"
	blockDocument         = "document"
	blockSearchResult     = "search_result"
	blockToolUse          = "tool_use"
	blockToolResult       = "tool_result"
	blockThinking         = "thinking"
	blockRedactedThinking = "redacted_thinking"
)

// message is a turn of a request.
type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"` // a text or blocks
}

// block is a piece of content, with the fields of all types.
type block struct {
	Type         string          `json:"type"`
	Text         string          `json:"text"`
	Source       json.RawMessage `json:"source"` // of a search result it is a text
	Title        string          `json:"title"`
	Context      string          `json:"context"`
	Citations    json.RawMessage `json:"citations"`
	CacheControl json.RawMessage `json:"cache_control"`
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	Input        json.RawMessage `json:"input"`
	ToolUseID    string          `json:"tool_use_id"`
	Content      json.RawMessage `json:"content"` // a text or blocks
	IsError      bool            `json:"is_error"`
	Thinking     string          `json:"thinking"`
	Signature    string          `json:"signature"`
	Data         string          `json:"data"`
}

// source is where a picture or a document is.
type source struct {
	Type      string          `json:"type"`
	MediaType string          `json:"media_type"`
	Data      string          `json:"data"`
	URL       string          `json:"url"`
	FileID    string          `json:"file_id"`
	Content   json.RawMessage `json:"content"` // a text or blocks
}

// tool is a tool that the client runs.
type tool struct {
	Type                string          `json:"type"`
	Name                string          `json:"name"`
	Description         string          `json:"description"`
	InputSchema         json.RawMessage `json:"input_schema"`
	Strict              *bool           `json:"strict"`
	DeferLoading        *bool           `json:"defer_loading"`
	EagerInputStreaming *bool           `json:"eager_input_streaming"`
	AllowedCallers      json.RawMessage `json:"allowed_callers"`
	InputExamples       json.RawMessage `json:"input_examples"`
	CacheControl        json.RawMessage `json:"cache_control"`

	// Of the search of the web.
	MaxUses      *int64          `json:"max_uses"`
	UserLocation json.RawMessage `json:"user_location"`
}

// search reports whether the tool searches the web at the vendor.
func (t *tool) search() bool { return strings.HasPrefix(t.Type, "web_search_") }

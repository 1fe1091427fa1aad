package chat

import "encoding/json"

// The roles of messages.
const (
	System    = "system"
	Developer = "developer"
	User      = "user"
	Assistant = "assistant"
	ToolRole  = "tool"
)

// Message is one turn, of a request or of an answer.
type Message struct {
	Role       string     `json:"role"`
	Name       string     `json:"name,omitempty"`
	Content    Content    `json:"content"`
	ToolCalls  []ToolCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
	// IsError marks a tool's result as a failure; only some vendors can say so.
	IsError bool `json:"is_error,omitempty"`
	// Prefix marks the last assistant message as the beginning of the answer.
	Prefix       bool            `json:"prefix,omitempty"`
	CacheControl json.RawMessage `json:"cache_control,omitempty"`

	Refusal string `json:"refusal,omitempty"`
	// ReasoningContent is the text of the thoughts, ThinkingBlocks the same
	// with what the vendor needs to accept them back.
	ReasoningContent string          `json:"reasoning_content,omitempty"`
	ThinkingBlocks   []ThinkingBlock `json:"thinking_blocks,omitempty"`
	Annotations      json.RawMessage `json:"annotations,omitempty"`
	Images           []Part          `json:"images,omitempty"`
	Audio            json.RawMessage `json:"audio,omitempty"`
	// ProviderFields are the vendor's own additions to an answer, as JSON.
	ProviderFields json.RawMessage `json:"provider_specific_fields,omitempty"`
	// FunctionCall is the older form of a single tool call.
	FunctionCall *Function `json:"function_call,omitempty"`
}

// Content is what a message says. On the wire it is null (nil), a text (one
// plain text part) or a list of parts.
type Content []Part

// Text returns content of one text.
func Text(s string) Content { return Content{{Type: TextPart, Text: s}} }

// Text returns all texts of the content, one after another.
func (c Content) Text() string {
	if len(c) == 1 {
		return c[0].text()
	}
	var all []byte
	for i := range c {
		all = append(all, c[i].text()...)
	}
	return string(all)
}

// The types of parts.
const (
	TextPart    = "text"
	ImagePart   = "image_url"
	AudioPart   = "input_audio"
	FilePart    = "file"
	VideoPart   = "video_url"
	RefusalPart = "refusal"
)

// Part is a piece of content.
type Part struct {
	Type         string          `json:"type"`
	Text         string          `json:"text,omitempty"`
	Refusal      string          `json:"refusal,omitempty"`
	Image        *Image          `json:"image_url,omitempty"`
	Audio        *Audio          `json:"input_audio,omitempty"`
	File         *File           `json:"file,omitempty"`
	Video        *Video          `json:"video_url,omitempty"`
	CacheControl json.RawMessage `json:"cache_control,omitempty"`
	Citations    json.RawMessage `json:"citations,omitempty"`

	// Raw is the part as Anthropic's wire has it, where there is more to it
	// than the fields above can say: a search that ran at the vendor, a search
	// result that can be cited. Only codecs of that wire read it, and it stands
	// for the whole part there: who changes the text clears it.
	Raw json.RawMessage `json:"-"`
}

func (p *Part) text() string {
	if p.Type == RefusalPart {
		return p.Refusal
	}
	return p.Text
}

// Image is a picture: a URL, or a data URI that holds it.
type Image struct {
	URL    string `json:"url"`
	Detail string `json:"detail,omitempty"`
	Format string `json:"format,omitempty"` // media type, where the URL does not tell
}

// Audio is sound, base64.
type Audio struct {
	Data   string `json:"data"`
	Format string `json:"format"` // wav, mp3
}

// File is a document: its content as a data URI, or the id or URL of one.
type File struct {
	Data   string `json:"file_data,omitempty"`
	ID     string `json:"file_id,omitempty"`
	Name   string `json:"filename,omitempty"`
	Format string `json:"format,omitempty"` // media type
	// Detail and VideoMetadata (fps and offsets) are Gemini's.
	Detail        string          `json:"detail,omitempty"`
	VideoMetadata json.RawMessage `json:"video_metadata,omitempty"`
	// Context is what Anthropic's wire tells the model about the document.
	Context string `json:"-"`
}

// Video is a film: a URL, or a data URI that holds it.
type Video struct {
	URL    string `json:"url"`
	Format string `json:"format,omitempty"`
}

// ThinkingBlock is a thought as Anthropic gives it, and wants it back.
type ThinkingBlock struct {
	Type         string          `json:"type"` // thinking or redacted_thinking
	Thinking     string          `json:"thinking,omitempty"`
	Signature    string          `json:"signature,omitempty"`
	Data         string          `json:"data,omitempty"`
	CacheControl json.RawMessage `json:"cache_control,omitempty"`
}

// The types of thinking blocks.
const (
	ThinkingType         = "thinking"
	RedactedThinkingType = "redacted_thinking"
)

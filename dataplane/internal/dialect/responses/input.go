package responses

import (
	"encoding/json"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// item is one entry of the input, of any type.
type item struct {
	Type      string          `json:"type"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Output    json.RawMessage `json:"output"`
	Summary   []part          `json:"summary"`
	// EncryptedContent is where a thought's signature travels, so that clients
	// that keep no state on the server bring it back.
	EncryptedContent string `json:"encrypted_content"`
}

// part is a piece of content.
type part struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Refusal  string `json:"refusal"`
	ImageURL string `json:"image_url"`
	Detail   string `json:"detail"`
	FileID   string `json:"file_id"`
	FileData string `json:"file_data"`
	FileURL  string `json:"file_url"`
	Filename string `json:"filename"`

	InputAudio *chat.Audio `json:"input_audio"`
}

// decodeInput turns the input, a text or a list of items, into messages.
func decodeInput(raw json.RawMessage) ([]chat.Message, error) {
	var text string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		return []chat.Message{{Role: chat.User, Content: chat.Text(text)}}, nil
	}
	var items []item
	if len(raw) == 0 || json.Unmarshal(raw, &items) != nil {
		return nil, &chat.ParamError{Param: "input", Want: "a string or a list of items"}
	}
	var b builder
	for i := range items {
		if err := b.add(&items[i]); err != nil {
			return nil, err
		}
	}
	return b.messages, nil
}

// builder puts items together: a thought, a text and calls that follow each
// other are one message of the assistant.
type builder struct{ messages []chat.Message }

func (b *builder) assistant() *chat.Message {
	if n := len(b.messages); n > 0 && b.messages[n-1].Role == chat.Assistant {
		return &b.messages[n-1]
	}
	b.messages = append(b.messages, chat.Message{Role: chat.Assistant})
	return &b.messages[len(b.messages)-1]
}

func (b *builder) add(it *item) error {
	switch it.Type {
	case "message", "":
		content, err := decodeContent(it.Content, "input.content")
		if err != nil {
			return err
		}
		if it.Role == chat.Assistant {
			m := b.assistant()
			m.Content = append(m.Content, content...)
			return nil
		}
		b.messages = append(b.messages, chat.Message{Role: it.Role, Content: content})
	case "function_call":
		m := b.assistant()
		m.ToolCalls = append(m.ToolCalls, chat.ToolCall{ID: it.CallID, Type: chat.FunctionTool, Function: chat.Function{Name: it.Name, Arguments: it.Arguments}})
	case "function_call_output":
		content, err := decodeContent(it.Output, "input.output")
		if err != nil {
			return err
		}
		b.messages = append(b.messages, chat.Message{Role: chat.ToolRole, ToolCallID: it.CallID, Content: content})
	case "reasoning":
		b.thought(it)
	default:
		return apierr.BadRequest("Input items of type '%.64s' are not offered for this model: its provider only chats", it.Type)
	}
	return nil
}

func (b *builder) thought(it *item) {
	var all strings.Builder
	for i := range it.Summary {
		all.WriteString(it.Summary[i].Text)
	}
	text := all.String()
	m := b.assistant()
	m.ReasoningContent += text
	if it.EncryptedContent != "" {
		m.ThinkingBlocks = append(m.ThinkingBlocks, chat.ThinkingBlock{Type: chat.ThinkingType, Thinking: text, Signature: it.EncryptedContent})
	}
}

func decodeContent(raw json.RawMessage, param string) (chat.Content, error) {
	var text string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		return chat.Text(text), nil
	}
	var parts []part
	if len(raw) == 0 || json.Unmarshal(raw, &parts) != nil {
		return nil, &chat.ParamError{Param: param, Want: "a string or a list of parts"}
	}
	content := make(chat.Content, 0, len(parts))
	for i := range parts {
		p, err := parts[i].decode()
		if err != nil {
			return nil, err
		}
		content = append(content, p)
	}
	return content, nil
}

func (p *part) decode() (chat.Part, error) {
	switch p.Type {
	case "input_text", "output_text", "text", "summary_text":
		return chat.Part{Type: chat.TextPart, Text: p.Text}, nil
	case "refusal":
		return chat.Part{Type: chat.RefusalPart, Refusal: p.Refusal}, nil
	case "input_image":
		if p.ImageURL == "" {
			return chat.Part{}, apierr.BadRequest("An input_image needs an image_url for this model")
		}
		return chat.Part{Type: chat.ImagePart, Image: &chat.Image{URL: p.ImageURL, Detail: p.Detail}}, nil
	case "input_file":
		f := &chat.File{Data: p.FileData, ID: p.FileID, Name: p.Filename}
		if p.FileURL != "" {
			f.ID = p.FileURL
		}
		return chat.Part{Type: chat.FilePart, File: f}, nil
	case "input_audio":
		if p.InputAudio != nil {
			return chat.Part{Type: chat.AudioPart, Audio: p.InputAudio}, nil
		}
	}
	return chat.Part{}, apierr.BadRequest("Content of type '%.64s' is not offered for this model", p.Type)
}

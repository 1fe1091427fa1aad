package anthropic

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// billingNote begins what Claude Code tells Anthropic in its system prompt and
// nobody else wants to read.
const billingNote = "x-anthropic-billing-header:"

// systemPrompt reads what the system says, which stands outside the
// conversation in this wire.
func (d *decoder) systemPrompt(value []byte) error {
	content, err := parts(value)
	if err != nil {
		return &chat.ParamError{Param: "system", Want: "a string or a list of text blocks"}
	}
	kept := content[:0]
	for i := range content {
		if !strings.HasPrefix(content[i].Text, billingNote) {
			kept = append(kept, content[i])
		}
	}
	if len(kept) > 0 {
		d.system = &chat.Message{Role: chat.System, Content: kept}
	}
	return nil
}

func (d *decoder) messages(value []byte) error {
	var all []message
	if err := take("messages", "a list of messages", value, &all); err != nil {
		return err
	}
	d.req.Messages = make([]chat.Message, 0, len(all)+1) // and the system
	for i := range all {
		if err := d.turn(&all[i]); err != nil {
			if p, ok := errors.AsType[*chat.ParamError](err); ok {
				p.Param = strings.Replace(p.Param, "messages", "messages."+strconv.Itoa(i), 1)
			}
			return err
		}
	}
	return nil
}

func (d *decoder) turn(m *message) error {
	switch m.Role {
	case chat.User, chat.Assistant, chat.System:
	default:
		return &chat.ParamError{Param: "messages.role", Want: "user or assistant"}
	}
	if len(m.Content) > 0 && m.Content[0] == '"' {
		content, err := parts(m.Content)
		d.req.Messages = append(d.req.Messages, chat.Message{Role: m.Role, Content: orEmpty(content)})
		return err
	}
	blocks, err := blocksOf(m.Content)
	if err != nil {
		return err
	}
	if m.Role == chat.Assistant {
		return d.assistant(blocks)
	}
	return d.user(m.Role, blocks)
}

func orEmpty(c chat.Content) chat.Content {
	if len(c) == 0 {
		return chat.Text("")
	}
	return c
}

// rawBlock is a block, and how the client wrote it.
type rawBlock struct {
	block

	raw json.RawMessage
}

func blocksOf(list json.RawMessage) ([]rawBlock, error) {
	var raws []json.RawMessage
	if len(list) == 0 || list[0] != '[' || json.Unmarshal(list, &raws) != nil {
		return nil, &chat.ParamError{Param: "messages.content", Want: "a string or a list of blocks"}
	}
	all := make([]rawBlock, len(raws))
	for i, raw := range raws {
		if all[i].raw = raw; json.Unmarshal(raw, &all[i].block) != nil || all[i].Type == "" {
			return nil, &chat.ParamError{Param: "messages.content", Want: "a list of blocks with a type"}
		}
	}
	return all, nil
}

// user reads a turn of the user. What tools returned comes first: it answers
// the turn before.
func (d *decoder) user(role string, blocks []rawBlock) error {
	said := make(chat.Content, 0, len(blocks))
	results := false
	for i := range blocks {
		b := &blocks[i]
		if b.Type != blockToolResult {
			p, ok, err := b.part()
			if err != nil {
				return err
			}
			if ok {
				said = append(said, p)
			}
			continue
		}
		content, err := parts(b.Content)
		if err != nil {
			return err
		}
		results = true
		d.req.Messages = append(d.req.Messages, chat.Message{
			Role: chat.ToolRole, ToolCallID: b.ToolUseID, Content: orEmpty(content), IsError: b.IsError, CacheControl: b.CacheControl,
		})
	}
	if len(said) > 0 || !results {
		d.req.Messages = append(d.req.Messages, chat.Message{Role: role, Content: orEmpty(said)})
	}
	return nil
}

// assistant reads a turn of the model.
func (d *decoder) assistant(blocks []rawBlock) error {
	m := chat.Message{Role: chat.Assistant}
	var thoughts []string
	for i := range blocks {
		b := &blocks[i]
		switch b.Type {
		case blockThinking:
			m.ThinkingBlocks = append(m.ThinkingBlocks, chat.ThinkingBlock{Type: chat.ThinkingType, Thinking: b.Thinking, Signature: b.Signature})
			thoughts = append(thoughts, b.Thinking)
		case blockRedactedThinking:
			m.ThinkingBlocks = append(m.ThinkingBlocks, chat.ThinkingBlock{Type: chat.RedactedThinkingType, Data: b.Data})
		case blockToolUse:
			m.ToolCalls = append(m.ToolCalls, b.call())
		default:
			p, ok, err := b.part()
			if err != nil {
				return err
			}
			if ok {
				m.Content = append(m.Content, p)
			}
		}
	}
	m.ReasoningContent = strings.Join(thoughts, "")
	if len(m.ToolCalls) == 0 {
		m.Content = orEmpty(m.Content)
	}
	d.req.Messages = append(d.req.Messages, m)
	return nil
}

func (b *block) call() chat.ToolCall {
	input := string(b.Input)
	if input == "" || input == "null" {
		input = "{}"
	}
	return chat.ToolCall{ID: b.ID, Type: chat.FunctionTool, Function: chat.Function{Name: b.Name, Arguments: input}, CacheControl: b.CacheControl}
}

// parts reads content that is a text or a list of blocks.
func parts(value []byte) (chat.Content, error) {
	if len(value) == 0 || jsonx.IsNull(value) {
		return nil, nil
	}
	if value[0] == '"' {
		s, err := jsonx.Unquote(value)
		switch {
		case err != nil:
			return nil, &chat.ParamError{Param: "messages.content", Want: "a string or a list of blocks"}
		case s == "":
			return nil, nil
		}
		return chat.Text(s), nil
	}
	blocks, err := blocksOf(value)
	if err != nil {
		return nil, err
	}
	content := make(chat.Content, 0, len(blocks))
	for i := range blocks {
		p, ok, err := blocks[i].part()
		if err != nil {
			return nil, err
		}
		if ok {
			content = append(content, p)
		}
	}
	return content, nil
}

// part reads a block that is not a tool's or a thought. One that says nothing
// is left out; one that only Anthropic's wire knows is kept as it is.
func (b *rawBlock) part() (p chat.Part, ok bool, err error) {
	p = chat.Part{Type: chat.TextPart, Text: b.Text, CacheControl: b.CacheControl, Citations: b.Citations}
	switch b.Type {
	case blockText:
		return p, b.Text != "", nil
	case blockImage:
		p, err = b.image()
		return p, true, err
	case blockDocument:
		p, err = b.document()
		return p, true, err
	case blockSearchResult:
		return b.searchResult(), true, nil
	}
	return chat.Part{Type: chat.TextPart, Raw: b.raw}, true, nil
}

func (b *block) source() (source, error) {
	var s source
	if json.Unmarshal(b.Source, &s) != nil || s.Type == "" {
		return s, &chat.ParamError{Param: "messages.content.source", Want: "an object with a type"}
	}
	return s, nil
}

// imageFormat is the media type of a picture of which only the id is known.
const imageFormat = "image"

func (b *block) image() (chat.Part, error) {
	s, err := b.source()
	if err != nil {
		return chat.Part{}, err
	}
	p := chat.Part{Type: chat.ImagePart, CacheControl: b.CacheControl}
	switch s.Type {
	case "base64":
		p.Image = &chat.Image{URL: dataURI(s.MediaType, s.Data)}
	case "url":
		p.Image = &chat.Image{URL: s.URL}
	case "file":
		p.Type, p.File = chat.FilePart, &chat.File{ID: s.FileID, Format: imageFormat}
	default:
		return p, &chat.ParamError{Param: "messages.content.source.type", Want: "base64, url or file"}
	}
	return p, nil
}

func dataURI(mediaType, encoded string) string { return "data:" + mediaType + ";base64," + encoded }

func (b *rawBlock) document() (chat.Part, error) {
	s, err := b.source()
	if err != nil {
		return chat.Part{}, err
	}
	p := chat.Part{Type: chat.FilePart, CacheControl: b.CacheControl, Citations: b.Citations, File: &chat.File{Name: b.Title, Context: b.Context}}
	switch s.Type {
	case "base64":
		p.File.Data = dataURI(s.MediaType, s.Data)
	case "text":
		p.File.Data = dataURI("text/plain", base64.StdEncoding.EncodeToString([]byte(s.Data)))
	case "url":
		p.File.ID = s.URL
	case "file":
		p.File.ID = s.FileID
	case "content":
		content, err := parts(s.Content)
		if err != nil {
			return p, err
		}
		return chat.Part{Type: chat.TextPart, Text: paragraphs(b.Title, b.Context, content.Text()), CacheControl: b.CacheControl, Raw: b.raw}, nil
	default:
		return p, &chat.ParamError{Param: "messages.content.source.type", Want: "base64, text, content, url or file"}
	}
	return p, nil
}

// searchResult is a text that can be cited.
func (b *rawBlock) searchResult() chat.Part {
	address, _ := jsonx.Unquote(b.Source)
	content, _ := parts(b.Content)
	return chat.Part{Type: chat.TextPart, Text: paragraphs(b.Title, address, content.Text()), CacheControl: b.CacheControl, Raw: b.raw}
}

func paragraphs(all ...string) string {
	var said []string
	for _, s := range all {
		if s != "" {
			said = append(said, s)
		}
	}
	return strings.Join(said, "\n\n")
}

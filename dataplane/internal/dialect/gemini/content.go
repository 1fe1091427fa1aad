package gemini

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// part is one piece of a content, as it stands there.
type part struct {
	text             *string
	thought          bool
	signature        string
	inline, file     *media
	call, response   json.RawMessage
	code, codeResult json.RawMessage
	video            json.RawMessage
	detail           string
}

// media is content that is not text.
type media struct {
	mediaType, data, uri, name string
}

// content reads one turn of the conversation.
func (d *decoder) content(value []byte) error {
	var role string
	var parts []part
	err := members(value, "contents", func(name string, value []byte) error {
		switch name {
		case "role":
			return text(value, &role, "contents.role")
		case "parts":
			return readParts(value, &parts)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case role == "model" || role == chat.Assistant:
		return d.model(parts)
	}
	return d.user(parts)
}

// instruct reads systemInstruction: a content, or its text.
func (d *decoder) instruct(value []byte) error {
	d.system = &chat.Message{Role: chat.System}
	if len(value) > 0 && value[0] == '"' {
		var s string
		err := text(value, &s, "systemInstruction")
		d.system.Content = chat.Text(s)
		return err
	}
	var parts []part
	err := members(value, "systemInstruction", func(name string, value []byte) error {
		if name != "parts" {
			return nil
		}
		return readParts(value, &parts)
	})
	for i := range parts {
		if t := parts[i].text; t != nil && *t != "" {
			d.system.Content = append(d.system.Content, chat.Part{Type: chat.TextPart, Text: *t})
		}
	}
	if len(d.system.Content) == 0 {
		d.system = nil
	}
	return err
}

func readParts(value []byte, to *[]part) error {
	return elements(value, "contents.parts", func(value []byte) error {
		p, err := readPart(value)
		*to = append(*to, p)
		return err
	})
}

func readPart(value []byte) (part, error) {
	var p part
	err := members(value, "contents.parts", func(name string, value []byte) error {
		const what = "contents.parts."
		switch name {
		case "text":
			p.text = new(string)
			return text(value, p.text, what+name)
		case "thought":
			return take(value, &p.thought, what+name, "a boolean")
		case "thoughtSignature":
			return text(value, &p.signature, what+name)
		case "inlineData":
			p.inline = &media{}
			return p.inline.read(value, what+name)
		case "fileData":
			p.file = &media{}
			return p.file.read(value, what+name)
		case "functionCall":
			p.call = value
		case "functionResponse":
			p.response = value
		case "executableCode":
			p.code = value
		case "codeExecutionResult":
			p.codeResult = value
		case "videoMetadata":
			p.video = value
		case "mediaResolution":
			return p.resolution(value)
		}
		return nil
	})
	return p, err
}

func (m *media) read(value []byte, what string) error {
	return members(value, what, func(name string, value []byte) error {
		switch name {
		case "mimeType":
			return text(value, &m.mediaType, what+".mimeType")
		case "data":
			return text(value, &m.data, what+".data")
		case "fileUri":
			return text(value, &m.uri, what+".fileUri")
		case "displayName":
			return text(value, &m.name, what+".displayName")
		}
		return nil
	})
}

func (p *part) resolution(value []byte) error {
	return members(value, "contents.parts.mediaResolution", func(name string, value []byte) error {
		if name != "level" {
			return nil
		}
		var level string
		err := text(value, &level, "contents.parts.mediaResolution.level")
		p.detail = strings.ToLower(strings.TrimPrefix(level, "MEDIA_RESOLUTION_"))
		return err
	})
}

// user adds what the user says. Results of functions come first: they have to
// follow the calls.
func (d *decoder) user(parts []part) error {
	var said chat.Content
	for i := range parts {
		p := &parts[i]
		if p.response == nil {
			said = p.appendTo(said)
			continue
		}
		m, err := d.result(p.response)
		if err != nil {
			return err
		}
		d.req.Messages = append(d.req.Messages, m)
	}
	if len(said) > 0 {
		d.req.Messages = append(d.req.Messages, chat.Message{Role: chat.User, Content: said})
	}
	return nil
}

// model adds what the model said.
func (d *decoder) model(parts []part) error {
	m := chat.Message{Role: chat.Assistant}
	var signatures []string
	for i := range parts {
		p := &parts[i]
		switch {
		case p.call != nil:
			call, err := d.calls.read(p.call, p.signature)
			if err != nil {
				return err
			}
			m.ToolCalls = append(m.ToolCalls, call)
		case p.thought:
			p.think(&m)
		default:
			m.Content = p.appendTo(m.Content)
			if p.signature != "" {
				signatures = append(signatures, p.signature)
			}
		}
	}
	if len(signatures) > 0 {
		b, err := json.Marshal(map[string][]string{"thought_signatures": signatures})
		if err != nil {
			return err
		}
		m.ProviderFields = b
	}
	if m.Content != nil || m.ToolCalls != nil || m.ThinkingBlocks != nil {
		d.req.Messages = append(d.req.Messages, m)
	}
	return nil
}

// think adds a thought.
func (p *part) think(m *chat.Message) {
	if p.text == nil {
		return
	}
	m.ReasoningContent += *p.text
	m.ThinkingBlocks = append(m.ThinkingBlocks, chat.ThinkingBlock{Type: chat.ThinkingType, Thinking: *p.text, Signature: p.signature})
}

// appendTo adds a part to a message.
func (p *part) appendTo(c chat.Content) chat.Content {
	switch {
	case p.text != nil && *p.text != "":
		return append(c, chat.Part{Type: chat.TextPart, Text: *p.text})
	case p.inline != nil:
		return append(c, p.media(p.inline, "data:"+p.inline.mediaType+";base64,"+p.inline.data))
	case p.file != nil:
		return append(c, p.media(p.file, p.file.uri))
	case p.code != nil:
		return appendCode(c, p.code, "code")
	case p.codeResult != nil:
		return appendCode(c, p.codeResult, "output")
	}
	return c
}

// appendCode shows code that ran at Google, and what came of it, as text.
func appendCode(c chat.Content, value []byte, name string) chat.Content {
	code, err := jsonx.Unquote(jsonx.Lookup(value, name).Of(value))
	if err != nil {
		return c
	}
	language, _ := jsonx.Unquote(jsonx.Lookup(value, "language").Of(value)) // none: it is not said
	return append(c, chat.Part{Type: chat.TextPart, Text: "```" + strings.ToLower(language) + "\n" + strings.TrimSuffix(code, "\n") + "\n```\n"})
}

func (p *part) media(m *media, uri string) chat.Part {
	kind, format, _ := strings.Cut(m.mediaType, "/")
	switch {
	case kind == "image":
		i := &chat.Image{URL: uri, Detail: p.detail}
		if p.file != nil {
			i.Format = m.mediaType
		}
		return chat.Part{Type: chat.ImagePart, Image: i}
	case kind == "audio" && p.inline != nil:
		format, _, _ = strings.Cut(strings.TrimPrefix(format, "x-"), ";")
		if format == "mpeg" {
			format = "mp3"
		}
		return chat.Part{Type: chat.AudioPart, Audio: &chat.Audio{Data: m.data, Format: format}}
	case kind == "video" && p.video == nil:
		v := &chat.Video{URL: uri}
		if p.file != nil {
			v.Format = m.mediaType
		}
		return chat.Part{Type: chat.VideoPart, Video: v}
	}
	f := &chat.File{Name: m.name, Format: m.mediaType, Detail: p.detail, VideoMetadata: p.video}
	if p.file != nil {
		f.ID = uri
	} else {
		f.Data = uri
	}
	return chat.Part{Type: chat.FilePart, File: f}
}

// calls are the functions that were called so far and have no result yet.
type calls struct {
	made int
	open []openCall
}

type openCall struct{ id, name string }

// read reads a functionCall. Those without an id get one.
func (c *calls) read(value []byte, signature string) (chat.ToolCall, error) {
	t := chat.ToolCall{Type: chat.FunctionTool, Function: chat.Function{Arguments: "{}"}}
	err := members(value, "contents.parts.functionCall", func(name string, value []byte) error {
		switch name {
		case "id":
			return text(value, &t.ID, "contents.parts.functionCall.id")
		case "name":
			return text(value, &t.Function.Name, "contents.parts.functionCall.name")
		case "args":
			t.Function.Arguments = compact(value)
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	c.made++
	if t.ID == "" {
		t.ID = "call_" + strconv.Itoa(c.made)
	}
	if signature != "" {
		t.ProviderFields = append(jsonx.AppendQuote([]byte(`{"thought_signature":`), signature), '}')
	}
	c.open = append(c.open, openCall{t.ID, t.Function.Name})
	return t, nil
}

// answered returns the id of the call that a result is of.
func (c *calls) answered(id, name string) (string, bool) {
	for i, o := range c.open {
		if id != "" && o.id == id || id == "" && o.name == name {
			c.open = append(c.open[:i:i], c.open[i+1:]...)
			return o.id, true
		}
	}
	return id, id != ""
}

// result reads a functionResponse.
func (d *decoder) result(value []byte) (chat.Message, error) {
	m := chat.Message{Role: chat.ToolRole}
	var id string
	var parts []part
	err := members(value, "contents.parts.functionResponse", func(name string, value []byte) error {
		switch name {
		case "id":
			return text(value, &id, "contents.parts.functionResponse.id")
		case "name":
			return text(value, &m.Name, "contents.parts.functionResponse.name")
		case "response":
			var said string
			said, m.IsError = response(value)
			m.Content = chat.Text(said)
		case "parts":
			return readParts(value, &parts)
		}
		return nil
	})
	if err != nil {
		return m, err
	}
	var ok bool
	if m.ToolCallID, ok = d.calls.answered(id, m.Name); !ok {
		return m, apierr.BadRequest("Invalid value for 'contents': the functionResponse of %q follows no functionCall of it", m.Name)
	}
	for i := range parts {
		m.Content = parts[i].appendTo(m.Content)
	}
	return m, nil
}

// response returns the text of a result: Google's SDKs wrap what a function
// returns, and what it failed with.
func response(value []byte) (said string, failed bool) {
	var s jsonx.Scanner
	n := 0
	for s.Reset(value); s.Next(); n++ {
		switch string(s.Key()) {
		case "error":
			failed = true
		case "output", "result", "content":
		default:
			return compact(value), false
		}
		if inner, err := jsonx.Unquote(s.Value().Of(value)); err == nil {
			said = inner
		} else {
			said = compact(s.Value().Of(value))
		}
	}
	if n != 1 || s.Err() != nil {
		return compact(value), false
	}
	return said, failed
}

// compact takes out the space that a client indents its bodies with.
func compact(value []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, value) != nil { // a part of a document that was read: it can not fail
		return string(value)
	}
	return b.String()
}

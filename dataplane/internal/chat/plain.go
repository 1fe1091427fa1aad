package chat

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// Plain returns the request in the shape that OpenAI's wire can say: its tools
// answer in text, so pictures and files that they return are what the user
// says next; texts that are files are texts, and other files have a name;
// nobody marks a result as failed, and tools and their calls carry nothing
// that only Anthropic's wire knows. What is not touched is shared with r.
func (r *Request) Plain() *Request {
	tools := slices.ContainsFunc(r.Tools, func(t Tool) bool { return t.foreign() })
	messages := slices.ContainsFunc(r.Messages, func(m Message) bool { return m.fancy() })
	if !tools && !messages {
		return r
	}
	out := *r
	if tools {
		out.Tools = slices.Clone(r.Tools)
		for i := range out.Tools {
			t := &out.Tools[i]
			*t = Tool{Type: t.Type, Function: t.Function, Raw: t.Raw}
		}
	}
	if messages {
		out.Messages = plainMessages(r.Messages)
	}
	return &out
}

func (t *Tool) foreign() bool {
	return t.CacheControl != nil || t.DeferLoading != nil || t.EagerInputStreaming != nil || t.AllowedCallers != nil || t.InputExamples != nil
}

func plainMessages(all []Message) []Message {
	plain := make([]Message, 0, len(all)+1)
	var shown Content // by the tools whose results end here
	for i := range all {
		m := all[i]
		if m.Role != ToolRole && len(shown) > 0 {
			if m.Role == User {
				m.Content = slices.Concat(shown, m.Content)
			} else {
				plain = append(plain, Message{Role: User, Content: shown})
			}
			shown = nil
		}
		if m.fancy() {
			m.IsError = false
			m.Content = plainFiles(m.Content)
			m.ToolCalls = slices.Clone(m.ToolCalls)
			for j := range m.ToolCalls {
				m.ToolCalls[j].CacheControl = nil
			}
			if m.Role == ToolRole {
				m.Content, shown = textsOnly(m.Content, shown)
			}
		}
		plain = append(plain, m)
	}
	if len(shown) > 0 {
		plain = append(plain, Message{Role: User, Content: shown})
	}
	return plain
}

// fancy reports whether a message has what OpenAI's wire does not.
func (m *Message) fancy() bool {
	return m.IsError || slices.ContainsFunc(m.ToolCalls, func(t ToolCall) bool { return t.CacheControl != nil }) || slices.ContainsFunc(m.Content, func(p Part) bool {
		return m.Role == ToolRole && p.Type != TextPart || p.File != nil && p.File.Data != "" && (p.File.Name == "" || isText(p.File.Data))
	})
}

const plainTextURI = "data:text/"

func isText(uri string) bool { return strings.HasPrefix(uri, plainTextURI) }

// plainFiles makes texts of the files that are, and names the others.
func plainFiles(c Content) Content {
	c = slices.Clone(c)
	for i := range c {
		f := c[i].File
		if f == nil || f.Data == "" {
			continue
		}
		if !isText(f.Data) {
			if named := *f; named.Name == "" {
				named.Name = "document.pdf"
				c[i].File = &named
			}
			continue
		}
		data, ok := textIn(f.Data)
		if !ok {
			continue
		}
		if f.Name != "" {
			data = f.Name + "\n\n" + data
		}
		c[i] = Part{Type: TextPart, Text: data, CacheControl: c[i].CacheControl}
	}
	return c
}

// textIn returns the text that a data URI holds.
func textIn(uri string) (text string, ok bool) {
	head, data, _ := strings.Cut(uri, ",")
	if strings.HasSuffix(head, ";base64") {
		decoded, err := base64.StdEncoding.DecodeString(data)
		return string(decoded), err == nil
	}
	text, err := url.PathUnescape(data)
	return text, err == nil
}

// textsOnly splits what a tool returns into its texts and what it shows.
func textsOnly(c, shown Content) (texts, all Content) {
	for i := range c {
		if c[i].Type == TextPart {
			texts = append(texts, c[i])
		} else {
			shown = append(shown, c[i])
		}
	}
	if len(texts) == 0 {
		texts = Text("(shown below)")
	}
	return texts, shown
}

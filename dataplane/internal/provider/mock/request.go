package mock

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// request is a call, as far as it matters here, with the options that hold
// for it.
type request struct {
	options

	call *provider.Call
	// Values of the body; nil where it has none.
	messages, prompt, input    []byte
	tools, toolChoice          []byte
	dimensions, encodingFormat []byte
	includeUsage               bool
}

// read goes over the members once.
func (r *request) read() *optionError {
	for i := range r.call.Members {
		m := &r.call.Members[i]
		value := m.Value.Of(r.call.Body)
		switch string(m.Name) {
		case "messages":
			r.messages = value
		case "prompt":
			r.prompt = value
		case "input":
			r.input = value
		case "tools":
			r.tools = value
		case "tool_choice":
			r.toolChoice = value
		case "dimensions":
			r.dimensions = value
		case "encoding_format":
			r.encodingFormat = value
		case "stream_options":
			r.includeUsage = string(jsonx.Lookup(value, "include_usage").Of(value)) == "true"
		default:
			if err := r.set(m.Name, value); err != nil {
				return err
			}
		}
	}
	r.includeUsage = r.includeUsage || r.call.AddUsage
	return nil
}

// asked is what a request says.
type asked struct {
	text   string // of the last user message, or the prompt
	tokens int
}

// readMessages measures all messages and decodes the last one of the user if
// its text is wanted.
func readMessages(messages []byte, wantText bool) asked {
	var (
		a    asked
		last []byte
		size int
	)
	for w := walk(messages); w.next(); {
		role, content := roleAndContent(w.value)
		if wantText && string(role) == `"user"` {
			content, last = last, content
		}
		size += contentLen(content)
	}
	a.text = contentText(last)
	a.tokens = tokens(size + len(a.text))
	return a
}

func roleAndContent(message []byte) (role, content []byte) {
	var s jsonx.Scanner
	s.Reset(message)
	for s.Next() {
		switch string(s.Key()) {
		case "role":
			role = s.Value().Of(message)
		case "content":
			content = s.Value().Of(message)
		}
	}
	return role, content
}

// readPrompt understands the four forms of a prompt: text, texts, and each as
// token numbers, which can be counted but not echoed.
func readPrompt(prompt []byte) asked {
	if n := countNumbers(prompt); n > 0 {
		return asked{tokens: n}
	}
	if len(prompt) > 0 && prompt[0] == '[' {
		return readPrompts(prompt)
	}
	return asked{text: unquote(prompt), tokens: tokens(stringLen(prompt))}
}

func readPrompts(prompts []byte) asked {
	var (
		a     asked
		parts []byte
	)
	for w := walk(prompts); w.next(); {
		if n := countNumbers(w.value); n > 0 {
			a.tokens += n
			continue
		}
		if len(parts) > 0 {
			parts = append(parts, '\n')
		}
		parts = append(parts, unquote(w.value)...)
	}
	if a.text = string(parts); a.text != "" || a.tokens == 0 {
		a.tokens += tokens(len(parts))
	}
	return a
}

// countNumbers returns how many token numbers a list holds; it is 0 for
// anything else.
func countNumbers(value []byte) int {
	n := 0
	for w := walk(value); w.next(); {
		if c := w.value[0]; c != '-' && (c < '0' || c > '9') {
			return 0
		}
		n++
	}
	return n
}

// contentText returns the text of a message: a string, or the text parts of a
// list, joined.
func contentText(content []byte) string {
	if len(content) == 0 || content[0] != '[' {
		return unquote(content)
	}
	var parts []byte
	for w := walk(content); w.next(); {
		parts = append(parts, unquote(jsonx.Lookup(w.value, "text").Of(w.value))...)
	}
	return string(parts)
}

func contentLen(content []byte) int {
	if len(content) == 0 || content[0] != '[' {
		return stringLen(content)
	}
	n := 0
	for w := walk(content); w.next(); {
		n += stringLen(jsonx.Lookup(w.value, "text").Of(w.value))
	}
	return n
}

// tokens estimates like the rest of the world: four bytes each, at least one.
func tokens(size int) int { return max(1, (size+3)/4) }

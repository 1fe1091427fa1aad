package anthropic

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// call is a tool call whose arguments come in pieces.
type call struct {
	index     int // among the vendor's calls
	id        string
	at        int // index of its block
	closed    bool
	arguments nesting
}

// call opens a tool call or adds to one.
func (e *encoder) call(b []byte, d *chat.ToolCallDelta) []byte {
	c := e.known(d)
	if c == nil {
		if d.Name == "" {
			return b // arguments of nothing
		}
		b = appendCall(e.start(e.closeAll(b)), d.ID, d.Name, "{}")
		b = append(b, endEvent...)
		e.calls = append(e.calls, call{index: d.Index, id: d.ID, at: e.next - 1})
		c = &e.calls[len(e.calls)-1]
	}
	if d.Arguments == "" || c.closed {
		return b
	}
	c.arguments.read(d.Arguments)
	b = grow(b, c.at, `{"type":"input_json_delta","partial_json":`)
	return append(jsonx.AppendQuote(b, d.Arguments), endBlock...)
}

// known returns the call that a piece belongs to. Some vendors repeat its id
// and name in each piece, and some number all calls alike.
func (e *encoder) known(d *chat.ToolCallDelta) *call {
	for i := len(e.calls) - 1; i >= 0; i-- {
		c := &e.calls[i]
		if c.index != d.Index {
			continue
		}
		if d.Name != "" && d.ID != "" && d.ID != c.id {
			return nil
		}
		return c
	}
	return nil
}

// nesting follows JSON that comes in pieces, to know where it ends.
type nesting struct {
	depth           int
	begun           bool
	inText, escaped bool
}

// complete reports whether the outermost object has been closed.
func (n *nesting) complete() bool { return n.begun && n.depth == 0 }

func (n *nesting) read(s string) {
	for i := range len(s) {
		switch c := s[i]; {
		case n.escaped:
			n.escaped = false
		case n.inText:
			n.escaped = c == '\\'
			n.inText = c != '"'
		case c == '"':
			n.inText = true
		case c == '{' || c == '[':
			n.depth++
			n.begun = true
		case c == '}' || c == ']':
			n.depth--
		}
	}
}

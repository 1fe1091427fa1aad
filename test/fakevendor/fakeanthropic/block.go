package fakeanthropic

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// block is a part of a message's content.
type block struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	Thinking  string          `json:"thinking"`
	Signature string          `json:"signature"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
	ToolUseID string          `json:"tool_use_id"`
	Content   json.RawMessage `json:"content"`
	Source    source          `json:"source"`
	Citations json.RawMessage `json:"citations"`
}

// cites: it has citations, which only answers may have in the newer version.
func (b *block) cites() bool {
	var list []json.RawMessage
	return json.Unmarshal(b.Citations, &list) == nil && len(list) > 0
}

type source struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type"`
	Data      string `json:"data"`
	URL       string `json:"url"`
	FileID    string `json:"file_id"`
}

// blockMembers are the members that a kind of block may have; nil stands for
// the kinds that are not looked into.
func blockMembers(kind string) ([]string, bool) {
	members, ok := map[string]string{
		"text": "type text cache_control citations", "image": "type source cache_control", "tool_use": "type id name input cache_control caller",
		"document": "type source title context citations cache_control", "thinking": "type thinking signature",
		"tool_result": "type tool_use_id content is_error cache_control", "redacted_thinking": "type data",
		"search_result": "", "server_tool_use": "", "web_search_tool_result": "", "web_fetch_tool_result": "", "container_upload": "",
		"code_execution_tool_result": "", "mcp_tool_use": "", "mcp_tool_result": "", "tool_reference": "", "compaction": "",
	}[kind]
	return strings.Fields(members), ok
}

// blocks reads a content, which may be a text.
func blocks(content json.RawMessage, where string) ([]block, *fakevendor.Failure) {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return []block{{Type: "text", Text: text}}, nil
	}
	var raws []json.RawMessage
	if json.Unmarshal(content, &raws) != nil {
		return nil, fakevendor.Refuse(where + ": Input should be a valid list")
	}
	all := make([]block, len(raws))
	for i, raw := range raws {
		at := fmt.Sprintf("%s.%d", where, i)
		if json.Unmarshal(raw, &all[i]) != nil {
			return nil, fakevendor.Refuse(at + ": Input should be a valid dictionary or object to extract fields from")
		}
		members, ok := blockMembers(all[i].Type)
		if !ok {
			return nil, fakevendor.Refuse(at + ": Input tag '" + all[i].Type + "' found using 'type' does not match any of the expected tags")
		}
		if len(members) == 0 {
			continue
		}
		if f := unknown(raw, at+"."+all[i].Type+".", members); f != nil {
			return nil, f
		}
	}
	return all, nil
}

// turn reads the blocks of a message.
func turn(m message, at int, newer bool) (fakevendor.Turn, *fakevendor.Failure) {
	t := fakevendor.Turn{Role: m.Role}
	all, f := blocks(m.Content, fmt.Sprintf("messages.%d.content", at))
	if f != nil {
		return t, f
	}
	for i, b := range all {
		where := fmt.Sprintf("messages.%d.content.%d", at, i)
		switch {
		case newer && t.Role == "assistant" && b.Type == "document":
			return t, fakevendor.Refuse(where + ": `document` blocks are not permitted in `assistant` messages")
		case newer && t.Role == "user" && b.Type == "text" && b.cites():
			return t, fakevendor.Refuse(where + ".text.citations: citations are not permitted in `user` messages")
		}
		if f := addBlock(&t, b, where); f != nil {
			return t, f
		}
	}
	return t, nil
}

func addBlock(t *fakevendor.Turn, b block, where string) *fakevendor.Failure {
	if role, ok := map[string]string{"tool_use": "assistant", "thinking": "assistant", "tool_result": "user", "image": "user"}[b.Type]; ok && role != t.Role {
		return fakevendor.Refuse(fmt.Sprintf("%s: `%s` blocks can only be in `%s` messages", where, b.Type, role))
	}
	switch b.Type {
	case "text":
		if b.Text == "" {
			return fakevendor.Refuse("messages: text content blocks must be non-empty")
		}
		t.Text = strings.TrimPrefix(t.Text+"\n"+b.Text, "\n")
	case "thinking":
		if b.Signature != fakevendor.Signature {
			return fakevendor.Refuse(where + ": Invalid `signature` in `thinking` block")
		}
		t.Thoughts += b.Thinking
		t.Signed = true
	case "tool_use":
		return addToolUse(t, b, where)
	case "tool_result":
		result, f := toolResult(b, where)
		if f != nil {
			return f
		}
		t.Results = append(t.Results, result.Results...)
		t.Files = append(t.Files, result.Files...)
	case "image", "document":
		file, f := b.Source.file(b.Type, where)
		if f != nil {
			return f
		}
		t.Files = append(t.Files, file)
	}
	return nil
}

func addToolUse(t *fakevendor.Turn, b block, where string) *fakevendor.Failure {
	var input map[string]json.RawMessage
	switch {
	case b.ID == "" || !toolName.MatchString(b.ID):
		return fakevendor.Refuse(where + ".tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
	case json.Unmarshal(b.Input, &input) != nil || input == nil:
		return fakevendor.Refuse(where + ".tool_use.input: Input should be a valid dictionary")
	case b.Name == "":
		return fakevendor.Refuse(where + ".tool_use.name: String should have at least 1 character")
	}
	t.Calls = append(t.Calls, fakevendor.ToolCall{ID: b.ID, Name: b.Name, Arguments: string(b.Input)})
	return nil
}

// toolResult reads a result; its pictures are the turn's.
func toolResult(b block, where string) (fakevendor.Turn, *fakevendor.Failure) {
	inner := fakevendor.Turn{Role: "user"}
	if len(b.Content) > 0 && string(b.Content) != `""` {
		all, f := blocks(b.Content, where+".tool_result.content")
		if f != nil {
			return inner, f
		}
		for i, b := range all {
			if !slices.Contains([]string{"text", "image", "document", "search_result", "tool_reference"}, b.Type) {
				return inner, fakevendor.Refuse(fmt.Sprintf("%s.tool_result.content.%d: Input tag '%s' found using 'type' does not match any of the expected tags", where, i, b.Type))
			}
			if f := addBlock(&inner, b, fmt.Sprintf("%s.tool_result.content.%d", where, i)); f != nil {
				return inner, f
			}
		}
	}
	inner.Results = []fakevendor.ToolResult{{ID: b.ToolUseID, Text: inner.Text}}
	return inner, nil
}

func (s source) file(kind, where string) (fakevendor.File, *fakevendor.Failure) {
	types := []string{"application/pdf"}
	if kind == "image" {
		types = []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
	}
	switch {
	case s.Type == "url" && s.URL != "":
		return fakevendor.File{URL: s.URL}, nil
	case s.Type == "file" && s.FileID != "":
		return fakevendor.File{URL: s.FileID}, nil
	case s.Type == "text" && kind == "document" && s.MediaType == "text/plain":
		return fakevendor.File{Type: s.MediaType, Size: len(s.Data)}, nil
	case s.Type == "content" && kind == "document":
		return fakevendor.File{Type: "content"}, nil
	case s.Type != "base64":
		return fakevendor.File{}, fakevendor.Refuse(where + "." + kind + ".source: Input tag '" + s.Type + "' found using 'type' does not match any of the expected tags: 'base64', 'url'")
	case !slices.Contains(types, s.MediaType):
		return fakevendor.File{}, fakevendor.Refuse(where + "." + kind + ".source.base64.media_type: Input should be '" + strings.Join(types, "', '") + "'")
	}
	f, err := fakevendor.Inline(s.MediaType, s.Data)
	if err != nil {
		return f, fakevendor.Refuse(where + "." + kind + ".source.base64: invalid base64 data")
	}
	return f, nil
}

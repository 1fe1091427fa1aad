package compat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// messages edits the conversation for vendors that do not take all that
// OpenAI does. It looks for what it is about before it takes anything apart.
type messages struct {
	q     *catalog.RequestQuirks
	signs signs
}

func newMessages(q *catalog.RequestQuirks) *messages {
	m := &messages{q: q}
	m.signs.add(q.CutMessage...)
	if len(q.FlattenText) > 0 {
		m.signs.add("text")
	}
	if q.NameForTools {
		m.signs.add("name")
	}
	for _, r := range q.Roles {
		m.signs.add(r.From)
	}
	if q.ToolIDLength > 0 {
		m.signs.add("tool_calls", "tool_call_id")
	}
	if q.ImageSuffix != "" {
		m.signs.add("image_url")
	}
	if q.VideoFiles {
		m.signs.add("file")
	}
	return m
}

// needed reports whether there is anything to look for.
func (f *messages) needed() bool { return !f.signs.empty() || f.q.ToolChoiceNudge != "" }

func (f *messages) fix(m *member) ([]byte, error) {
	nudge := f.q.ToolChoiceNudge != "" && string(m.call.Lookup("tool_choice")) == `"required"`
	if !nudge && !f.signs.in(m.value) {
		return nil, nil
	}
	edited := splice.List(m.value, f.message)
	if !nudge {
		return edited, nil
	}
	elements, ok := splice.Elements(edited)
	if !ok {
		return nil, nil
	}
	last := slices.Concat([]byte(`{"role":"user","content":`), jsonx.Quote(f.q.ToolChoiceNudge), []byte("}"))
	return splice.Join(append(elements, last)), nil
}

func (f *messages) message(message []byte) []byte {
	role := splice.Text(jsonx.Lookup(message, "role").Of(message))
	return splice.Object(message, func(name string, value []byte) splice.Edit {
		switch {
		case slices.Contains(f.q.CutMessage, name), name == "name" && f.q.NameForTools && role != chat.ToolRole:
			return splice.Edit{Cut: true}
		case name == "role":
			for _, r := range f.q.Roles {
				if r.From == role {
					return splice.Edit{Value: jsonx.Quote(r.To)}
				}
			}
		case name == "content":
			return splice.Edit{Value: f.content(value, role)}
		case name == "tool_call_id" && f.q.ToolIDLength > 0:
			return splice.Edit{Value: shortID(value, f.q.ToolIDLength)}
		case name == "tool_calls" && f.q.ToolIDLength > 0:
			return splice.Edit{Value: splice.List(value, f.toolCall)}
		}
		return splice.Edit{}
	})
}

func (f *messages) toolCall(call []byte) []byte {
	return splice.Member(call, "id", func(id []byte) splice.Edit { return splice.Edit{Value: shortID(id, f.q.ToolIDLength)} })
}

// shortID makes an id of so many letters and digits of one that is not: the
// same one of the same.
func shortID(id []byte, length int) []byte {
	text := splice.Text(id)
	fits := len(text) == length && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if fits || text == "" {
		return id
	}
	sum := sha256.Sum256([]byte(text))
	return jsonx.Quote(hex.EncodeToString(sum[:])[:min(length, 2*len(sum))])
}

// content edits the parts of a message, or makes one text of them.
func (f *messages) content(value []byte, role string) []byte {
	if slices.Contains(f.q.FlattenText, role) || slices.Contains(f.q.FlattenText, catalog.AnyRole) {
		if text, ok := flattened(value, f.q.TextSeparator); ok {
			return text
		}
	}
	return splice.List(value, f.part)
}

// flattened makes one text of a list of texts.
func flattened(list []byte, separator string) (text []byte, ok bool) {
	var parts []chat.Part
	if len(list) == 0 || list[0] != '[' || json.Unmarshal(list, &parts) != nil {
		return nil, false
	}
	texts := make([]string, len(parts))
	for i := range parts {
		if parts[i].Type != chat.TextPart {
			return nil, false
		}
		texts[i] = parts[i].Text
	}
	return jsonx.Quote(strings.Join(texts, separator)), true
}

func (f *messages) part(part []byte) []byte {
	if f.q.VideoFiles {
		if video := asVideo(part); video != nil {
			return video
		}
	}
	return splice.Object(part, func(name string, value []byte) splice.Edit {
		switch {
		case slices.Contains(f.q.CutMessage, name):
			return splice.Edit{Cut: true}
		case name == "image_url" && f.q.ImageSuffix != "":
			return splice.Edit{Value: withSuffix(value, f.q.ImageSuffix)}
		}
		return splice.Edit{}
	})
}

// withSuffix puts a suffix behind the URL of a picture that has none.
func withSuffix(image []byte, suffix string) []byte {
	if len(image) > 0 && image[0] == '{' {
		return splice.Member(image, "url", func(url []byte) splice.Edit { return splice.Edit{Value: withSuffix(url, suffix)} })
	}
	url := splice.Text(image)
	if url == "" || strings.Contains(url, "#") {
		return image
	}
	return jsonx.Quote(url + suffix)
}

// asVideo returns a file part that is a film as a video part, or nil.
func asVideo(part []byte) []byte {
	var p chat.Part
	if json.Unmarshal(part, &p) != nil || p.Type != chat.FilePart || p.File == nil {
		return nil
	}
	url := p.File.Data
	if url == "" {
		url = p.File.ID
	}
	kind := p.File.Format
	if kind == "" {
		kind, _, _ = strings.Cut(strings.TrimPrefix(url, "data:"), ";")
	}
	if !strings.HasPrefix(kind, "video/") && !strings.HasPrefix(mime.TypeByExtension(path.Ext(url)), "video/") {
		return nil
	}
	return slices.Concat([]byte(`{"type":"video_url","video_url":{"url":`), jsonx.Quote(url), []byte("}}"))
}

// signs are names that show that a value may have to be edited. They are
// looked for in the bytes: a name inside a text has its quotes escaped, and
// one that is found where it means nothing costs time and nothing else.
type signs struct {
	plain [][]byte
	under []underscored
}

// underscored is a name with an underscore, which texts have seldom: all such
// names are found in one pass over the underscores.
type underscored struct {
	text []byte
	at   int // of the underscore
}

func (s *signs) add(names ...string) {
	for _, name := range names {
		text := []byte(`"` + name + `"`)
		if at := bytes.IndexByte(text, '_'); at >= 0 {
			s.under = append(s.under, underscored{text, at})
		} else {
			s.plain = append(s.plain, text)
		}
	}
}

func (s *signs) empty() bool { return len(s.plain)+len(s.under) == 0 }

func (s *signs) in(value []byte) bool {
	for _, text := range s.plain {
		if bytes.Contains(value, text) {
			return true
		}
	}
	if len(s.under) == 0 {
		return false
	}
	for i := 0; ; i++ {
		n := bytes.IndexByte(value[i:], '_')
		if n < 0 {
			return false
		}
		i += n
		for j := range s.under {
			u := &s.under[j]
			if i >= u.at && bytes.HasPrefix(value[i-u.at:], u.text) {
				return true
			}
		}
	}
}

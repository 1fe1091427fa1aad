// Package form reads and edits multipart/form-data bodies in place: the text
// fields are found and replaced, and the files in between are never decoded or
// copied.
//
// Format: RFC 7578, https://www.rfc-editor.org/rfc/rfc7578. It is pure
// functions over one body and keeps nothing.
package form

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	maxParts = 1000
	// maxHead bounds the header of a part.
	maxHead = 16 << 10
	// maxField bounds a text field that is read.
	maxField = 1 << 20
)

// ErrForm is wrapped by every error.
var ErrForm = errors.New("invalid multipart form")

// Part is a field or a file of a form.
type Part struct {
	Name string
	// Filename is empty for text fields.
	Filename string
	// All is the part from its boundary to the next one, Value what it holds.
	All, Value jsonx.Span
}

// Form is a body taken apart. The body must not change while it is used.
type Form struct {
	Parts []Part

	body []byte
	open string // "--" and the boundary
}

// Parse takes a body apart. It refuses what two readers might understand
// differently: parts without a name, and text behind the last part.
func Parse(contentType string, body []byte) (*Form, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" {
		return nil, fmt.Errorf("%w: the content type is not multipart/form-data", ErrForm)
	}
	boundary := params["boundary"]
	if boundary == "" || len(boundary) > 70 {
		return nil, fmt.Errorf("%w: no boundary", ErrForm)
	}
	f := &Form{body: body, open: "--" + boundary}
	return f, f.cut()
}

// cut finds the parts.
func (f *Form) cut() error {
	if !bytes.HasPrefix(f.body, []byte(f.open)) {
		return fmt.Errorf("%w: the body does not begin with the boundary", ErrForm)
	}
	delimiter := []byte("\r\n" + f.open)
	start := 0
	for {
		head, last, err := f.afterBoundary(start + len(f.open))
		if err != nil {
			return err
		}
		if last {
			return nil
		}
		if len(f.Parts) == maxParts {
			return fmt.Errorf("%w: more than %d parts", ErrForm, maxParts)
		}
		// The break in front of the boundary may be that of the empty head.
		n := bytes.Index(f.body[head-2:], delimiter)
		if n < 0 {
			return fmt.Errorf("%w: the last part does not end", ErrForm)
		}
		end := head - 2 + n
		p, err := f.part(head, end)
		if err != nil {
			return err
		}
		p.All = jsonx.Span{Start: start, End: end + 2}
		f.Parts = append(f.Parts, p)
		start = end + 2
	}
}

// afterBoundary looks at what follows a boundary: a line break, or the two
// dashes of the last one.
func (f *Form) afterBoundary(at int) (next int, last bool, err error) {
	rest := f.body[at:]
	if bytes.HasPrefix(rest, []byte("--")) {
		if len(bytes.TrimSpace(rest[2:])) > 0 {
			return 0, false, fmt.Errorf("%w: data behind the last part", ErrForm)
		}
		return 0, true, nil
	}
	trimmed := bytes.TrimLeft(rest, " \t")
	if !bytes.HasPrefix(trimmed, []byte("\r\n")) {
		return 0, false, fmt.Errorf("%w: a boundary that does not end its line", ErrForm)
	}
	return at + len(rest) - len(trimmed) + 2, false, nil
}

// part reads the head of a part that stands between start and end.
func (f *Form) part(start, end int) (Part, error) {
	var p Part
	region := f.body[start:max(start, end)]
	n := bytes.Index(region[:min(len(region), maxHead)], []byte("\r\n\r\n"))
	if n < 0 {
		return p, fmt.Errorf("%w: a part without a header", ErrForm)
	}
	p.Value = jsonx.Span{Start: start + n + 4, End: end}
	found := false
	for line := range strings.SplitSeq(string(region[:n]), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return p, fmt.Errorf("%w: a header line without a colon", ErrForm)
		}
		if !strings.EqualFold(strings.TrimSpace(name), "Content-Disposition") {
			continue
		}
		kind, params, err := mime.ParseMediaType(value)
		if err != nil || found || kind != "form-data" || params["name"] == "" {
			return p, fmt.Errorf("%w: a part without a name", ErrForm)
		}
		found, p.Name, p.Filename = true, params["name"], params["filename"]
	}
	if !found {
		return p, fmt.Errorf("%w: a part without a name", ErrForm)
	}
	return p, nil
}

// Text returns what the first field of the name holds. It is not ok when there
// is none, or a file.
func (f *Form) Text(name string) (text string, ok bool) {
	for i := range f.Parts {
		if p := &f.Parts[i]; p.Name == name {
			if p.Filename != "" || p.Value.End-p.Value.Start > maxField {
				return "", false
			}
			return string(p.Value.Of(f.body)), true
		}
	}
	return "", false
}

// Count returns how often a name stands in the form.
func (f *Form) Count(name string) int {
	n := 0
	for i := range f.Parts {
		if f.Parts[i].Name == name {
			n++
		}
	}
	return n
}

// Edit is what happens to a part. The zero value leaves it.
type Edit struct {
	// Text replaces what the part holds.
	Text []byte
	Cut  bool
}

// Rewrite appends to dst the segments of the form under edits. Unchanged parts
// alias the body.
func (f *Form) Rewrite(dst [][]byte, edit func(p *Part) Edit) [][]byte {
	from := 0
	for i := range f.Parts {
		p := &f.Parts[i]
		switch e := edit(p); {
		case e.Cut:
			dst = appendSome(dst, f.body[from:p.All.Start])
			from = p.All.End
		case e.Text != nil:
			dst = append(appendSome(dst, f.body[from:p.Value.Start]), e.Text)
			from = p.Value.End
		}
	}
	return appendSome(dst, f.body[from:])
}

// Add appends to dst the segments of the form with one more text field.
func (f *Form) Add(dst [][]byte, name string, text []byte) [][]byte {
	return append(dst, f.Field(name, text), f.body)
}

// Field writes a text field of the form, to stand in front of its body.
func (f *Form) Field(name string, text []byte) []byte {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "%0D", "\n", "%0A").Replace(name)
	b := append([]byte(f.open), "\r\nContent-Disposition: form-data; name=\""+quoted+"\"\r\n\r\n"...)
	return append(append(b, text...), "\r\n"...)
}

func appendSome(dst [][]byte, b []byte) [][]byte {
	if len(b) == 0 {
		return dst
	}
	return append(dst, b)
}

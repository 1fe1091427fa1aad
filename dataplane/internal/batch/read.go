package batch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Bounds are how large a batch may be.
type Bounds struct {
	Requests int64
	// Bytes is of all, Line of one request.
	Bytes, Line int64
}

// FileBounds are those of OpenAI's files. It does not document one for a line;
// what is held in memory is bounded by it.
func FileBounds() Bounds { return Bounds{Requests: 50_000, Bytes: 200 << 20, Line: 8 << 20} }

// InlineBounds are those of Anthropic's batches. The body has been read already.
func InlineBounds() Bounds { return Bounds{Requests: 100_000} }

const (
	firstBuffer = 64 << 10
	maxModel    = 256
)

// Error is a batch that can not be accepted as it is.
type Error struct {
	// Line is the number of the request, from 1, or 0 for the batch as a whole.
	Line int64
	What string
	// TooLarge says that the batch is beyond its bounds.
	TooLarge bool
	cause    error
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.What
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.What)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// File counts the requests of a file, one a line. An error that is not an *Error
// is the reader's.
func (b Bounds) File(r io.Reader, weigh Weigh) (*Tally, error) {
	whole := &io.LimitedReader{R: r, N: b.Bytes + 1}
	lines := bufio.NewScanner(whole)
	lines.Buffer(make([]byte, 0, min(firstBuffer, b.Line)), int(b.Line))
	var (
		tally  Tally
		reader understanding
	)
	for n := int64(1); lines.Scan(); n++ {
		line := lines.Bytes()
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if whole.N <= 0 { // this line may be cut
			break
		}
		if err := b.request(&tally, &reader, n, line, "body", weigh); err != nil {
			return nil, err
		}
	}
	switch err := lines.Err(); {
	case whole.N <= 0:
		return nil, tooLarge(fmt.Sprintf("it has more than %d MB", b.Bytes>>20))
	case errors.Is(err, bufio.ErrTooLong):
		return nil, tooLarge(fmt.Sprintf("a line has more than %d MB", b.Line>>20))
	case err != nil:
		return nil, fmt.Errorf("read a batch: %w", err)
	}
	return &tally, nil
}

// Inline counts the requests of a list.
func (b Bounds) Inline(list []byte, weigh Weigh) (*Tally, error) {
	if len(list) == 0 || list[0] != '[' {
		return nil, &Error{What: "requests: want a list"}
	}
	var (
		tally  Tally
		reader understanding
	)
	all := json.NewDecoder(bytes.NewReader(list))
	if _, err := all.Token(); err != nil {
		return nil, &Error{What: "requests: want a list", cause: err}
	}
	for n := int64(1); all.More(); n++ {
		var one json.RawMessage
		if err := all.Decode(&one); err != nil {
			return nil, &Error{Line: n, What: notObject, cause: err}
		}
		if err := b.request(&tally, &reader, n, one, "params", weigh); err != nil {
			return nil, err
		}
	}
	return &tally, nil
}

func (b Bounds) request(t *Tally, u *understanding, n int64, line []byte, body string, weigh Weigh) error {
	if t.Requests == b.Requests {
		return tooLarge(fmt.Sprintf("it has more than %d requests", b.Requests))
	}
	err := u.read(line, body)
	if err == nil {
		err = t.add(&u.request, weigh)
	}
	if bad, ok := errors.AsType[*Error](err); ok && bad.Line == 0 {
		bad.Line = n
	}
	return err
}

func tooLarge(what string) error { return &Error{What: what, TooLarge: true} }

const notObject = "want one JSON object"

// understanding reads requests, one after another in the same memory.
type understanding struct {
	members []jsonx.Member
	request Request
}

// read takes a request from a line, in whose member body it stands.
func (u *understanding) read(line []byte, body string) error {
	r := &u.request
	*r = Request{Members: r.Members[:0]}
	var err error
	if u.members, err = jsonx.Members(u.members[:0], line); err != nil {
		return &Error{What: notObject, cause: err}
	}
	held, err := only(line, u.members, body)
	if err != nil {
		return err
	}
	where, err := only(line, u.members, "url")
	if err != nil {
		return err
	}
	if r.URL, err = text(where, "url"); err != nil {
		return err
	}
	if held == nil {
		return &Error{What: "it has no " + body}
	}
	if r.Members, err = jsonx.Members(r.Members, held); err != nil {
		return &Error{What: body + ": " + notObject, cause: err}
	}
	r.Body = held
	model, err := only(held, r.Members, "model")
	if err != nil {
		return err
	}
	r.Model, err = text(model, "model")
	return err
}

// only returns the value of a member, or nil, and fails where it stands twice.
func only(object []byte, members []jsonx.Member, name string) (value []byte, err error) {
	for i := range members {
		if m := &members[i]; string(m.Name) == name {
			if value != nil {
				return nil, &Error{What: "member '" + name + "' stands twice"}
			}
			value = m.Value.Of(object)
		}
	}
	return value, nil
}

func text(value []byte, name string) (string, error) {
	if value == nil || jsonx.IsNull(value) {
		return "", nil
	}
	s, err := jsonx.Unquote(value)
	if err != nil || len(s) > maxModel {
		return "", &Error{What: "invalid value for '" + name + "'", cause: err}
	}
	return s, nil
}

package scim

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/scim/filter"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
)

// The kinds of errors that clients tell apart:
// https://www.rfc-editor.org/rfc/rfc7644#section-3.12
const (
	InvalidFilter = "invalidFilter"
	InvalidPath   = "invalidPath"
	InvalidSyntax = "invalidSyntax"
	InvalidValue  = "invalidValue"
	Mutability    = "mutability"
	TooMany       = "tooMany"
	Uniqueness    = "uniqueness"
)

const errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"

// Error is a refusal in SCIM's shape.
type Error struct {
	Status int
	// Type is one of the kinds above, or "".
	Type   string
	Detail string

	cause error
}

func (e *Error) Error() string { return "scim: " + e.Detail }

func (e *Error) Unwrap() error { return e.cause }

// JSON is the body of the answer.
func (e *Error) JSON() []byte {
	b, err := json.Marshal(struct {
		Schemas []string `json:"schemas"`
		Status  string   `json:"status"`
		Type    string   `json:"scimType,omitempty"` //nolint:tagliatelle // SCIM's name
		Detail  string   `json:"detail"`
	}{[]string{errorSchema}, strconv.Itoa(e.Status), e.Type, e.Detail})
	if err != nil { // texts can be encoded
		return []byte("{}")
	}
	return b
}

// Public turns any error into what a client may see.
func Public(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, filter.ErrSyntax) {
		return &Error{Status: http.StatusBadRequest, Type: InvalidFilter, Detail: err.Error(), cause: err}
	}
	public := store.Public(err)
	e := &Error{Status: public.Status, Detail: public.Message, cause: err}
	switch {
	case public.Invalid != nil:
		e.Status, e.Type = http.StatusBadRequest, InvalidValue
		e.Detail = strings.TrimPrefix(public.Invalid.Msg, "Value error, ")
	case public.Status == http.StatusConflict:
		e.Type = Uniqueness
	}
	return e
}

func invalid(kind, detail string) *Error {
	return &Error{Status: http.StatusBadRequest, Type: kind, Detail: detail}
}

// short is a text of a client as a message repeats it.
func short(text string) string {
	const most = 128
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

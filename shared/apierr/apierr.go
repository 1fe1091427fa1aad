// Package apierr is the error type that reaches clients: a status, a message
// that is safe to show, and LiteLLM's envelope around it.
//
// The cause of an Error is for logs and errors.Is; it is never sent.
package apierr

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Error is an answer that is not a success.
type Error struct {
	Status  int
	Message string
	// Type and Param are LiteLLM's vocabulary; an empty one is sent as null
	// unless NoneText asks for the text "None", which LiteLLM sends for errors
	// that it did not raise as an API error of its own.
	Type     string
	Param    string
	NoneText bool
	// DetailText selects FastAPI's envelope {"detail":message}, which a few
	// refusals use.
	DetailText bool
	// DetailError selects FastAPI's envelope {"detail":{"error":message}}, of
	// the endpoints whose refusals LiteLLM does not wrap.
	DetailError bool
	// More are members beside "error" in that envelope.
	More map[string]any
	// Invalid selects FastAPI's envelope for a body that does not validate:
	// {"detail":[{"type","loc","msg"}]}.
	Invalid *Invalidity
	// RetryAfter is sent as a header in whole seconds when it is positive.
	RetryAfter time.Duration
	cause      error
}

// Invalidity says which part of a request does not validate.
type Invalidity struct {
	Type string   `json:"type"`
	Loc  []string `json:"loc"`
	Msg  string   `json:"msg"`
}

// Error returns the message and the cause, for logs.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Because returns a copy of e that remembers its cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// After returns a copy of e with a Retry-After.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// body is the envelope {"error":{…}}. Code is the status as a string.
type body struct {
	Error fields `json:"error"`
}

type fields struct {
	Message string  `json:"message"`
	Type    *string `json:"type"`
	Param   *string `json:"param"`
	Code    string  `json:"code"`
}

// JSON returns the body of the answer.
func (e *Error) JSON() []byte {
	var detail any
	switch {
	case e.Invalid != nil:
		detail = []*Invalidity{e.Invalid}
	case e.DetailText:
		detail = e.Message
	case e.DetailError:
		members := map[string]any{"error": e.Message}
		maps.Copy(members, e.More)
		detail = members
	}
	if detail != nil {
		b, err := json.Marshal(map[string]any{"detail": detail})
		if err != nil {
			return []byte(`{"detail":"internal error"}`)
		}
		return b
	}
	b, err := json.Marshal(body{fields{e.Message, e.orNone(e.Type), e.orNone(e.Param), strconv.Itoa(e.Status)}})
	if err != nil {
		return []byte(`{"error":{"message":"internal error","type":"internal_server_error","param":null,"code":"500"}}`)
	}
	return b
}

func (e *Error) orNone(s string) *string {
	if s == "" && e.NoneText {
		s = "None"
	}
	if s == "" {
		return nil
	}
	return &s
}

// RetryAfterSeconds returns the header value, rounded up so that a client that
// obeys is not early, or "" when there is none.
func (e *Error) RetryAfterSeconds() string {
	if e.RetryAfter <= 0 {
		return ""
	}
	return strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10)
}

// Write sends the error.
func (e *Error) Write(w http.ResponseWriter) { e.WriteBody(w, e.JSON()) }

// WriteBody sends the error in the envelope of another API.
func (e *Error) WriteBody(w http.ResponseWriter, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if after := e.RetryAfterSeconds(); after != "" {
		h.Set("Retry-After", after)
	}
	w.WriteHeader(e.Status)
	_, _ = w.Write(body) // a client that went away is not an error of ours
}

// Public returns err as an Error: itself when it is one, else a 500 that tells
// the client nothing of the cause.
func Public(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return (&Error{Status: http.StatusInternalServerError, Message: "Internal server error", Type: "internal_server_error"}).Because(err)
}

package gemini

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Dialect implements dialect.Dialect.
type Dialect struct {
	// Array streams one JSON list in pieces, of type application/json, as the
	// API does for clients that do not ask for alt=sse.
	Array bool
}

// Whole implements dialect.Dialect.
func (Dialect) Whole(_ *chat.Request, answer *chat.Response) ([]byte, error) {
	return appendAnswer(nil, answer), nil
}

// Stream implements dialect.Dialect.
func (d Dialect) Stream(_ *chat.Request, stamp chat.Stamp) dialect.Encoder {
	return newEncoder(stamp, d.Array)
}

// Error implements dialect.Dialect.
func (Dialect) Error(e *apierr.Error) []byte { return appendError(nil, e) }

// FailStream implements dialect.Dialect.
func (d Dialect) FailStream(b []byte, e *apierr.Error) []byte {
	if d.Array {
		return append(appendError(append(b, ",\r\n"...), e), ']')
	}
	return append(appendError(append(b, "data: "...), e), "\r\n\r\n"...)
}

func appendError(b []byte, e *apierr.Error) []byte {
	b = strconv.AppendInt(append(b, `{"error":{"code":`...), int64(e.Status), 10)
	b = jsonx.AppendQuote(append(b, `,"message":`...), e.Message)
	b = append(append(b, `,"status":"`...), statusName(e.Status)...)
	return append(b, `"}}`...)
}

// statusName returns Google's name of a status:
// https://cloud.google.com/apis/design/errors#handling_errors
func statusName(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusPaymentRequired, http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	case http.StatusConflict:
		return "ABORTED"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusNotImplemented:
		return "UNIMPLEMENTED"
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	}
	switch {
	case status == 529: // Anthropic's: overloaded
		return "UNAVAILABLE"
	case status >= http.StatusInternalServerError:
		return "INTERNAL"
	}
	return "INVALID_ARGUMENT"
}

// Usage implements dialect.Dialect. Each event tells all counts so far.
func (Dialect) Usage(data []byte, u *chat.Usage) bool {
	found := u.ReadGemini(jsonx.Lookup(data, "usageMetadata").Of(data))
	if bytes.Contains(data, []byte(`"webSearchQueries"`)) {
		u.WebSearches = max(u.WebSearches, searches(data))
	}
	return found
}

// searches counts how often the web was searched for an answer.
func searches(data []byte) int64 {
	var a struct {
		Candidates []struct {
			Grounding struct {
				Queries []string `json:"webSearchQueries"` //nolint:tagliatelle // Google's name
			} `json:"groundingMetadata"` //nolint:tagliatelle // Google's name
		} `json:"candidates"`
	}
	if json.Unmarshal(data, &a) != nil {
		return 0
	}
	var n int64
	for i := range a.Candidates {
		for _, q := range a.Candidates[i].Grounding.Queries {
			if q != "" {
				n++
			}
		}
	}
	return n
}

// Model implements dialect.Dialect.
func (Dialect) Model(data []byte) jsonx.Span { return jsonx.Lookup(data, "modelVersion") }

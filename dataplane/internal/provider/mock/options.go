package mock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Bounds of the options.
const (
	maxLatency    = 10 * time.Minute
	maxInterval   = time.Minute
	maxChunks     = 100_000
	maxRetryAfter = 24 * 60 * 60
	maxToolCalls  = 128
)

// never is the closeAfter of a stream that is not broken off.
const never = -1

// options are what the mock_* parameters say.
type options struct {
	text       string
	hasText    bool
	object     []byte // a whole response, compact
	special    special
	latency    time.Duration
	interval   time.Duration
	chunks     int // 0 is one for each word
	closeAfter int
	status     int // 0 is a success
	retryAfter int // 0 is none
	garbage    bool
	calls      []toolCall
	usage      []byte // compact
}

// optionError says which parameter is wrong.
type optionError struct {
	name, want string
}

func (e *optionError) Error() string { return e.name + " must be " + e.want }

// set applies one parameter; those of other names are not ours. A null leaves
// the option as it is.
func (o *options) set(name, value []byte) *optionError {
	if !bytes.HasPrefix(name, []byte("mock_")) || jsonx.IsNull(value) {
		return nil
	}
	if len(value) == 0 {
		return &optionError{string(name), "valid JSON"}
	}
	switch string(name) {
	case "mock_response":
		return o.setResponse(value)
	case "mock_latency_ms":
		return setDuration(&o.latency, name, value, time.Millisecond, maxLatency)
	case "mock_delay":
		return setDuration(&o.latency, name, value, time.Second, maxLatency)
	case "mock_chunk_interval_ms":
		return setDuration(&o.interval, name, value, time.Millisecond, maxInterval)
	case "mock_chunks":
		return setInt(&o.chunks, name, value, 0, maxChunks)
	case "mock_close_after_chunks":
		return setInt(&o.closeAfter, name, value, 0, maxChunks)
	case "mock_retry_after":
		return setInt(&o.retryAfter, name, value, 0, maxRetryAfter)
	case "mock_status":
		return o.setStatus(name, value)
	case "mock_garbage":
		return setBool(&o.garbage, name, value)
	case "mock_tool_calls":
		return o.setToolCalls(name, value)
	case "mock_usage":
		return o.setUsage(name, value)
	}
	return nil
}

func (o *options) setText(text string) {
	o.object = nil
	if o.special = specialOf(text); o.special == noSpecial {
		o.text, o.hasText = text, true
	}
}

func (o *options) setResponse(value []byte) *optionError {
	switch value[0] {
	case '"':
		text, err := jsonx.Unquote(value)
		if err != nil {
			return &optionError{"mock_response", "a valid string"}
		}
		o.setText(text)
	case '{':
		object, err := compact(value)
		if err != nil {
			return &optionError{"mock_response", "a valid object"}
		}
		o.object, o.special = object, noSpecial
	default:
		return &optionError{"mock_response", "a string or an object"}
	}
	return nil
}

func (o *options) setStatus(name, value []byte) *optionError {
	var status int
	if setInt(&status, name, value, http.StatusOK, 599) != nil || status != http.StatusOK && status < http.StatusBadRequest {
		return &optionError{string(name), "200 or an error status from 400 to 599"}
	}
	if o.status = status; status == http.StatusOK {
		o.status = 0
	}
	return nil
}

func (o *options) setToolCalls(name, value []byte) *optionError {
	calls, err := parseToolCalls(value)
	if err != nil || len(calls) > maxToolCalls {
		return &optionError{string(name), fmt.Sprintf("a list of at most %d function calls", maxToolCalls)}
	}
	o.calls = calls
	return nil
}

// setUsage adds the total where it is missing.
func (o *options) setUsage(name, value []byte) *optionError {
	usage, err := compact(value)
	if err != nil || usage[0] != '{' {
		return &optionError{string(name), "an object"}
	}
	if jsonx.Lookup(usage, "total_tokens").Empty() {
		total := jsonx.Int(jsonx.Lookup(usage, "prompt_tokens").Of(usage)) + jsonx.Int(jsonx.Lookup(usage, "completion_tokens").Of(usage))
		usage = usage[:len(usage)-1]
		if len(usage) > 1 {
			usage = append(usage, ',')
		}
		usage = append(strconv.AppendInt(append(usage, `"total_tokens":`...), max(total, 0), 10), '}')
	}
	o.usage = usage
	return nil
}

// compact copies a value without the line breaks that would end a data line.
func compact(value []byte) ([]byte, error) {
	var buf bytes.Buffer
	if err := json.Compact(&buf, value); err != nil {
		return nil, fmt.Errorf("compact: %w", err)
	}
	return buf.Bytes(), nil
}

func setDuration(to *time.Duration, name, value []byte, unit, limit time.Duration) *optionError {
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || !(f >= 0 && f <= float64(limit)/float64(unit)) {
		return &optionError{string(name), fmt.Sprintf("a number from 0 to %d", limit/unit)}
	}
	*to = time.Duration(f * float64(unit))
	return nil
}

func setInt(to *int, name, value []byte, low, high int) *optionError {
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || f != math.Trunc(f) || !(f >= float64(low) && f <= float64(high)) {
		return &optionError{string(name), fmt.Sprintf("a whole number from %d to %d", low, high)}
	}
	*to = int(f)
	return nil
}

func setBool(to *bool, name, value []byte) *optionError {
	switch string(value) {
	case "true":
		*to = true
	case "false":
		*to = false
	default:
		return &optionError{string(name), "true or false"}
	}
	return nil
}

package stack

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// maxLine is the longest line of a stream that a test may read.
const maxLine = 16 << 20

// Events reads a stream event by event.
type Events struct {
	Response *http.Response

	lines *bufio.Scanner
}

// Stream sends a body and returns the events of the answer, which must be a
// stream. The caller closes it.
func (c *Client) Stream(tb testing.TB, path string, body any) *Events {
	tb.Helper()
	resp := c.Open(tb, http.MethodPost, path, bytes.NewReader(Body(tb, body))) //nolint:bodyclose // Events.Close does
	e := &Events{Response: resp, lines: bufio.NewScanner(resp.Body)}
	e.lines.Buffer(nil, maxLine)
	require.Equal(tb, http.StatusOK, resp.StatusCode)
	require.True(tb, strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream"))
	return e
}

// Next returns the data of the next event; ok is false at the end.
func (e *Events) Next() (data string, ok bool) {
	for e.lines.Scan() {
		if data, found := strings.CutPrefix(e.lines.Text(), "data: "); found {
			return data, true
		}
	}
	return "", false
}

// Rest returns the data of all events that are left, and why there are no more.
func (e *Events) Rest() ([]string, error) {
	var all []string
	for data, ok := e.Next(); ok; data, ok = e.Next() {
		all = append(all, data)
	}
	return all, e.lines.Err()
}

// Close hangs up, in the middle of the stream if need be.
func (e *Events) Close() { _ = e.Response.Body.Close() }

// Package rawhttp posts bodies to the vendors under test, for what no SDK
// sends. It is for their tests only.
package rawhttp

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Reply is an answer that was read to its end.
type Reply struct {
	Status int
	Header http.Header
	Body   string
	// Err is why the body ended early.
	Err error
}

// Post sends JSON; header has names and values, alternating.
func Post(tb testing.TB, url, body string, header ...string) Reply {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(tb, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := hc.Do(req)
	require.NoError(tb, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return Reply{resp.StatusCode, resp.Header, string(b), err}
}

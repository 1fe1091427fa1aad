package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// Client calls a plane with a key. Its methods that return a Client leave the
// one they are called on as it was.
type Client struct {
	http   *http.Client
	base   string
	key    string
	header http.Header
}

// Client returns a client of the first data plane. An empty key sends none.
func (s *Stack) Client(key string) *Client {
	c := &Client{http: s.http, key: key}
	if urls := s.DataPlanes(); len(urls) > 0 {
		c.base = urls[0]
	}
	return c
}

// Master returns a client with the master key.
func (s *Stack) Master() *Client { return s.Client(MasterKey) }

// At returns the client for another base URL.
func (c *Client) At(base string) *Client {
	d := *c
	d.base = base
	return &d
}

// With returns the client with one more header.
func (c *Client) With(name, value string) *Client {
	d := *c
	d.header = d.header.Clone()
	if d.header == nil {
		d.header = http.Header{}
	}
	d.header.Set(name, value)
	return &d
}

// Reply is a response that was read to its end.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	// Err is why the body ended early.
	Err error
}

// Object returns the body as a JSON object.
func (r Reply) Object(tb testing.TB) map[string]any {
	tb.Helper()
	var o map[string]any
	require.NoError(tb, json.Unmarshal(r.Body, &o), "status %d: %s", r.Status, r.Body)
	return o
}

// OK fails the test unless the status is 200, and returns the object.
func (r Reply) OK(tb testing.TB) map[string]any {
	tb.Helper()
	require.Equal(tb, http.StatusOK, r.Status, "%s", r.Body)
	return r.Object(tb)
}

// Get sends a GET.
func (c *Client) Get(tb testing.TB, path string) Reply {
	tb.Helper()
	return c.Do(tb, http.MethodGet, path, nil)
}

// Post sends a body: text and bytes as they are, anything else as JSON.
func (c *Client) Post(tb testing.TB, path string, body any) Reply {
	tb.Helper()
	return c.Do(tb, http.MethodPost, path, Body(tb, body))
}

// Body renders what Post sends.
func Body(tb testing.TB, body any) []byte {
	tb.Helper()
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return []byte(b)
	case []byte:
		return b
	}
	b, err := json.Marshal(body)
	require.NoError(tb, err)
	return b
}

// Do sends a request and reads the whole answer.
func (c *Client) Do(tb testing.TB, method, path string, body []byte) Reply {
	tb.Helper()
	resp := c.Open(tb, method, path, bytes.NewReader(body))
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return Reply{Status: resp.StatusCode, Header: resp.Header, Body: b, Err: err}
}

// Open sends a request and leaves the body to the caller, who closes it. A
// body that is a bytes.Reader is sent with its length, any other in chunks.
func (c *Client) Open(tb testing.TB, method, path string, body io.Reader) *http.Response {
	tb.Helper()
	resp, err := c.http.Do(c.request(tb.Context(), tb, method, path, body))
	require.NoError(tb, err)
	return resp
}

func (c *Client) request(ctx context.Context, tb testing.TB, method, path string, body io.Reader) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	require.NoError(tb, err)
	req.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	maps.Copy(req.Header, c.header)
	return req
}

// HangUp sends a body and closes the connection once a condition is met,
// without waiting for an answer, which must not come before.
func (c *Client) HangUp(tb testing.TB, path string, body any, met func() bool) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	req := c.request(ctx, tb, http.MethodPost, path, bytes.NewReader(Body(tb, body)))
	ended := make(chan error, 1)
	go func() {
		resp, err := c.http.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		ended <- err
	}()
	Await(tb, "the moment to hang up", met)
	cancel()
	require.ErrorIs(tb, <-ended, context.Canceled)
}

// Refused reports whether nobody listens at the base URL any more.
func (c *Client) Refused(tb testing.TB) bool {
	tb.Helper()
	u, err := url.Parse(c.base)
	require.NoError(tb, err)
	var d net.Dialer
	conn, err := d.DialContext(tb.Context(), "tcp", u.Host)
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}

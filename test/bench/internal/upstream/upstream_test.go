package upstream_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
	"github.com/tianjillm/tianjillm/test/bench/internal/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) (*upstream.Server, *http.Client) {
	t.Helper()
	s, err := upstream.Start(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(s.Close)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	return s, client
}

func ask(t *testing.T, s *upstream.Server, client *http.Client, path string, body io.Reader) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr()+path, body)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestServer_answers_again_and_again(t *testing.T) {
	t.Parallel()
	s, client := start(t)
	for _, kind := range []payload.Kind{
		{PromptBytes: 200},
		{PromptBytes: 100 << 10},
		{PromptBytes: 1 << 10, Stream: true},
		{PromptBytes: 1 << 10},
		{Wire: payload.Anthropic, Vendor: payload.Anthropic, PromptBytes: 1 << 10},
		{Wire: payload.Anthropic, Vendor: payload.Anthropic, PromptBytes: 1 << 10, Stream: true},
	} {
		resp := ask(t, s, client, kind.Wire.Path(), bytes.NewReader(kind.Body()))
		require.Equal(t, http.StatusOK, resp.StatusCode)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, kind.Check(body))
	}
}

func TestServer_finds_the_stream_at_the_end_of_a_body(t *testing.T) {
	t.Parallel()
	s, client := start(t)
	body := `{"messages":[{"role":"user","content":"` + strings.Repeat("x", 1<<10) + `"}],"stream":true}`
	resp := ask(t, s, client, payload.Anthropic.Path(), strings.NewReader(body))
	require.Equal(t, "text/event-stream; charset=utf-8", resp.Header.Get("Content-Type"))
}

func TestServer_serves_its_vendors_alone(t *testing.T) {
	t.Parallel()
	s, client := start(t)
	resp := ask(t, s, client, "/v1/messages/count_tokens", strings.NewReader("{}"))
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
}

func TestServer_paces_a_stream_and_stops_in_the_middle(t *testing.T) {
	t.Parallel()
	s, client := start(t)
	resp := ask(t, s, client, payload.OpenAI.Path(), bytes.NewReader(payload.Kind{PromptBytes: 1 << 10, Stream: true, Pace: time.Hour}.Body()))
	buf := make([]byte, 4<<10)
	n, err := resp.Body.Read(buf)
	require.NoError(t, err)
	sent, ok := payload.Stamp(buf[:n])
	require.True(t, ok)
	require.Less(t, time.Since(sent), time.Minute)
	s.Close()
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err)
}

func TestServer_wants_a_length(t *testing.T) {
	t.Parallel()
	s, client := start(t)
	resp := ask(t, s, client, payload.OpenAI.Path(), struct{ io.Reader }{strings.NewReader("{}")})
	require.Equal(t, http.StatusLengthRequired, resp.StatusCode)
}

func TestServer_ends_a_connection_that_is_no_http(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Addr())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("nonsense\r\nmore\r\n\r\n"))
	require.NoError(t, err)
	_, err = io.ReadAll(conn)
	require.NoError(t, err)
}

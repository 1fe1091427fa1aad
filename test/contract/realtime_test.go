package contract_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// session is a realtime session through the gateway.
type session struct {
	*websocket.Conn

	t   *testing.T
	ctx context.Context //nolint:containedctx // that of the test
}

// connect opens a session; the refusal is what came in place of one.
func connect(t *testing.T, base, path string, header http.Header, subprotocols ...string) (*session, *http.Response) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stack.Patience)
	t.Cleanup(cancel)
	conn, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(base, "http")+path, &websocket.DialOptions{HTTPHeader: header, Subprotocols: subprotocols})
	if err != nil {
		require.NotNil(t, resp, "%v", err)
		return nil, resp
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &session{conn, t, ctx}, resp
}

func withKey(key string) http.Header { return http.Header{"Authorization": {"Bearer " + key}} }

// next returns the next event and its type.
func (s *session) next() (kind string, data []byte) {
	s.t.Helper()
	_, data, err := s.Read(s.ctx)
	require.NoError(s.t, err)
	var event struct {
		Type string `json:"type"`
	}
	require.NoError(s.t, json.Unmarshal(data, &event))
	return event.Type, data
}

func (s *session) send(event string) {
	s.t.Helper()
	require.NoError(s.t, s.Write(s.ctx, websocket.MessageText, []byte(event)))
}

// answer has the vendor answer once.
func (s *session) answer() {
	s.t.Helper()
	s.send(`{"type":"response.create"}`)
	kind, data := s.next()
	require.Equal(s.t, "response.output_text.delta", kind)
	require.Contains(s.t, string(data), fakevendor.Text())
	kind, _ = s.next()
	require.Equal(s.t, "response.done", kind)
}

func startRealtime(t *testing.T) (*fakevendor.Vendor, *stack.Stack) {
	t.Helper()
	v := fakevendor.Start(t)
	v.Script("gpt-busy", fakevendor.FailLater(http.StatusTooManyRequests, "Slow down.", "9"))
	v.Script("gpt-gone", fakevendor.HangUp())
	config := "model_list:\n" + v.Deployment("talk", "gpt-realtime") + v.Deployment("busy", "gpt-busy") + v.Deployment("gone", "gpt-gone") +
		"  - {model_name: mock, litellm_params: {model: mock/echo}}\nrouter_settings: {num_retries: 0}\n"
	return v, stack.Start(t, stack.Options{Config: config})
}

// TestRealtime: events pass as they are, and a session is booked once, at its
// end, with what all of its answers used.
//
//nolint:tparallel,paralleltest // each case looks at the last call
func TestRealtime(t *testing.T) {
	t.Parallel()
	v, s := startRealtime(t)
	for name, open := range map[string]func(t *testing.T, key string) *session{
		"key in a header": func(t *testing.T, key string) *session {
			t.Helper()
			header := withKey(key)
			header.Set("OpenAI-Beta", "realtime=v1")
			got, _ := connect(t, s.DataPlane(0), "/v1/realtime?model=talk", header)
			return got
		},
		"key in a subprotocol": func(t *testing.T, key string) *session {
			t.Helper()
			got, resp := connect(t, s.DataPlane(0), "/realtime?model=talk", nil, "realtime", "openai-insecure-api-key."+key, "openai-beta.realtime-v1")
			require.Equal(t, "realtime", resp.Header.Get("Sec-Websocket-Protocol"))
			return got
		},
	} {
		t.Run(name, func(t *testing.T) {
			key := s.NewKey(t, map[string]any{"models": []string{"talk"}})
			c := open(t, key)
			kind, _ := c.next()
			require.Equal(t, "session.created", kind)
			c.send(`{"type":"session.update","session":{"a_member_of_the_future":[1, 2.50]}}`)
			_, data := c.next()
			require.Equal(t, `{"type":"session.update","session":{"a_member_of_the_future":[1, 2.50]}}`, string(data))
			c.answer()
			c.answer()
			require.Empty(t, s.SpendRows(t, key), "nothing is booked before the end")
			require.NoError(t, c.Close(websocket.StatusNormalClosure, "bye"))

			row := s.WaitBooked(t, key, 1)[0]
			require.Equal(t, "_arealtime", row.CallType)
			require.Equal(t, "success", row.Status)
			require.Equal(t, "talk", row.ModelGroup)
			require.Equal(t, "gpt-realtime", row.Model)
			require.EqualValues(t, 2*fakevendor.PromptTokens, row.PromptTokens)
			require.EqualValues(t, 2*fakevendor.CompletionTokens, row.CompletionTokens)
			require.EqualValues(t, 2*textSpend, row.SpendNano)

			call := v.Last(t, "gpt-realtime")
			require.Equal(t, "/v1/realtime", call.Path)
			require.Equal(t, "model=gpt-realtime", call.Query)
			require.Equal(t, []string{"Bearer " + fakevendor.Key}, call.Header.Values("Authorization"))
			require.NotContains(t, call.Header.Get("Sec-Websocket-Protocol"), key)
			<-call.Ended
		})
	}
}

// TestRealtime_refusals are HTTP answers: no session was opened yet.
func TestRealtime_refusals(t *testing.T) {
	t.Parallel()
	_, s := startRealtime(t)
	key := s.NewKey(t, map[string]any{"models": []string{"busy", "gone", "mock"}})
	for _, tc := range []struct {
		path, key string
		want      refusal
		after     string
	}{
		{"?model=talk", "sk-nobody", refusal{http.StatusUnauthorized, "token_not_found_in_db", "key", "Invalid proxy server token passed"}, ""},
		{"?model=talk", key, refusal{http.StatusForbidden, "key_model_access_denied", "talk", "is not available"}, ""},
		{"", key, refusal{http.StatusBadRequest, "invalid_request_error", nil, "'model' is missing"}, ""},
		{"?model=mock", key, refusal{http.StatusBadRequest, nil, nil, "does not offer /realtime"}, ""},
		{"?model=busy", key, refusal{http.StatusTooManyRequests, "throttling_error", nil, "RateLimitError: OpenAIException - Slow down."}, "9"},
		{"?model=gone", key, refusal{http.StatusInternalServerError, nil, nil, "Connection error."}, ""},
	} {
		_, resp := connect(t, s.DataPlane(0), "/v1/realtime"+tc.path, withKey(tc.key))
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		tc.want.check(t, stack.Reply{Status: resp.StatusCode, Header: resp.Header, Body: body})
		require.Equal(t, tc.after, resp.Header.Get("Retry-After"))
	}
	r := s.Client(key).Get(t, "/v1/realtime?model=mock")
	require.Equal(t, http.StatusBadRequest, r.Status)
}

// TestRealtime_ends: a data plane that stops asks its clients to connect
// elsewhere, and books what they used.
func TestRealtime_ends(t *testing.T) {
	t.Parallel()
	v, s := startRealtime(t)
	key := s.NewKey(t, nil)
	c, _ := connect(t, s.DataPlane(0), "/v1/realtime?model=talk", withKey(key))
	c.next()
	c.answer()
	closed := make(chan error, 1)
	go func() {
		_, _, err := c.Read(c.ctx)
		closed <- err
	}()
	s.StopDataPlane(0)
	require.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(<-closed))
	require.EqualValues(t, textSpend, s.WaitBooked(t, key, 1)[0].SpendNano)
	select {
	case <-v.Last(t, "gpt-realtime").Ended:
	case <-time.After(stack.Patience):
		require.Fail(t, "the vendor's session is still open")
	}
}

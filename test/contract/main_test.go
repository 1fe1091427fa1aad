// Package contract_test holds both planes against what their users rely on:
// statuses, envelopes, the shapes of replies, and who may call what.
package contract_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m, pgtest.CheckLeaks()) }

// refusal is an error as clients see it. A nil Type or Param is null.
type refusal struct {
	status      int
	kind, param any
	message     string // a part of it
}

// check holds a reply against the envelope
// {"error":{"message","type","param","code"}}, whose code is a string.
func (want refusal) check(t *testing.T, r stack.Reply) {
	t.Helper()
	require.Equal(t, want.status, r.Status, "%s", r.Body)
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	want.checkBody(t, r.Body)
}

func (want refusal) checkBody(t *testing.T, body []byte) {
	t.Helper()
	var envelope map[string]map[string]any
	require.NoError(t, json.Unmarshal(body, &envelope), "%s", body)
	require.Len(t, envelope, 1, "%s", body)
	e := envelope["error"]
	require.Len(t, e, 4, "%s", body)
	require.Equal(t, strconv.Itoa(want.status), e["code"], "%s", body)
	require.Equal(t, want.kind, e["type"], "%s", body)
	require.Equal(t, want.param, e["param"], "%s", body)
	require.Contains(t, e["message"], want.message)
}

// detail is FastAPI's envelope, which a few refusals use.
func checkDetail(t *testing.T, r stack.Reply, status int, message string) {
	t.Helper()
	require.Equal(t, status, r.Status, "%s", r.Body)
	var envelope map[string]string
	require.NoError(t, json.Unmarshal(r.Body, &envelope), "%s", r.Body)
	require.Equal(t, map[string]string{"detail": message}, envelope)
}

const chatPath = "/v1/chat/completions"

// hello is a small chat request.
func hello(model string) map[string]any {
	return map[string]any{"model": model, "messages": []map[string]string{{"role": "user", "content": "Hello"}}}
}

// obeys waits until each data plane answers a chat with a status.
func obeys(t *testing.T, s *stack.Stack, key, model string, status int) {
	t.Helper()
	for _, url := range s.DataPlanes() {
		stack.Await(t, "status "+strconv.Itoa(status)+" at "+url, func() bool {
			return s.Client(key).At(url).Post(t, chatPath, hello(model)).Status == status
		})
	}
}

// atOnce holds that each data plane answers so the first time it is asked.
func atOnce(t *testing.T, s *stack.Stack, key, model string) {
	t.Helper()
	for _, url := range s.DataPlanes() {
		r := s.Client(key).At(url).Post(t, chatPath, hello(model))
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	}
}

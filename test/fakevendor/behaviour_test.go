package fakevendor_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakecohere"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakegemini"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeollama"
	"github.com/tianjillm/tianjillm/test/fakevendor/internal/rawhttp"
)

const hello = `{"model":"m","messages":[{"role":"user","content":"Hello"}]`

// vendor is one whose failures are looked at, and a good request to it.
type vendor struct {
	start        func(testing.TB) *fakevendor.Vendor
	path, body   string
	stream       string // the body, or the path when it has a query
	header       []string
	shape        string // how it says a reason
	streamHeader string
}

func vendors() map[string]vendor {
	bearer := []string{"Authorization", "Bearer " + fakevendor.Key}
	const sse = "text/event-stream"
	return map[string]vendor{
		"openai":    {fakevendor.Start, "/v1/chat/completions", hello + `}`, hello + `,"stream":true}`, bearer, `{"error":{"message":"Why.","type":`, sse},
		"anthropic": {fakeanthropic.Start, "/v1/messages", hello + `,"max_tokens":9}`, hello + `,"max_tokens":9,"stream":true}`, append([]string{"Anthropic-Version", fakeanthropic.Version}, bearer...), `"message":"Why."}`, sse},
		"gemini": {
			fakegemini.Start, "/v1beta/models/m:generateContent", `{"contents":[{"parts":[{"text":"Hello"}]}]}`, "/v1beta/models/m:streamGenerateContent?alt=sse",
			[]string{"X-Goog-Api-Key", fakevendor.Key},
			`{"error":{"code":503,"message":"Why.","status":"UNAVAILABLE"}}`, sse,
		},
		"cohere": {fakecohere.Start, "/v2/chat", hello + `}`, hello + `,"stream":true}`, bearer, `"message":"Why."}`, sse},
		"ollama": {fakeollama.Start, "/api/chat", hello + `,"stream":false}`, hello + `}`, nil, `{"error":"Why."}`, "application/x-ndjson"},
	}
}

// ask sends the good request, or the one for a stream.
func (c vendor) ask(t *testing.T, v *fakevendor.Vendor, stream bool) rawhttp.Reply {
	t.Helper()
	path, body := c.path, c.body
	if stream && strings.HasPrefix(c.stream, "/") {
		path = c.stream
	} else if stream {
		body = c.stream
	}
	return rawhttp.Post(t, v.Host()+path, body, c.header...)
}

// TestBehaviours: every vendor fails in every way that is scripted.
func TestBehaviours(t *testing.T) {
	t.Parallel()
	for name, c := range vendors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := c.start(t)
			good := c.ask(t, v, false)
			require.Equal(t, http.StatusOK, good.Status, good.Body)
			require.True(t, json.Valid([]byte(good.Body)))
			require.Contains(t, good.Body, fakevendor.Text())
			streamed := c.ask(t, v, true)
			require.Equal(t, http.StatusOK, streamed.Status)
			require.True(t, strings.HasPrefix(streamed.Header.Get("Content-Type"), c.streamHeader))
			require.NotContains(t, streamed.Body, fakevendor.Text(), "came in one piece")

			v.Script("m", fakevendor.FailLater(http.StatusServiceUnavailable, "Why.", "3"), fakevendor.Mistyped("text/html"), fakevendor.TruncatedJSON(),
				fakevendor.CutBody(), fakevendor.Raw("application/json", "[]"), fakevendor.Status(http.StatusBadGateway, "<html>"))
			failed := c.ask(t, v, false)
			require.Equal(t, http.StatusServiceUnavailable, failed.Status)
			require.Equal(t, "3", failed.Header.Get("Retry-After"))
			require.Contains(t, failed.Body, c.shape)
			mistyped := c.ask(t, v, false)
			require.Equal(t, "text/html", mistyped.Header.Get("Content-Type"))
			require.Equal(t, good.Body, mistyped.Body)
			truncated := c.ask(t, v, false)
			require.NoError(t, truncated.Err)
			require.False(t, json.Valid([]byte(truncated.Body)))
			require.ErrorIs(t, c.ask(t, v, false).Err, io.ErrUnexpectedEOF)
			require.Equal(t, "[]", c.ask(t, v, false).Body)
			require.Equal(t, http.StatusBadGateway, c.ask(t, v, false).Status)

			v.Script("m", fakevendor.Answer(fakevendor.Options{CutAfter: 2}), fakevendor.Answer(fakevendor.Options{BreakAfter: 2}), fakevendor.Answer(fakevendor.Options{Dribble: 3}))
			cut := c.ask(t, v, true)
			require.ErrorIs(t, cut.Err, io.ErrUnexpectedEOF)
			require.Contains(t, cut.Body, "Hello")
			broken := c.ask(t, v, true)
			require.NoError(t, broken.Err)
			require.Contains(t, broken.Body, "The vendor broke.")
			require.Equal(t, streamed.Body, c.ask(t, v, true).Body)
		})
	}
}

// TestStall: a body that stops coming is open until the caller leaves.
func TestStall(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]fakevendor.Behaviour{
		"body": fakevendor.Stall(), "stream": fakevendor.Answer(fakevendor.Options{StallAfter: 1}), "head": fakevendor.Hang(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := fakevendor.Start(t)
			v.Script("m", step)
			ctx, cancel := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.URL()+"/chat/completions", strings.NewReader(hello+`,"stream":true}`))
			require.NoError(t, err)
			req.Header.Set("Authorization", "Bearer "+fakevendor.Key)
			ended := make(chan error, 1)
			go func() {
				resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				ended <- err
			}()
			for len(v.Calls("m")) == 0 {
				select {
				case err := <-ended:
					t.Fatal(err)
				default:
				}
			}
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
			<-v.Last(t, "m").Ended
		})
	}
}

package payload_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
)

func TestRequest_is_one_of_http(t *testing.T) {
	t.Parallel()
	for _, kind := range []payload.Kind{
		{PromptBytes: 1 << 10},
		{PromptBytes: 100 << 10},
		{PromptBytes: 1 << 10, Stream: true},
		{PromptBytes: 1 << 10, Stream: true, Pace: 25 * time.Millisecond},
	} {
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(kind.Request("127.0.0.1:1", "sk-key"))))
		require.NoError(t, err)
		require.Equal(t, payload.Path, req.URL.Path)
		require.Equal(t, "Bearer sk-key", req.Header.Get("Authorization"))
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		require.Len(t, body, kind.PromptBytes)
		var sent struct {
			Model    string `json:"model"`
			Messages []any  `json:"messages"`
		}
		require.NoError(t, json.Unmarshal(body, &sent))
		require.Equal(t, payload.Model, sent.Model)
		require.Len(t, sent.Messages, 2)

		stream, pace := payload.Asked(body[:512])
		require.Equal(t, kind.Stream, stream)
		require.Equal(t, kind.Pace, pace)
	}
}

func TestAsked_bears_other_writers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]time.Duration{
		`{"model":"other", "stream" : true, "seed" : 40 , "x":1}`: 40 * time.Millisecond,
		`{"stream":true}`:           0,
		`{"stream":true,"seed":"a"`: 0,
		`{"stream":true,"seed":`:    0,
	} {
		stream, pace := payload.Asked([]byte(body))
		require.True(t, stream, body)
		require.Equal(t, want, pace, body)
	}
	for _, body := range []string{`{}`, `{"stream":false,"seed":9}`, `{"stream"`, `{"messages":["stream true"]}`} {
		stream, _ := payload.Asked([]byte(body))
		require.False(t, stream, body)
	}
}

func TestAnswer_has_usage_that_costs_the_price(t *testing.T) {
	t.Parallel()
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(payload.Answer())), nil)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.InDelta(t, 1024, len(body), 128)
	requirePrice(t, body)
}

func requirePrice(t *testing.T, body []byte) {
	t.Helper()
	var got struct {
		Usage struct {
			Prompt     float64 `json:"prompt_tokens"`
			Completion float64 `json:"completion_tokens"`
		} `json:"usage"`
	}
	require.NoError(t, json.Unmarshal(body, &got))
	require.InDelta(t, payload.Price, got.Usage.Prompt*payload.InputPrice+got.Usage.Completion*payload.OutputPrice, 1e-12)
}

func TestStream_is_51_stamped_events(t *testing.T) {
	t.Parallel()
	sent := time.Unix(1_793_534_400, 123_456_789)
	s := payload.NewStream()
	all := s.First([]byte("before"), sent)[len("before"):]
	stamp, ok := payload.Stamp(all)
	require.True(t, ok)
	require.True(t, sent.Equal(stamp))
	for _, event := range s.Rest() {
		all = append(all, event...)
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(all)), nil)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	events := strings.Split(strings.TrimSuffix(string(body), "\n\n"), "\n\n")
	require.Len(t, events, payload.Events)
	require.Equal(t, "data: [DONE]", events[payload.Events-1])
	for _, e := range events[:payload.Events-1] {
		require.True(t, json.Valid([]byte(strings.TrimPrefix(e, "data: "))), e)
	}
	requirePrice(t, []byte(strings.TrimPrefix(events[payload.Events-2], "data: ")))

	again, ok := payload.Stamp(s.First(nil, sent.Add(time.Second)))
	require.True(t, ok)
	require.Equal(t, time.Second, again.Sub(stamp))
}

func TestStamp_needs_all_digits(t *testing.T) {
	t.Parallel()
	for _, b := range []string{"", "no mark", "sent-at=17935", "sent-at=x793534400123456789"} {
		_, ok := payload.Stamp([]byte(b))
		require.False(t, ok, b)
	}
}

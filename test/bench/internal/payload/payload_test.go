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
		{PromptBytes: 1 << 10, Model: payload.Model, Cached: true},
		{PromptBytes: 1 << 10, Model: payload.Model, Wire: payload.Anthropic},
		{PromptBytes: 1 << 10, Model: payload.Model, Wire: payload.Anthropic, Stream: true},
	} {
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(kind.Request("127.0.0.1:1", "sk-key"))))
		require.NoError(t, err)
		require.Equal(t, kind.Wire.Path(), req.URL.Path)
		messages := 2
		if kind.Wire == payload.Anthropic {
			messages = 1
			require.Equal(t, "sk-key", req.Header.Get("X-Api-Key"))
		} else {
			require.Equal(t, "Bearer sk-key", req.Header.Get("Authorization"))
		}
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		require.Len(t, body, kind.PromptBytes)
		var sent struct {
			Model    string `json:"model"`
			Messages []any  `json:"messages"`
			Cache    any    `json:"cache"`
		}
		require.NoError(t, json.Unmarshal(body, &sent))
		require.Equal(t, payload.Model, sent.Model)
		require.Len(t, sent.Messages, messages)
		require.Equal(t, kind.Cached, sent.Cache != nil)

		stream, pace := payload.Asked(body[:512])
		require.Equal(t, kind.Stream, stream)
		require.Equal(t, kind.Pace, pace)
	}
}

func TestUntranslated_asks_as_the_vendor_is_asked(t *testing.T) {
	t.Parallel()
	k := payload.Kind{Model: payload.ClaudeModel, Vendor: payload.Anthropic, PromptBytes: 1 << 10, Stream: true}
	require.Equal(t, payload.Kind{Model: payload.ClaudeModel, Wire: payload.Anthropic, Vendor: payload.Anthropic, PromptBytes: 1 << 10, Stream: true}, k.Untranslated())
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

func kinds(w payload.Wire) (whole, stream payload.Kind) {
	whole = payload.Kind{Wire: w, Vendor: w}
	stream = whole
	stream.Stream = true
	return whole, stream
}

// body reads all of an answer.
func body(t *testing.T, answer []byte) []byte {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	require.NoError(t, err)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return b
}

func all(s *payload.Stream, at time.Time) []byte {
	b := s.First([]byte("before"), at)[len("before"):]
	for _, event := range s.Rest() {
		b = append(b, event...)
	}
	return b
}

func TestAnswer_is_the_one_that_is_wanted(t *testing.T) {
	t.Parallel()
	for _, w := range []payload.Wire{payload.OpenAI, payload.Anthropic} {
		kind, _ := kinds(w)
		b := body(t, w.Answer())
		require.InDelta(t, 1024, len(b), 128)
		require.NoError(t, kind.Check(b))
	}
}

func TestStream_is_the_one_that_is_wanted(t *testing.T) {
	t.Parallel()
	sent := time.Unix(1_793_534_400, 123_456_789)
	for w, events := range map[payload.Wire]int{payload.OpenAI: payload.Events, payload.Anthropic: payload.MessageEvents} {
		_, kind := kinds(w)
		b := body(t, all(w.NewStream(), sent))
		parts := strings.Split(strings.TrimSuffix(string(b), "\n\n"), "\n\n")
		require.Len(t, parts, events)
		for _, e := range parts {
			_, data, ok := strings.Cut(e, "data: ")
			require.True(t, ok && (json.Valid([]byte(data)) || data == "[DONE]"), e)
		}
		require.NoError(t, kind.Check(b))
	}
}

func TestStream_is_stamped(t *testing.T) {
	t.Parallel()
	sent := time.Unix(1_793_534_400, 123_456_789)
	s := payload.OpenAI.NewStream()
	stamp, ok := payload.Stamp(s.First([]byte("before"), sent))
	require.True(t, ok)
	require.True(t, sent.Equal(stamp))
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

func TestCheck_refuses_what_is_wrong(t *testing.T) {
	t.Parallel()
	for _, w := range []payload.Wire{payload.OpenAI, payload.Anthropic} {
		whole, stream := kinds(w)
		answer, events := string(body(t, w.Answer())), string(body(t, all(w.NewStream(), time.Now())))
		for _, c := range []struct {
			kind payload.Kind
			body string
		}{
			{whole, `{"error":{"message":"no"}}`},
			{whole, answer[:len(answer)-1]},
			{whole, strings.Replace(answer, "quick", "slow", 1)},
			{whole, strings.Replace(answer, `":180`, `":1`, 1)},
			{whole, events},
			{stream, answer},
			{stream, strings.Replace(events, "word3 ", "", 1)},
			{stream, strings.Replace(events, `":200`, `":20`, 2)},
			{stream, events[:strings.LastIndex(events, "data: ")]},
			{stream, strings.Replace(events, `word1 "`, `word1 `, 1)},
		} {
			require.ErrorIs(t, c.kind.Check([]byte(c.body)), payload.ErrAnswer, c.body)
		}
	}
}

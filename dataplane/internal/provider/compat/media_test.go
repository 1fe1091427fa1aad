package compat_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

func TestBackend_puts_its_model_into_forms(t *testing.T) {
	t.Parallel()
	fields := map[string]string{}
	v := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/audio/transcriptions" || r.ParseMultipartForm(1<<20) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for name, values := range r.MultipartForm.Value {
			fields[name] = strings.Join(values, "+")
		}
		f, _, _ := r.FormFile("file")
		b, _ := io.ReadAll(f)
		fields["file"] = string(b)
		_, _ = io.WriteString(w, `{"text":"hello"}`)
	}))
	t.Cleanup(v.Close)
	b := newBackend(t, "openai", provider.Config{Model: "whisper-1", APIBase: v.URL + "/v1", APIKey: "k"})
	for _, pairs := range [][]string{{"model", "mine", "language", "de", "api_key", "sk-client", "num_retries", "3"}, {"language", "de"}} {
		clear(fields)
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for i := 0; i < len(pairs); i += 2 {
			require.NoError(t, w.WriteField(pairs[i], pairs[i+1]))
		}
		part, err := w.CreateFormFile("file", "a.wav")
		require.NoError(t, err)
		_, _ = io.WriteString(part, "RIFF\r\n--")
		require.NoError(t, w.Close())
		reply, err := b.Do(t.Context(), &provider.Call{Surface: provider.Transcriptions, Body: body.Bytes(), ContentType: w.FormDataContentType()})
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, reply.Status())
		require.NoError(t, reply.Close())
		require.Equal(t, map[string]string{"model": "whisper-1", "language": "de", "file": "RIFF\r\n--"}, fields)
	}
	_, err := b.Do(t.Context(), &provider.Call{Surface: provider.Transcriptions, Body: []byte("x"), ContentType: "multipart/form-data; boundary=B"})
	require.ErrorContains(t, err, "not a multipart form")
}

func TestBackend_forwards_with_its_credentials(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	b := newBackend(t, "openai", provider.Config{Model: "m", APIBase: v.URL + "/v1?tenant=1", APIKey: "sk-vendor"})
	require.Equal(t, v.URL, b.Root())
	reply, err := b.Forward(t.Context(), &provider.Forward{
		Method: http.MethodPost, Path: "/v1/files?purpose=batch", Header: []provider.HeaderField{{Name: "Content-Type", Value: "text/plain"}},
		Body: strings.NewReader("hello"), Length: 5,
	})
	require.NoError(t, err)
	require.NoError(t, reply.Close())
	require.Equal(t, "hello", v.body)
	require.Equal(t, "/v1/files?tenant=1&purpose=batch", v.request.RequestURI)
	require.Equal(t, "Bearer sk-vendor", v.request.Header.Get("Authorization"))
	require.Equal(t, []string{"text/plain"}, v.request.Header.Values("Content-Type"))

	reply, err = b.Forward(t.Context(), &provider.Forward{Method: http.MethodGet, Path: "/files/f1", Length: -1})
	require.NoError(t, err)
	require.NoError(t, reply.Close())
	require.Equal(t, "/v1/files/f1?tenant=1", v.request.RequestURI)
}

func TestBackend_says_where_realtime_is(t *testing.T) {
	t.Parallel()
	b := newBackend(t, "openai", provider.Config{Model: "gpt-realtime", APIBase: "http://h:1/v1?a=b", APIKey: "k", Organization: "org"})
	where, header, err := b.Realtime(t.Context())
	require.NoError(t, err)
	require.Equal(t, "ws://h:1/v1/realtime?a=b&model=gpt-realtime", where)
	require.Equal(t, http.Header{"Authorization": {"Bearer k"}, "Openai-Organization": {"org"}}, header)
	b = newBackend(t, "groq", provider.Config{Model: "m", APIKey: "k"})
	_, _, err = b.Realtime(t.Context())
	require.ErrorIs(t, err, provider.ErrUnsupported)
}

func TestBackend_offers_what_the_row_has(t *testing.T) {
	t.Parallel()
	b := newBackend(t, "voyage", provider.Config{Model: "m", APIKey: "k"})
	require.True(t, b.Offers(provider.Embeddings))
	require.True(t, b.Offers(provider.Rerank))
	require.False(t, b.Offers(provider.ChatCompletions))
	require.False(t, b.Offers(provider.Messages))
	_, err := b.Chat(t.Context(), &provider.Call{}, nil)
	require.ErrorIs(t, err, provider.ErrUnsupported)
}

// TestBackend_edits_streams_however_they_are_cut: the vendor's bytes may come
// in any pieces, and the client's reads may be of any size.
func TestBackend_edits_streams_however_they_are_cut(t *testing.T) {
	t.Parallel()
	const sent = ": keep alive\n\n" +
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"Hm\"}}]}\r\n\r\n" +
		"id: 7\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\\"reasoning\\\"\"}}]}\n\n" +
		"data: [DONE]\n\ndata: {\"unfinished\""
	const want = ": keep alive\n\n" +
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"Hm\"}}]}\r\n\r\n" +
		"id: 7\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\\"reasoning\\\"\"}}]}\n\n" +
		"data: [DONE]\n\ndata: {\"unfinished\""
	for _, step := range []int{1, 2, 7, 50, 1000} {
		v := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for rest := sent; rest != ""; {
				n := min(step, len(rest))
				_, _ = io.WriteString(w, rest[:n])
				_ = http.NewResponseController(w).Flush()
				rest = rest[n:]
			}
		}))
		b := newBackend(t, "openrouter", provider.Config{Model: "m", APIBase: v.URL, APIKey: "k"})
		c := call(t, provider.ChatCompletions, `{"model":"a","stream":true}`)
		reply, err := b.Do(t.Context(), c)
		require.NoError(t, err)
		require.EqualValues(t, -1, reply.ContentLength())
		got, err := io.ReadAll(iotest.OneByteReader(reply))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		require.NoError(t, reply.Close())
		v.Close()
	}
}

func TestBackend_tells_when_a_stream_that_it_edits_breaks(t *testing.T) {
	t.Parallel()
	v := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {}\n\ndata: {")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(v.Close)
	b := newBackend(t, "openrouter", provider.Config{Model: "m", APIBase: v.URL, APIKey: "k"})
	reply, err := b.Do(t.Context(), call(t, provider.ChatCompletions, `{"model":"a","stream":true}`))
	require.NoError(t, err)
	got, err := io.ReadAll(reply)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, "data: {}\n\n", string(got))
	require.NoError(t, reply.Close())
}

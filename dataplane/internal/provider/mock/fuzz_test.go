package mock_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/mock"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// FuzzDo: any body that is an object gets an answer that is valid on its wire,
// on each surface, streamed or not. Time is simulated, so waits cost nothing.
func FuzzDo(f *testing.F) {
	for _, seed := range []string{
		question, `{}`, `{"prompt":["a",[1,2]]}`, `{"input":[[1],"x"],"dimensions":2,"encoding_format":"base64"}`,
		with(question, tools+`,"tool_choice":"required"`), with(question, twoCalls),
		with(question, `"mock_latency_ms":5,"mock_chunks":3,"mock_chunk_interval_ms":1,"mock_usage":{"prompt_tokens":1e3}`),
		with(question, `"mock_response":{"choices":[{"text":"x","message":{"content":"y\n"}}],"usage":{}}`),
		with(question, `"mock_status":429,"mock_retry_after":1`), with(question, `"mock_close_after_chunks":2`),
		with(question, `"mock_garbage":true`), `{"messages":[{"role":"user","content":[{"text":"\ud800\\"},"\"]",[[{}]]]}]}`,
		`{"messages":[{},[],"x",1,null,{"role":"user","content":"` + "\xff" + `"}]}`, `{"input":"","stream_options":{"include_usage":true}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		members, err := jsonx.Members(nil, body)
		if err != nil {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			b, err := mock.New(provider.Config{Model: "echo"})
			require.NoError(t, err)
			for surface := provider.ChatCompletions; surface <= provider.Embeddings; surface++ {
				for _, stream := range []bool{false, true} {
					call := &provider.Call{Surface: surface, Body: body, Members: members, Stream: stream, CallID: "f"}
					r, err := b.Do(t.Context(), call)
					require.NoError(t, err)
					requireValid(t, r)
					require.NoError(t, r.Close())
				}
			}
		})
	})
}

func requireValid(t *testing.T, r provider.Reply) {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	if strings.HasPrefix(string(data), "<html>") {
		return
	}
	if r.Header("Content-Type") == "application/json" {
		require.True(t, json.Valid(data), "%s", data)
		require.EqualValues(t, len(data), r.ContentLength())
		return
	}
	all := events(t, data)
	if err == nil {
		require.Equal(t, "[DONE]", all[len(all)-1])
		all = all[:len(all)-1]
	}
	for _, event := range all {
		require.True(t, json.Valid([]byte(event)), "%s", event)
	}
}

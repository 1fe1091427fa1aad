package embedding_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/embedding"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

func call(t *testing.T, body string) *provider.Call {
	t.Helper()
	members, err := jsonx.Members(nil, []byte(body))
	require.NoError(t, err)
	return &provider.Call{Body: []byte(body), Members: members}
}

func TestRead_takes_texts_and_no_tokens(t *testing.T) {
	t.Parallel()
	r, err := embedding.Read(call(t, `{"input":"a","dimensions":3,"encoding_format":"base64"}`))
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, r.Texts)
	require.EqualValues(t, 3, *r.Dimensions)
	require.True(t, r.Base64)
	r, err = embedding.Read(call(t, `{"input":["a","b"],"dimensions":null}`))
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, r.Texts)
	for _, bad := range []string{`{}`, `{"input":[]}`, `{"input":[1,2]}`, `{"input":[[1]]}`, `{"input":{}}`, `{"input":"a","dimensions":"x"}`} {
		_, err := embedding.Read(call(t, bad))
		require.Error(t, err, bad)
	}
}

func TestAnswer_keeps_numbers_or_packs_them(t *testing.T) {
	t.Parallel()
	vectors := []json.RawMessage{json.RawMessage(`[0.10,1]`), json.RawMessage(`[1,-2]`)}
	got, err := (&embedding.Request{}).Answer(`m"`, vectors, 4)
	require.NoError(t, err)
	require.Equal(t, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10,1]},{"object":"embedding","index":1,"embedding":[1,-2]}],`+
		`"model":"m\"","usage":{"prompt_tokens":4,"total_tokens":4}}`, string(got))
	got, err = (&embedding.Request{Base64: true}).Answer("m", vectors[1:], 1)
	require.NoError(t, err)
	require.Contains(t, string(got), `"embedding":"AACAPwAAAMA="`)
	got, err = (&embedding.Request{Texts: []string{"hello", ""}}).Answer("m", vectors[1:], 0)
	require.NoError(t, err)
	require.Contains(t, string(got), `"prompt_tokens":2,`)
	_, err = (&embedding.Request{Base64: true}).Answer("m", []json.RawMessage{json.RawMessage(`"x"`)}, 1)
	require.Error(t, err)
}

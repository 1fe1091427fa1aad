package mock_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

type embeddingShape struct {
	Object string `json:"object"`
	Data   []struct {
		Object    string          `json:"object"`
		Index     int             `json:"index"`
		Embedding json.RawMessage `json:"embedding"`
	} `json:"data"`
	Model string `json:"model"`
	Usage struct {
		PromptTokens int `json:"prompt_tokens"`
		TotalTokens  int `json:"total_tokens"`
	} `json:"usage"`
}

func embed(t *testing.T, request string) embeddingShape {
	t.Helper()
	return strict[embeddingShape](t, body(t, do(t, backend(t, "echo", ""), newCall(t, provider.Embeddings, request))))
}

func vector(t *testing.T, raw json.RawMessage) []float32 {
	t.Helper()
	var v []float32
	if raw[0] == '[' {
		require.NoError(t, json.Unmarshal(raw, &v))
		return v
	}
	var text string
	require.NoError(t, json.Unmarshal(raw, &text))
	data, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	for ; len(data) > 0; data = data[4:] {
		v = append(v, math.Float32frombits(binary.LittleEndian.Uint32(data)))
	}
	return v
}

func TestEmbeddings_are_unit_vectors(t *testing.T) {
	t.Parallel()
	got := embed(t, `{"input":"hello world"}`)
	require.Equal(t, "list", got.Object)
	require.Equal(t, "echo", got.Model)
	require.Len(t, got.Data, 1)
	require.Equal(t, "embedding", got.Data[0].Object)
	require.Equal(t, 3, got.Usage.PromptTokens)
	require.Equal(t, 3, got.Usage.TotalTokens)
	v := vector(t, got.Data[0].Embedding)
	require.Len(t, v, 8)
	sum := 0.0
	for _, f := range v {
		sum += float64(f) * float64(f)
	}
	require.InDelta(t, 1, sum, 1e-5)
	require.Equal(t, v, vector(t, embed(t, `{"input":"hello world"}`).Data[0].Embedding), "always the same")
	require.Equal(t, v, vector(t, embed(t, `{"input":"hello w\u006frld","encoding_format":"base64"}`).Data[0].Embedding), "in each encoding")
	require.NotEqual(t, v, vector(t, embed(t, `{"input":"hello worlds"}`).Data[0].Embedding))
}

func TestEmbeddings_of_lists(t *testing.T) {
	t.Parallel()
	got := embed(t, `{"input":["a","b","a",[1,2],[ 1 , 2 ]],"dimensions":3,"encoding_format":"float"}`)
	require.Len(t, got.Data, 5)
	for i, d := range got.Data {
		require.Equal(t, i, d.Index)
		require.Len(t, vector(t, d.Embedding), 3)
	}
	require.Equal(t, got.Data[0].Embedding, got.Data[2].Embedding)
	require.NotEqual(t, got.Data[0].Embedding, got.Data[1].Embedding)
	require.Equal(t, got.Data[3].Embedding, got.Data[4].Embedding)
	require.Equal(t, 3+4, got.Usage.PromptTokens)

	got = embed(t, `{"input":[1,2,3],"dimensions":null,"encoding_format":null}`)
	require.Len(t, got.Data, 1)
	require.Equal(t, 3, got.Usage.PromptTokens)

	got = embed(t, `{"input":"x","mock_usage":{"prompt_tokens":9}}`)
	require.Equal(t, 9, got.Usage.TotalTokens)
}

func TestEmbeddings_refuse(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	tooMany := `{"input":[` + strings.Repeat(`"",`, 2048) + `""]}`
	tooMuch := `{"dimensions":4096,"input":[` + strings.Repeat(`"",`, 256) + `""]}`
	for request, param := range map[string]string{
		`{}`:             "input",
		`{"input":null}`: "input",
		`{"input":{}}`:   "input",
		`{"input":[]}`:   "input",
		tooMany:          "input",
		tooMuch:          "input",

		`{"input":"x","dimensions":0}`:         "dimensions",
		`{"input":"x","dimensions":4097}`:      "dimensions",
		`{"input":"x","dimensions":1.5}`:       "dimensions",
		`{"input":"x","dimensions":"8"}`:       "dimensions",
		`{"input":"x","encoding_format":"f8"}`: "encoding_format",
	} {
		r := do(t, b, newCall(t, provider.Embeddings, request))
		require.Equal(t, 400, r.Status(), request)
		require.Equal(t, param, *strict[errorShape](t, body(t, r)).Error.Param, request)
	}
}

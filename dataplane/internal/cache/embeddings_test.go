package cache_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

func embeddingCall(tb testing.TB, body string) *cache.Call {
	tb.Helper()
	return call(tb, "aembedding", "embed", body)
}

// vendor answers an input: each embedding is the length of the text.
func vendor(tb testing.TB, input []byte) []byte {
	tb.Helper()
	var texts []json.RawMessage
	if input[0] != '[' || input[1] != '"' && input[1] != '[' {
		texts = []json.RawMessage{input}
	} else {
		require.NoError(tb, json.Unmarshal(input, &texts))
	}
	var data []string
	for i := range texts {
		i = len(texts) - 1 - i // in another order, with the index that it has
		data = append(data, fmt.Sprintf(`{"object": "embedding", "index": %d, "embedding": [%d, 0.5]}`, i, len(texts[i])))
	}
	return fmt.Appendf(nil, `{"object":"list","data":[%s],"model":"text-embedding-3","usage":{"prompt_tokens":%d,"total_tokens":%d}}`, strings.Join(data, ","), 10*len(texts)+1, 10*len(texts)+1)
}

type embeddings struct {
	Object string
	Model  string
	Data   []struct {
		Object    string
		Index     int
		Embedding json.RawMessage
	}
	Usage struct {
		PromptTokens int `json:"prompt_tokens"`
		TotalTokens  int `json:"total_tokens"`
	}
}

// embed does what a pipeline does. It returns what the vendor was asked.
func embed(tb testing.TB, r *replica, body string) (asked string, got embeddings) {
	tb.Helper()
	b, ok := r.Batch(tb.Context(), embeddingCall(tb, body), cache.Controls{})
	require.True(tb, ok)
	var reply []byte
	if missing := b.Missing(); missing != nil {
		asked, reply = string(missing), vendor(tb, missing)
		require.NoError(tb, r.PutBatch(b, reply, cache.Controls{}))
	}
	merged, err := b.Merge(reply)
	require.NoError(tb, err)
	require.NoError(tb, json.Unmarshal(merged, &got), "%s", merged)
	return asked, got
}

func TestEmbeddings_item_by_item(t *testing.T) {
	t.Parallel()
	r := newReplica(t, on(), cache.Options{})
	asked, first := embed(t, r, `{"model":"m","input":["a","bb"],"dimensions":2}`)
	require.Equal(t, `["a","bb"]`, asked)
	require.Equal(t, 21, first.Usage.PromptTokens)

	asked, mixed := embed(t, r, `{"model":"m","dimensions":2,"input":[ "ccc", "a" , "dddd","bb"]}`)
	require.Equal(t, `["ccc","dddd"]`, asked)
	require.Equal(t, "list", mixed.Object)
	require.Equal(t, "text-embedding-3", mixed.Model)
	require.Equal(t, 42, mixed.Usage.PromptTokens)
	require.Equal(t, 42, mixed.Usage.TotalTokens)
	require.Len(t, mixed.Data, 4)
	for i, want := range []int{5, 3, 6, 4} {
		require.Equal(t, i, mixed.Data[i].Index)
		require.Equal(t, "embedding", mixed.Data[i].Object)
		require.JSONEq(t, fmt.Sprintf("[%d,0.5]", want), string(mixed.Data[i].Embedding))
	}

	asked, all := embed(t, r, `{"model":"m","input":["dddd","a"],"dimensions":2}`)
	require.Empty(t, asked)
	require.JSONEq(t, "[6,0.5]", string(all.Data[0].Embedding))
	require.Equal(t, "text-embedding-3", all.Model)
	require.Equal(t, 21, all.Usage.PromptTokens, "10 of one call of two, 11 of the other")

	asked, _ = embed(t, r, `{"model":"m","input":"a","dimensions":2}`)
	require.Empty(t, asked, "a text alone is the same as a list of one")
	asked, _ = embed(t, r, `{"model":"m","input":"a","dimensions":3}`)
	require.Equal(t, `"a"`, asked, "other parameters")
	asked, _ = embed(t, r, `{"model":"m","input":[1,2,3]}`)
	require.Equal(t, `[1,2,3]`, asked, "tokens of one text")
	asked, _ = embed(t, r, `{"model":"m","input":[[4,5],[1, 2, 3]]}`)
	require.Equal(t, `[[4,5]]`, asked)
	require.InDelta(t, 6, r.metric(t, "hits_total", "tier", "local"), 0)
}

func TestEmbeddings_that_are_not_understood(t *testing.T) {
	t.Parallel()
	r := newReplica(t, on(), cache.Options{})
	for _, body := range []string{
		`{}`, `{"input":null}`, `{"input":[]}`, `{"input":{"a":1}}`, `{"input":["a",1]}`, `{"input":[{"text":"a"}]}`, `{"input":[true]}`,
		`{"input":[` + strings.Repeat(`"a",`, 3000) + `"b"]}`,
	} {
		_, ok := r.Batch(t.Context(), embeddingCall(t, body), cache.Controls{})
		require.False(t, ok, "%.40s", body)
	}
	b, ok := r.Batch(t.Context(), embeddingCall(t, `{"input":[`+strings.Repeat(`1,`, 3000)+`1]}`), cache.Controls{})
	require.True(t, ok, "many tokens are one text")
	found, of := b.Hits()
	require.Equal(t, [2]int{0, 1}, [2]int{found, of})

	b, ok = r.Batch(t.Context(), embeddingCall(t, `{"input":["a","b"]}`), cache.Controls{})
	require.True(t, ok)
	for _, reply := range []string{
		``, `[]`, `{}`, `{"data":[]}`, `{"data":[{"index":0,"embedding":[1]}]}`, `{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`,
		`{"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]}`, `{"data":[{"index":0},{"index":1,"embedding":[1]}]}`, `{"data":{"a":1}}`,
		`{"data":[{"index":0,"embedding":[1]},{"index":-1,"embedding":[1]}]}`, `{"data":[1,2]}`,
	} {
		require.ErrorIs(t, r.PutBatch(b, []byte(reply), cache.Controls{}), cache.ErrAnswer, reply)
		_, err := b.Merge([]byte(reply))
		require.ErrorIs(t, err, cache.ErrAnswer, reply)
	}
}

func TestEmbeddings_through_the_bus(t *testing.T) {
	t.Parallel()
	bus := newBus(t)
	one, two := bus.replica(shared(), cache.Options{}), bus.replica(shared(), cache.Options{})
	texts := make([]string, 600) // more than one question to the bucket
	for i := range texts {
		texts[i] = fmt.Sprintf(`"text %d"`, i)
	}
	_, _ = embed(t, one, `{"input":[`+strings.Join(texts, ",")+`]}`)
	bus.stored(len(texts))
	asked, got := embed(t, two, `{"input":["new",`+strings.Join(texts, ",")+`]}`)
	require.Equal(t, `["new"]`, asked)
	require.Len(t, got.Data, 601)
	require.JSONEq(t, fmt.Sprintf("[%d,0.5]", len(texts[599])), string(got.Data[600].Embedding))
	require.InDelta(t, 600, two.metric(t, "hits_total", "tier", "shared"), 0)

	b, ok := two.Batch(t.Context(), embeddingCall(t, `{"input":["new"]}`), cache.Controls{NoCache: true})
	require.True(t, ok)
	require.NotNil(t, b.Missing())
}

func FuzzEmbeddings(f *testing.F) {
	f.Add([]byte(`{"input":["a","b"]}`), []byte(`{"data":[{"index":1,"embedding":[1]},{"index":0,"embedding":"eA=="}],"usage":{"prompt_tokens":5}}`))
	f.Add([]byte(`{"input":[1,2]}`), []byte(`{"data":[{"embedding":[1]}]}`))
	r := newReplica(f, on(), cache.Options{})
	f.Fuzz(func(t *testing.T, body, reply []byte) {
		members, err := jsonx.Members(nil, body)
		if err != nil {
			return
		}
		b, ok := r.Batch(t.Context(), &cache.Call{Type: "aembedding", Body: body, Members: members}, cache.Controls{NoCache: true})
		if !ok {
			return
		}
		err = r.PutBatch(b, reply, cache.Controls{NoStore: true})
		merged, again := b.Merge(reply)
		require.Equal(t, err == nil, again == nil)
		if err != nil {
			require.ErrorIs(t, err, cache.ErrAnswer)
			return
		}
		_, of := b.Hits()
		var got embeddings
		if json.Unmarshal(merged, &got) == nil { // else the vendor's strings are not UTF-8
			require.Len(t, got.Data, of)
		}
	})
}

func BenchmarkBatch_64_hits(b *testing.B) {
	r := newReplica(b, on(), cache.Options{})
	texts := make([]string, 64)
	for i := range texts {
		texts[i] = fmt.Sprintf(`"text %d %s"`, i, strings.Repeat("lorem ipsum ", 10))
	}
	c := embeddingCall(b, `{"model":"m","input":[`+strings.Join(texts, ",")+`]}`)
	batch, _ := r.Batch(b.Context(), c, cache.Controls{})
	vector := strings.TrimSuffix(strings.Repeat("0.0123456,", 1536), ",")
	var data []string
	for i := range texts {
		data = append(data, fmt.Sprintf(`{"index":%d,"embedding":[%s]}`, i, vector))
	}
	require.NoError(b, r.PutBatch(batch, []byte(`{"data":[`+strings.Join(data, ",")+`]}`), controls(b, `{"ttl":86400}`)))
	b.ReportAllocs()
	for b.Loop() {
		batch, _ := r.Batch(b.Context(), c, cache.Controls{})
		if _, err := batch.Merge(nil); err != nil {
			b.Fatal(err)
		}
	}
}

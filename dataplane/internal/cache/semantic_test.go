package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/shared/contract"
)

func semantic(isShared bool) *contract.CacheSettings {
	return &contract.CacheSettings{
		Enabled: true, Kind: "redis-semantic", Shared: isShared,
		Semantic: &contract.SemanticCacheSettings{EmbeddingModel: "embed", Threshold: 0.8, TimeoutMS: 60_000},
	}
}

// meanings are vectors of questions: the first three mean about the same.
func meanings() map[string][]float32 {
	return map[string][]float32{
		"What is the capital of France?":  {1, 0.1, 0},
		"Which city is France's capital?": {2, 0.3, 0.1},
		"Capital of France?":              {1, 0.6, 0},
		"How do I bake bread?":            {0, 1, 0.2},
		"a question of another length":    {1, 2, 3, 4},
		"a question without a direction":  {0, 0, 0},
	}
}

// embedder counts its calls.
type embedder struct{ calls atomic.Int64 }

func (e *embedder) embed(_ context.Context, model, text string) ([]float32, error) {
	e.calls.Add(1)
	v, ok := meanings()[text]
	if !ok || model != "embed" {
		return nil, errors.New("no such meaning")
	}
	return v, nil
}

func asking(tb testing.TB, text string) *cache.Call {
	tb.Helper()
	return chatCall(tb, fmt.Sprintf(`{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":%q}],"temperature":0}`, text))
}

func TestSemantic_hits(t *testing.T) {
	t.Parallel()
	e := &embedder{}
	r := newReplica(t, semantic(false), cache.Options{Embed: e.embed})
	require.True(t, r.Semantic("acompletion"))
	require.False(t, r.Semantic("aembedding"))
	me := cache.Tenant{KeyHash: "k", TeamID: "t"}
	get := func(text string, who cache.Tenant) cache.Similar {
		return r.GetSimilar(t.Context(), asking(t, text), cache.Controls{}, who)
	}
	first := get("What is the capital of France?", me)
	require.Nil(t, first.Entry)
	r.PutSimilar(&first, answer("Paris"), cache.Controls{})

	same := get("What is the capital of France?", me)
	require.Equal(t, "Paris", string(same.Entry.Body))
	require.InDelta(t, 1, same.Similarity, 0)
	require.Equal(t, int64(1), e.calls.Load(), "the same question needs no embedding")

	near := get("Which city is France's capital?", me)
	require.NotNil(t, near.Entry)
	require.Equal(t, "Paris", string(near.Entry.Body))
	require.InDelta(t, 0.997, near.Similarity, 0.002)
	require.Equal(t, first.Key, near.Key, "the key of the answer that was found")
	require.InDelta(t, 1, r.metric(t, "semantic_hits_total"), 0)

	require.Nil(t, get("How do I bake bread?", me).Entry)
	for name, other := range map[string]cache.Tenant{"key": {KeyHash: "x", TeamID: "t"}, "team": {KeyHash: "k", TeamID: "x"}, "organisation": {KeyHash: "k", TeamID: "t", OrgID: "x"}} {
		require.Nil(t, get("Capital of France?", other).Entry, "another %s", name)
		require.Nil(t, get("What is the capital of France?", other).Entry, "another %s", name)
	}
	require.NotNil(t, get("Capital of France?", cache.Tenant{KeyHash: "k", TeamID: "t", EndUser: "x"}).Entry)
	set := semantic(false)
	set.Semantic.PerEndUser = true
	r.Configure(set)
	require.Nil(t, get("Capital of France?", cache.Tenant{KeyHash: "k", TeamID: "t", EndUser: "x"}).Entry)
}

func TestSemantic_compares_the_last_question_alone(t *testing.T) {
	t.Parallel()
	r := newReplica(t, semantic(false), cache.Options{Embed: (&embedder{}).embed})
	first := r.GetSimilar(t.Context(), asking(t, "What is the capital of France?"), cache.Controls{}, cache.Tenant{})
	r.PutSimilar(&first, answer("Paris"), cache.Controls{})
	for name, body := range map[string]string{
		"other instructions": `{"messages":[{"role":"system","content":"Be long."},{"role":"user","content":"Capital of France?"}],"temperature":0}`,
		"other parameters":   `{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Capital of France?"}],"temperature":1}`,
		"streamed":           `{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Capital of France?"}],"temperature":0,"stream":true}`,
		"said before":        `{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Answer in German."},{"role":"user","content":"Capital of France?"}],"temperature":0}`,
		"an image":           `{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Capital of France?"},{"type":"image_url","image_url":{"url":"x"}}]}],"temperature":0}`,
	} {
		require.Nil(t, r.GetSimilar(t.Context(), chatCall(t, body), cache.Controls{}, cache.Tenant{}).Entry, name)
	}
	parts := `{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Capital of France?"}]}],"temperature":0.0}`
	require.Nil(t, r.GetSimilar(t.Context(), chatCall(t, parts), cache.Controls{}, cache.Tenant{}).Entry, "0.0 is written in another way than 0")
	require.NotNil(t, r.GetSimilar(t.Context(), asking(t, "Capital of France?"), cache.Controls{}, cache.Tenant{}).Entry)
	require.Nil(t, r.GetSimilar(t.Context(), asking(t, "Capital of France?"), cache.Controls{NoCache: true}, cache.Tenant{}).Entry)
	require.Nil(t, r.GetSimilar(t.Context(), asking(t, "Capital of France?"), controls(t, `{"namespace":"n"}`), cache.Tenant{}).Entry)
}

func TestSemantic_without_a_vector_is_exact(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"nobody knows what this means", "a question without a direction"} {
		r := newReplica(t, semantic(false), cache.Options{Embed: (&embedder{}).embed})
		first := r.GetSimilar(t.Context(), asking(t, text), cache.Controls{}, cache.Tenant{})
		require.Nil(t, first.Entry)
		require.InDelta(t, 1, r.metric(t, "embedding_errors_total"), 0)
		r.PutSimilar(&first, answer("a"), cache.Controls{})
		require.NotNil(t, r.GetSimilar(t.Context(), asking(t, text), cache.Controls{}, cache.Tenant{}).Entry)
	}
	// A model that now gives vectors of another length.
	r := newReplica(t, semantic(false), cache.Options{Embed: (&embedder{}).embed})
	for _, text := range []string{"Capital of France?", "a question of another length"} {
		first := r.GetSimilar(t.Context(), asking(t, text), cache.Controls{}, cache.Tenant{})
		require.Nil(t, first.Entry)
		r.PutSimilar(&first, answer(text), cache.Controls{})
	}
}

func TestSemantic_hits_are_shared(t *testing.T) {
	t.Parallel()
	now := newClock()
	b := newBus(t)
	e := &embedder{}
	options := cache.Options{Clock: now.Now, Embed: e.embed}
	one, two := b.replica(semantic(true), options), b.replica(semantic(true), options)
	ask := func(r *replica, text string) cache.Similar {
		return r.GetSimilar(t.Context(), asking(t, text), cache.Controls{}, cache.Tenant{KeyHash: "k"})
	}
	require.Nil(t, ask(two, "Capital of France?").Entry) // has looked at the shelf while it was empty
	first := ask(one, "What is the capital of France?")
	one.PutSimilar(&first, answer("Paris"), cache.Controls{})
	b.stored(2)
	near := ask(two, "Which city is France's capital?")
	require.NotNil(t, near.Entry)
	require.Equal(t, "Paris", string(near.Entry.Body))

	// A third that has never looked, with more on the shelf than one page.
	shelf := ask(one, "How do I bake bread?")
	one.PutSimilar(&shelf, answer("Flour"), cache.Controls{})
	b.stored(4)
	three := b.replica(semantic(true), options)
	require.Equal(t, "Flour", string(ask(three, "How do I bake bread?").Entry.Body))
	require.Equal(t, "Paris", string(ask(three, "Capital of France?").Entry.Body))

	// Deleted for one is deleted for all, and what expired counts no longer.
	require.NoError(t, three.Delete(t.Context(), []string{first.Key.Hex()}))
	require.Eventually(t, func() bool { return ask(two, "Capital of France?").Entry == nil }, 5*time.Second, time.Millisecond)
	require.NotNil(t, ask(two, "How do I bake bread?").Entry)
	now.advance(2 * time.Minute)
	require.Nil(t, ask(two, "How do I bake bread?").Entry)
	require.Nil(t, ask(three, "How do I bake bread?").Entry)
}

func TestSemantic_shelf_of_many_pages(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	// All questions are far from each other: as many directions.
	embed := func(_ context.Context, _, text string) ([]float32, error) {
		var n int
		if _, err := fmt.Sscanf(text, "question %d", &n); err != nil {
			return nil, err
		}
		v := make([]float32, 300)
		v[n], v[(n+1)%300] = 1, 0.1
		return v, nil
	}
	one := b.replica(semantic(true), cache.Options{Embed: embed})
	for i := range 300 {
		r := one.GetSimilar(t.Context(), asking(t, fmt.Sprintf("question %d", i)), cache.Controls{}, cache.Tenant{})
		require.Nil(t, r.Entry)
		one.PutSimilar(&r, answer(fmt.Sprint(i)), cache.Controls{})
	}
	b.stored(600)
	two := b.replica(semantic(true), cache.Options{Embed: embed})
	for _, i := range []int{299, 0, 150} {
		// Another wording of the question, with nearly the same vector.
		r := two.GetSimilar(t.Context(), asking(t, fmt.Sprintf("question %d ?", i)), cache.Controls{}, cache.Tenant{})
		require.NotNil(t, r.Entry)
		require.Equal(t, fmt.Sprint(i), string(r.Entry.Body))
	}
}

func TestQuestion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body, text, before string
		ok                 bool
	}{
		"chat":                {`{"messages":[{"role":"system","content":"s"},{"role":"user","content":"q"}]}`, "q", `{"role":"system","content":"s"}` + "\n", true},
		"chat in parts":       {`{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]}]}`, "a\nb", "", true},
		"completion":          {`{"prompt":"q"}`, "q", "", true},
		"completion in list":  {`{"prompt":["q"]}`, "q", "", true},
		"completions":         {`{"prompt":["p","q"]}`, "", "", false},
		"tokens":              {`{"prompt":[1,2]}`, "", "", false},
		"responses":           {`{"input":"q","instructions":"i"}`, "q", "", true},
		"responses list":      {`{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"q"}]}]}`, "q", "", true},
		"gemini":              {`{"contents":[{"role":"user","parts":[{"text":"q"}]}]}`, "q", "", true},
		"gemini, no role":     {`{"contents":[{"parts":[{"text":"q"}]}]}`, "q", "", true},
		"the model's":         {`{"contents":[{"parts":[{"text":"q"}],"role":"model"}]}`, "", "", false},
		"not the user's":      {`{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}`, "", "", false},
		"a tool's answer":     {`{"messages":[{"role":"tool","tool_call_id":"1","content":"a"}]}`, "", "", false},
		"an anthropic tool's": {`{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"a"}]}]}`, "", "", false},
		"an image":            {`{"contents":[{"role":"user","parts":[{"text":"q"},{"inlineData":{}}]}]}`, "", "", false},
		"a name":              {`{"messages":[{"role":"user","name":"n","content":"q"}]}`, "", "", false},
		"nothing":             {`{"messages":[]}`, "", "", false},
		"an empty text":       {`{"messages":[{"role":"user","content":""}]}`, "", "", false},
		"not a list":          {`{"messages":{"role":"user","content":"q"}}`, "", "", false},
		"no prompt":           {`{"query":"q"}`, "", "", false},
		"without a role":      {`{"messages":[{"content":"q"}]}`, "", "", false},
	} {
		text, before, ok := cache.Question(chatCall(t, tc.body))
		require.Equal(t, tc.ok, ok, name)
		if ok {
			require.Equal(t, tc.text, text, name)
			require.Equal(t, tc.before, before, name)
		}
	}
}

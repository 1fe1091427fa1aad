package rerank_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider/rerank"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

func TestTexts_of_documents(t *testing.T) {
	t.Parallel()
	r, err := rerank.Decode([]byte(`{"query":"q","documents":["a",{"text":"b","x":1},{"n":2,"title":"c"},7]}`))
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "n: 2\ntitle: c", "7"}, r.Texts())
	r.RankFields = []string{"title", "text"}
	require.Equal(t, []string{"a", "text: b", "title: c", "7"}, r.Texts())
	_, err = r.Encode("nobody's")
	require.Error(t, err)
}

func TestAnswer_leaves_out_what_was_not_asked(t *testing.T) {
	t.Parallel()
	r, err := rerank.Decode([]byte(`{"query":"q","documents":["a","b"],"top_n":1}`))
	require.NoError(t, err)
	got, err := r.Answer(catalog.RerankCohere, []byte(`{"results":[{"index":0,"relevance_score":0.1,"document":{"text":"a"}},{"index":9,"relevance_score":1},{"index":1,"relevance_score":0.2},{"index":-1,"relevance_score":3}]}`), "call-1")
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"call-1","results":[{"index":1,"relevance_score":0.2}],"meta":{"billed_units":{"search_units":1}}}`, string(got))
	for _, bad := range []string{`{}`, `[]`, `{"results":1}`, `x`} {
		_, err := r.Answer(catalog.RerankCohere, []byte(bad), "")
		require.Error(t, err, bad)
	}
}

func FuzzRerank(f *testing.F) {
	f.Add([]byte(`{"query":"q","documents":["a",{"text":"b"}],"return_documents":true,"top_n":-1}`), []byte(`{"data":[{"index":1}],"scores":[1e300],"rankings":[{"index":0}]}`))
	f.Add([]byte(`{"query":"q","documents":[null]}`), []byte(`[{"index":0,"score":1}]`))
	f.Fuzz(func(t *testing.T, request, answer []byte) {
		r, err := rerank.Decode(request)
		if err != nil {
			return
		}
		for _, shape := range []catalog.RerankShape{catalog.RerankCohere, catalog.RerankVoyage, catalog.RerankTEI, catalog.RerankDeepInfra, catalog.RerankNVIDIA} {
			if body, err := r.Encode(shape); err == nil {
				require.True(t, json.Valid(body))
			}
			if got, err := r.Answer(shape, answer, "id"); err == nil {
				require.True(t, json.Valid(got), "%s", got)
			}
		}
	})
}

package compat_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// witness remembers where a request would go.
type witness struct {
	target string
	body   []byte
}

func (w *witness) Do(_ context.Context, req *upstream.Request) (*upstream.Response, error) {
	w.target = req.Target.String()
	for _, segment := range req.Body {
		w.body = append(w.body, segment...)
	}
	return nil, errSent
}

func TestBackend_embeds_at_hugging_faces_own_host_in_its_wire(t *testing.T) {
	t.Parallel()
	row, ok := catalog.Lookup("huggingface")
	require.True(t, ok)
	w := &witness{}
	b, err := compat.New(&row, provider.Config{Model: "BAAI/bge-small", APIKey: "k", Getenv: func(string) string { return "" }}, w)
	require.NoError(t, err)
	_, err = b.Do(t.Context(), call(t, provider.Embeddings, `{"model":"a","input":["x","y"]}`))
	require.ErrorIs(t, err, errSent)
	require.Equal(t, "https://router.huggingface.co/hf-inference/models/BAAI/bge-small/pipeline/feature-extraction", w.target)
	require.JSONEq(t, `{"inputs":["x","y"]}`, string(w.body))
	_, err = b.Do(t.Context(), call(t, provider.Embeddings, `{"model":"a","input":[1,2]}`))
	require.ErrorContains(t, err, "tokens")
}

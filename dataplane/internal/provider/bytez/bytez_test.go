package bytez_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/bytez"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/conformance"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	conformance.Run(t, "testdata/golden", func(cfg provider.Config, client *upstream.Client) (provider.Backend, error) {
		return bytez.New(cfg, client, nil)
	})
}

func TestNew_says_what_is_missing(t *testing.T) {
	t.Parallel()
	_, err := bytez.New(provider.Config{Model: "m"}, nil, nil)
	require.Error(t, err)
}

func FuzzWhole(f *testing.F) {
	f.Add([]byte(`{"text_output":"a","generated_text":"b","outputs":"c","output":{"content":[{"text":"d"}]},"details":{"best_of_sequences":[{}]}}`))
	f.Add([]byte(`{"error":{"message":"x"},"ok":false}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := bytez.ReadAnswer(body); err == nil {
			_, err := r.Encode()
			require.NoError(t, err)
		}
	})
}

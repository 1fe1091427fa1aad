package price_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/price"
)

func TestAll_lists_the_table_and_what_is_laid_over_it(t *testing.T) {
	t.Parallel()
	book, _, err := price.New().Overlay([]byte(`{"mine/one":{"litellm_provider":"mine","input_cost_per_token":1e-6}}`))
	require.NoError(t, err)
	n, found := 0, map[string]bool{}
	for m := range book.All() {
		if n == 0 {
			require.Equal(t, "mine/one", m.Name)
			require.Equal(t, price.Overlay, m.Source)
		}
		n++
		found[m.Provider+" "+m.Name] = true
	}
	require.Greater(t, n, 100)
	require.True(t, found["openai gpt-4o"])
	for range book.All() {
		break // it may end early
	}
}

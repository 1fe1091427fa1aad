package stat_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/bench/internal/stat"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	require.Equal(t, 50, stat.Quantile(hundred, 0.5))
	require.Equal(t, 99, stat.Quantile(hundred, 0.99))
	require.Equal(t, 100, stat.Quantile(hundred, 1))
	require.Equal(t, 1, stat.Quantile(hundred, 0))
	require.Equal(t, 7, stat.Quantile([]int{7}, 0.99))
	require.Zero(t, stat.Quantile([]int{}, 0.5))
}

func TestMedian(t *testing.T) {
	t.Parallel()
	values := []float64{9, 1, 5}
	require.InDelta(t, 5, stat.Median(values), 0)
	require.Equal(t, []float64{9, 1, 5}, values, "the order is the caller's")
	require.InDelta(t, 3, stat.Median([]float64{5, 1}), 0)
	require.Zero(t, stat.Median(nil))
}

func TestRatios_pair_rounds(t *testing.T) {
	t.Parallel()
	require.Equal(t, []float64{2, 0.5}, stat.Ratios([]float64{4, 2, 9}, []float64{2, 4}))
	require.Empty(t, stat.Ratios([]float64{1}, []float64{0}))
}

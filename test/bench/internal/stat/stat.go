// Package stat reduces samples to the few numbers that are reported. It owns no
// goroutine.
package stat

import (
	"cmp"
	"math"
	"slices"
)

// Quantile returns the q-quantile (0 to 1) of sorted values by nearest rank,
// the zero value when there are none.
func Quantile[T cmp.Ordered](sorted []T, q float64) T {
	if len(sorted) == 0 {
		var none T
		return none
	}
	rank := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// Median returns the median of values in any order, the mean of the middle two
// when their number is even, and 0 when there are none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	mid := len(s) / 2
	if len(s)%2 == 1 {
		return s[mid]
	}
	return (s[mid-1] + s[mid]) / 2
}

// Ratios divides pairwise: what two targets cost in the same round.
func Ratios(values, base []float64) []float64 {
	n := min(len(values), len(base))
	out := make([]float64, 0, n)
	for i := range n {
		if base[i] > 0 {
			out = append(out, values[i]/base[i])
		}
	}
	return out
}

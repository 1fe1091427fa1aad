package vector_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache/vector"
)

const never = int64(math.MaxInt64)

func sum(i int) vector.Sum { return vector.Sum{byte(i), byte(i >> 8), byte(i >> 16)} }

func random(dim int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	v := make([]float32, dim)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	vector.Normalise(v)
	return v
}

func unit(v ...float32) []float32 {
	vector.Normalise(v)
	return v
}

func TestNearest_agrees_with_the_definition(t *testing.T) {
	t.Parallel()
	const dim, count = 67, 200
	x := vector.New(1<<20, 1000)
	shelf := sum(7)
	vectors := make([][]float32, count)
	for i := range vectors {
		vectors[i] = random(dim, uint64(i))
		x.Add(shelf, sum(i), vectors[i], never)
	}
	query := random(dim, 12345)
	cosine := func(v []float32) float64 {
		var s float64
		for i := range v {
			s += float64(v[i]) * float64(query[i])
		}
		return s
	}
	got := x.Nearest(shelf, query, -1, 3, 0)
	require.Len(t, got, 3)
	better := 0
	for i := range vectors {
		if cosine(vectors[i]) > float64(got[2].Similarity)+1e-6 {
			better++
		}
	}
	require.Equal(t, 2, better)
	require.GreaterOrEqual(t, got[0].Similarity, got[1].Similarity)
	require.GreaterOrEqual(t, got[1].Similarity, got[2].Similarity)
	require.Empty(t, x.Nearest(shelf, query, 0.99, 3, 0))
	require.Empty(t, x.Nearest(sum(8), query, -1, 3, 0), "another shelf")
	require.Empty(t, x.Nearest(shelf, query[:10], -1, 3, 0), "another length")
}

func TestIndex_forgets(t *testing.T) {
	t.Parallel()
	x := vector.New(1<<20, 1000)
	shelf := sum(1)
	x.Add(shelf, sum(1), unit(1, 0), 100)
	x.Add(shelf, sum(2), unit(1, 1), never)
	x.Add(shelf, sum(3), unit(0, 1), never)
	x.Add(shelf, sum(4), unit(1, 2, 3), never) // of another length
	require.Len(t, x.Nearest(shelf, unit(1, 0), -1, 9, 99), 3)
	require.Len(t, x.Nearest(shelf, unit(1, 0), -1, 9, 100), 2, "expired")
	x.Add(shelf, sum(3), unit(1, 0.1), never) // again, moved
	require.Equal(t, sum(3), x.Nearest(shelf, unit(1, 0), 0.9, 9, 100)[0].Sum)
	x.Remove(sum(1), sum(2))
	require.Len(t, x.Nearest(shelf, unit(1, 0), -1, 9, 0), 1)
	x.SetMark(shelf, 9)
	require.Equal(t, uint64(9), x.Mark(shelf))
	x.Rewind()
	require.Zero(t, x.Mark(shelf))
	x.Clear()
	require.Empty(t, x.Nearest(shelf, unit(1, 0), -1, 9, 0))
	vectors, bytes := x.Size()
	require.Zero(t, vectors)
	require.Zero(t, bytes)
}

func TestIndex_is_bounded(t *testing.T) {
	t.Parallel()
	const limit = 100_000
	x := vector.New(limit, 50)
	for i := range 500 {
		x.Add(sum(i%10), sum(i), random(64, uint64(i)), never)
		x.Mark(sum(0)) // used all the time, so it stays
	}
	vectors, bytes := x.Size()
	require.LessOrEqual(t, bytes, int64(limit))
	require.Greater(t, vectors, 150)
	require.NotEmpty(t, x.Nearest(sum(0), random(64, 490), 0.99, 1, 0))

	for i := range 120 { // the oldest on a full shelf is replaced
		x.Add(sum(77), sum(1000+i), random(64, uint64(1000+i)), never)
	}
	require.Empty(t, x.Nearest(sum(77), random(64, 1000), 0.99, 1, 0))
	require.NotEmpty(t, x.Nearest(sum(77), random(64, 1119), 0.99, 1, 0))
	require.Len(t, x.Nearest(sum(77), random(64, 1119), -1, 100, 0), 50)
}

func TestIndex_keeps_its_bounds_under_concurrent_use(t *testing.T) {
	t.Parallel()
	x := vector.New(50_000, 100)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 500 {
				shelf, id := sum(i%7), sum(w*1000+i)
				x.Add(shelf, id, random(32, uint64(i)), never)
				x.Nearest(shelf, random(32, 3), 0.5, 3, 0)
				x.Remove(id)
			}
		})
	}
	wg.Wait()
	vectors, bytes := x.Size()
	require.Zero(t, vectors)
	require.Less(t, bytes, int64(7*256))
	require.Positive(t, bytes)
}

func FuzzDecode(f *testing.F) {
	f.Add(vector.Encode(unit(1, 2, 3), 1234567890123))
	f.Add([]byte{})
	f.Add([]byte("\x010000000000\x00\x00")) // so small that its inverse is too large
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, expires, err := vector.Decode(b)
		if err != nil {
			require.ErrorIs(t, err, vector.ErrFormat)
			return
		}
		again, at, err := vector.Decode(vector.Encode(v, expires))
		require.NoError(t, err)
		require.Equal(t, expires, at)
		require.InDeltaSlice(t, toFloat64(v), toFloat64(again), 1e-5)
	})
}

func toFloat64(v []float32) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = float64(v[i])
	}
	return out
}

func BenchmarkNearest_10000(b *testing.B) {
	for _, dim := range []int{384, 1536} {
		b.Run(fmt.Sprint(dim), func(b *testing.B) {
			x := vector.New(1<<30, 10_000)
			for i := range 10_000 {
				x.Add(sum(1), sum(i), random(dim, uint64(i)), never)
			}
			query := random(dim, 99_999)
			b.ReportAllocs()
			for b.Loop() {
				x.Nearest(sum(1), query, 0.8, 3, 0)
			}
		})
	}
}

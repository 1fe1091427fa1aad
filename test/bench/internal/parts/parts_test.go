package parts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/bench/internal/parts"
)

func TestRead_takes_medians(t *testing.T) {
	t.Parallel()
	all, err := parts.Read(`goos: linux
BenchmarkRoute/simple-shuffle         	 3000000	       120.5 ns/op	       0 B/op	       0 allocs/op
BenchmarkRoute/simple-shuffle         	 3000000	       100.5 ns/op	       8 B/op	       1 allocs/op
BenchmarkRoute/simple-shuffle         	 3000000	       900 ns/op	       0 B/op	       0 allocs/op
BenchmarkRoute/tags_and_order 	  100000	      1500 ns/op	      16 B/op	       2 allocs/op
PASS
`)
	require.NoError(t, err)
	require.Equal(t, []parts.Result{
		{Title: "route among 100 deployments: simple-shuffle", Nanos: 120.5, Goal: 2 * time.Microsecond},
		{Title: "route among 100 deployments: tags and order", Nanos: 1500, Bytes: 16, Objects: 2, Goal: 2 * time.Microsecond},
	}, all)
}

func TestRead_refuses_what_is_no_result(t *testing.T) {
	t.Parallel()
	_, err := parts.Read("PASS\n")
	require.Error(t, err)
	_, err = parts.Read("BenchmarkRoute 100 fast ns/op\n")
	require.Error(t, err)
}

func TestRun_needs_the_source(t *testing.T) {
	t.Parallel()
	_, err := parts.Run(t.Context(), t.TempDir())
	require.ErrorIs(t, err, parts.ErrNone)
}

// What is measured by its name must be there.
func TestBenchmarks_are_there(t *testing.T) {
	t.Parallel()
	for dir, names := range parts.Benchmarks() {
		files, err := filepath.Glob(filepath.Join("..", "..", "..", "..", filepath.FromSlash(dir), "*_test.go"))
		require.NoError(t, err)
		var source strings.Builder
		for _, f := range files {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			source.Write(b)
		}
		for _, name := range names {
			require.Contains(t, source.String(), "func "+name+"(b *testing.B)", dir)
		}
	}
}

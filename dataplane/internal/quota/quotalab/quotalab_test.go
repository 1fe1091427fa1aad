//go:build unix

package main_test

import (
	"bytes"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	main "github.com/tianjillm/tianjillm/dataplane/internal/quota/quotalab"
)

func TestHistogram_is_right_to_a_sixteenth(t *testing.T) {
	t.Parallel()
	var h main.Histogram
	for i := 1; i <= 1000; i++ {
		h.Add(time.Duration(i) * time.Microsecond)
	}
	require.InEpsilon(t, 500*time.Microsecond, h.Quantile(0.5), 1./15)
	require.InEpsilon(t, 990*time.Microsecond, h.Quantile(0.99), 1./15)
	require.Equal(t, time.Millisecond, h.Quantile(1))
	h.Add(-time.Second)
	h.Add(time.Hour)
	require.Equal(t, time.Hour, h.Quantile(1))
	require.Zero(t, h.Quantile(0))
}

func TestMemory_knows_how_many_there_are_at_once(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "memory")
	a, err := main.CreateMemory(path)
	require.NoError(t, err)
	defer a.Close()
	b, err := main.OpenMemory(path)
	require.NoError(t, err)
	defer b.Close()

	var all sync.WaitGroup
	for replica, m := range []*main.Memory{a, b} {
		for range 3 {
			all.Go(func() {
				for range 1000 {
					m.Enter(replica)
					m.Leave(replica)
				}
			})
		}
	}
	all.Wait()
	require.Zero(t, a.Busy())
	require.LessOrEqual(t, a.Peak(), uint64(6))
	a.Enter(0)
	b.Enter(1)
	b.Enter(1)
	require.Equal(t, uint64(3), a.Busy())
	a.Bury(1)
	require.Equal(t, uint64(1), b.Busy(), "those of the dead end with them")
}

func TestRun_says_what_it_does_not_know(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.Zero(t, main.Run([]string{"-help"}, &out, &out))
	require.Contains(t, out.String(), "-only")
	for _, args := range [][]string{{"-only", "nonsense"}, {"surplus"}, {"-nonsense"}} {
		require.Equal(t, 1, main.Run(args, &out, &out), args)
	}
}

func TestPage_says_whether_goals_are_met(t *testing.T) {
	t.Parallel()
	require.Contains(t, main.Page(100, 100, 100, 10, 5), "| 100, uniform | 200 | 100 | 0 | 0.00 % | 50.0 | 25.0 | 75.0 | at most 120 | yes | 50.0 |")
	require.Contains(t, main.Page(100, 103, 97, 20, 5), "| 100, uniform | 200 | 103 | 3 | 0.00 % | 100 | 25.0 | 125 | at most 120 | **no** |")
	require.Contains(t, main.Page(1_000_000, 900_000, 5, 1, 1), "| 10.00 % |", "somebody was refused although a tenth was left")
	require.Contains(t, main.Page(1_000_000, 900_000, 0, 1, 1), "| 0.00 % |", "nobody was")
}

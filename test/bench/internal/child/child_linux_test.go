package child_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/bench/internal/child"
)

func TestProcess_is_read_with_its_children(t *testing.T) {
	t.Parallel()
	// The work is done by a child of the process.
	spec := shell(t, `sh -c 'i=0; while [ $i -lt 5000000 ]; do i=$((i+1)); done' & echo ready now; wait`)
	p := start(t, spec)
	require.Eventually(t, func() bool {
		used, err := p.CPU()
		return err == nil && used > 50*time.Millisecond
	}, 30*time.Second, 5*time.Millisecond)
	size, err := p.RSS()
	require.NoError(t, err)
	require.Greater(t, size, int64(100<<10))
	require.Less(t, size, int64(100<<20))
}

func TestProcess_that_ignores_its_stop_is_killed_with_its_children(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	spec := shell(t, `trap '' TERM; sleep 1000 & echo $! > `+pidFile+`; echo ready now; while :; do wait; done`)
	spec.Grace = time.Millisecond
	p := start(t, spec)
	pid, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	require.ErrorContains(t, p.Stop(t.Context()), "killed")
	require.Eventually(t, func() bool { return !runs(strings.TrimSpace(string(pid))) }, 10*time.Second, time.Millisecond)
	_, err = p.CPU()
	require.Error(t, err)
	_, err = p.RSS()
	require.Error(t, err)
}

// runs reports whether a process has not ended; an ended one may wait for its
// new parent.
func runs(pid string) bool {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}

func TestStart_puts_the_process_on_its_cores(t *testing.T) {
	t.Parallel()
	cores := child.Cores()
	require.NotEmpty(t, cores)
	last := cores[len(cores)-1:]
	spec := shell(t, `grep Cpus_allowed_list /proc/self/status | sed 's/.*:[[:space:]]*/ready /'; exec sleep 1000`)
	spec.Cores = last
	p := start(t, spec)
	require.Equal(t, strconv.Itoa(last[0]), strings.TrimSpace(strings.TrimPrefix(p.ReadyLine(), "ready")))
	require.Equal(t, cores, child.Cores(), "ours stay")
}

package child_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/test/bench/internal/child"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shell describes a process that runs a script.
func shell(t *testing.T, script string) child.Spec {
	t.Helper()
	path, err := exec.LookPath("sh")
	require.NoError(t, err)
	return child.Spec{
		Name: "script", Path: path, Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}, Log: filepath.Join(t.TempDir(), "log"), Ready: "ready ",
	}
}

func start(t *testing.T, spec child.Spec) *child.Process {
	t.Helper()
	p, err := child.Start(t.Context(), spec)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Stop(context.Background()) })
	return p
}

func TestStart_waits_for_the_ready_line(t *testing.T) {
	t.Parallel()
	spec := shell(t, "echo starting; echo 'ready at port 1'; echo more; exec sleep 1000")
	p := start(t, spec)
	require.Equal(t, "ready at port 1", p.ReadyLine())
	require.Equal(t, "ready at port 1", p.ReadyLine(), "it stays")
	require.Equal(t, "script", p.Name())
	require.NoError(t, p.Err())
	require.NoError(t, p.Stop(t.Context()))
	require.ErrorContains(t, p.Err(), "script ended")
	require.NoError(t, p.Stop(t.Context()), "a second stop does nothing")
}

func TestStart_tells_why_a_process_ended(t *testing.T) {
	t.Parallel()
	_, err := child.Start(t.Context(), shell(t, "echo no such disk >&2; exit 3"))
	require.ErrorContains(t, err, "no such disk")
}

func TestStart_ends_with_its_context(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := child.Start(ctx, shell(t, "exec sleep 1000"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestStart_fails_without_a_program(t *testing.T) {
	t.Parallel()
	spec := shell(t, "")
	spec.Path = filepath.Join(t.TempDir(), "none")
	_, err := child.Start(t.Context(), spec)
	require.ErrorContains(t, err, "start script")
}

func TestUnion(t *testing.T) {
	t.Parallel()
	a := make([]int, 1, 4)
	require.Equal(t, []int{0, 1, 2}, child.Union(a, []int{1, 2}))
	require.Equal(t, []int{0, 3}, child.Union(a, []int{3}))
	require.Empty(t, child.Union(nil, nil))
}

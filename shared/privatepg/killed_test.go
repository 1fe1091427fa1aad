package privatepg_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/privatepg"
)

func TestKilledParentLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	p := startParent(t, os.Args[0], dir, nil)
	url, pid := p.ready(t)
	mustQuery(t, url, "create table kept (n int); insert into kept values (1)")
	p.kill(t)

	// At once, while the kernel's SIGINT may still be at work.
	c := start(t, privatepg.Options{DataDir: dir})
	require.Equal(t, "1", mustQuery(t, c.URL("postgres"), "select n from kept"))
	awaitGone(t, pid)
}

func TestKilledParentTakesTheServerAlong(t *testing.T) {
	t.Parallel()
	p := startParent(t, os.Args[0], tempDir(t), nil)
	_, pid := p.ready(t)
	p.kill(t)
	awaitGone(t, pid) // nobody starts anything here: the kernel told the server
}

func TestParentKilledDuringInitDB(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	p := startParent(t, os.Args[0], dir, nil)
	require.Eventually(t, func() bool {
		half, err := filepath.Glob(filepath.Join(dir, "init-*", "data", "base"))
		return err == nil && len(half) > 0
	}, 20*time.Second, time.Millisecond, "initdb never got half-way")
	p.kill(t)
	require.NoDirExists(t, filepath.Join(dir, "cluster"))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "init-older", "data"), 0o700))

	c := start(t, privatepg.Options{DataDir: dir})
	require.Equal(t, "1", mustQuery(t, c.URL("postgres"), "select 1"))
	require.Empty(t, leftovers(t, dir))
}

// Where the kernel does not tell, a server outlives its parent: this one was
// never our child.
func TestOrphanIsStoppedAtTheNextStart(t *testing.T) {
	t.Parallel()
	for name, hang := range map[string]bool{"that obeys": false, "that hangs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := seededDir(t)
			first := start(t, privatepg.Options{DataDir: dir, Ephemeral: true})
			mustQuery(t, first.URL("postgres"), "create table kept (n int); insert into kept values (3)")
			stop(t, first)

			orphan := startOrphan(t, dir, first.Port())
			ended := make(chan error, 1)
			go func() { ended <- orphan.Wait() }()
			if hang {
				require.NoError(t, orphan.Process.Signal(syscall.SIGSTOP))
			}
			var told safeBuffer
			second := start(t, privatepg.Options{
				DataDir: dir, Ephemeral: true, StopTimeout: 500 * time.Millisecond,
				Progress: func(text string) { _, _ = told.Write([]byte(text)) },
			})
			select {
			case <-ended:
			case <-time.After(15 * time.Second):
				t.Fatal("the orphan is still there")
			}
			require.Equal(t, "3", mustQuery(t, second.URL("postgres"), "select n from kept"))
			require.Contains(t, told.String(), "pid "+strconv.Itoa(orphan.Process.Pid))
		})
	}
}

// startOrphan runs the server in a directory as somebody else would.
func startOrphan(t *testing.T, dir string, port int) *exec.Cmd {
	t.Helper()
	cluster := filepath.Join(dir, "cluster")
	orphan := exec.Command(binaries(t).Postgres, "-D", cluster, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", "",
		"-c", "dynamic_shared_memory_type=mmap")
	runAsOwner(t, orphan, cluster)
	require.NoError(t, orphan.Start())
	t.Cleanup(func() { _ = orphan.Process.Kill() })
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
		return err == nil && strings.Contains(string(raw), "\nready")
	}, 15*time.Second, 10*time.Millisecond)
	return orphan
}

// A pid file that outlived a reboot may name a process that has nothing to do
// with PostgreSQL, even one of the same user.
func TestStrangerWithTheOldPidIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := seededDir(t)
	cluster := filepath.Join(dir, "cluster")

	stranger := exec.Command("sleep", "600")
	runAsOwner(t, stranger, cluster)
	require.NoError(t, stranger.Start())
	t.Cleanup(func() {
		_ = stranger.Process.Kill()
		_ = stranger.Wait()
	})
	pidFile := filepath.Join(cluster, "postmaster.pid")
	content := strconv.Itoa(stranger.Process.Pid) + "\n" + cluster + "\n1700000000\n5432\n\n127.0.0.1\n  5432001 1\nready   \n"
	require.NoError(t, os.WriteFile(pidFile, []byte(content), 0o600))
	chownLike(t, pidFile, cluster)

	c := start(t, privatepg.Options{DataDir: dir, Ephemeral: true})
	require.Equal(t, "1", mustQuery(t, c.URL("postgres"), "select 1"))
	require.NoError(t, stranger.Process.Signal(syscall.Signal(0)), "the stranger lives")
}

// A pid file copied along with the data names a server of another directory.
func TestServerOfAnotherDirectoryIsLeftAlone(t *testing.T) {
	t.Parallel()
	other := start(t, privatepg.Options{DataDir: seededDir(t), Ephemeral: true})
	dir := seededDir(t)

	raw, err := os.ReadFile(filepath.Join(other.DataDir(), "cluster", "postmaster.pid"))
	require.NoError(t, err)
	copied := filepath.Join(dir, "cluster", "postmaster.pid")
	require.NoError(t, os.WriteFile(copied, raw, 0o600))
	chownLike(t, copied, filepath.Join(dir, "cluster"))

	_, err = privatepg.Start(t.Context(), privatepg.Options{Binaries: binaries(t), DataDir: dir, Ephemeral: true})
	require.ErrorContains(t, err, "postmaster.pid", "PostgreSQL itself refuses")
	require.Equal(t, "1", mustQuery(t, other.URL("postgres"), "select 1"))
}

func runAsOwner(t *testing.T, cmd *exec.Cmd, path string) {
	t.Helper()
	uid, gid := ownerOf(t, path)
	cmd.Dir = "/"
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	}
}

func chownLike(t *testing.T, path, model string) {
	t.Helper()
	uid, gid := ownerOf(t, model)
	require.NoError(t, os.Chown(path, int(uid), int(gid)))
}

func ownerOf(t *testing.T, path string) (uid, gid uint32) {
	t.Helper()
	st, err := os.Stat(path)
	require.NoError(t, err)
	owner, ok := st.Sys().(*syscall.Stat_t)
	require.True(t, ok)
	return owner.Uid, owner.Gid
}

package privatepg_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/shared/privatepg"
)

// parentEnv turns the test binary into a process that runs a cluster in the
// directory it names, until standard input closes.
const parentEnv = "PRIVATEPG_TEST_PARENT_OF"

// seed holds an ephemeral cluster that ran once: copying it is ten times
// faster than initdb.
var seed string

func TestMain(m *testing.M) {
	if dir, ok := os.LookupEnv(parentEnv); ok {
		os.Exit(runParent(dir))
	}
	var err error
	if seed, err = makeSeed(); err != nil {
		os.Exit(fail(err))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(seed)
		os.Exit(code)
	}))
}

func makeSeed() (string, error) {
	dir, err := os.MkdirTemp(tempBase(), "privatepg-seed-")
	if err != nil {
		return "", err
	}
	bin, err := privatepg.FindBinaries("")
	if err != nil {
		return "", err
	}
	c, err := privatepg.Start(context.Background(), privatepg.Options{Binaries: bin, DataDir: dir, Ephemeral: true})
	if err != nil {
		return "", err
	}
	return dir, c.Stop(context.Background())
}

func runParent(dir string) int {
	ctx := context.Background()
	bin, err := privatepg.FindBinaries("")
	if err != nil {
		return fail(err)
	}
	c, err := privatepg.Start(ctx, privatepg.Options{
		Binaries: bin, DataDir: dir,
		Progress: func(text string) { fmt.Fprintln(os.Stderr, text) },
	})
	if err != nil {
		return fail(err)
	}
	fmt.Fprintln(os.Stdout, c.URL("postgres"), c.PID())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := c.Stop(ctx); err != nil {
		return fail(err)
	}
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// parent is a test binary that runs a cluster.
type parent struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
	err   *safeBuffer
}

func startParent(t *testing.T, binary, dir string, cred *syscall.Credential) *parent {
	t.Helper()
	p := &parent{cmd: exec.Command(binary), err: &safeBuffer{}}
	p.cmd.Env = append(os.Environ(), parentEnv+"="+dir)
	p.cmd.Dir = "/"
	p.cmd.Stderr = p.err
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	stdin, err := p.cmd.StdinPipe()
	require.NoError(t, err)
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.out = bufio.NewReader(stdout)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// ready waits for the cluster of the parent.
func (p *parent) ready(t *testing.T) (url string, pid int) {
	t.Helper()
	line, err := p.out.ReadString('\n')
	require.NoError(t, err, p.err.String())
	_, err = fmt.Sscan(line, &url, &pid)
	require.NoError(t, err)
	return url, pid
}

func (p *parent) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
}

// binaries are PostgreSQL's; without it nothing here can be tested.
func binaries(t *testing.T) privatepg.Binaries {
	t.Helper()
	b, err := privatepg.FindBinaries("")
	require.NoError(t, err)
	return b
}

// tempBase is in memory if there is room: initdb writes a thousand files.
func tempBase() string {
	const shm, room = "/dev/shm", 1 << 30
	var st syscall.Statfs_t
	if err := syscall.Statfs(shm, &st); err == nil && st.Bavail*uint64(st.Bsize) > room {
		return shm
	}
	return "/tmp"
}

// tempDir is open to the user the server runs as, unlike t.TempDir.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(tempBase(), "privatepg-test-") //nolint:usetesting // see above
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// seededDir holds an ephemeral cluster that is not running.
func seededDir(t *testing.T) string {
	t.Helper()
	dir := tempDir(t)
	out, err := exec.Command("cp", "-Rp", filepath.Join(seed, "cluster"), dir).CombinedOutput()
	require.NoError(t, err, string(out))
	return dir
}

// start runs a cluster until the end of the test.
func start(t *testing.T, o privatepg.Options) *privatepg.Cluster {
	t.Helper()
	o.Binaries = binaries(t)
	c, err := privatepg.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, c) })
	return c
}

func stop(t *testing.T, c *privatepg.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	require.NoError(t, c.Stop(ctx))
}

// query runs one statement as a client would.
func query(url, statement string) (string, error) {
	out, err := exec.Command("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, url).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func mustQuery(t *testing.T, url, statement string) string {
	t.Helper()
	out, err := query(url, statement)
	require.NoError(t, err, out)
	return out
}

// awaitGone waits until a process that may not be our child has ended.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return syscall.Kill(pid, 0) == syscall.ESRCH || err == nil && strings.Contains(string(stat), ") Z ")
	}, 15*time.Second, 10*time.Millisecond, "process %d is still there", pid)
}

func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "init-*"))
	require.NoError(t, err)
	return found
}

// safeBuffer may be read while a process writes to it.
type safeBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

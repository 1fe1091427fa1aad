package privatepg_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/privatepg"
)

const nobody = 65534

// A directory behind one the server's user may not pass. Root falls back and
// says so; an ordinary user is told which directory is in the way.
func TestUnreachableDirectory(t *testing.T) {
	t.Parallel()
	base := tempDir(t)
	closed := filepath.Join(base, "closed")
	require.NoError(t, os.Mkdir(closed, 0o700))
	if os.Geteuid() != 0 {
		require.NoError(t, os.Chmod(closed, 0))
		_, err := privatepg.Start(t.Context(), privatepg.Options{Binaries: binaries(t), DataDir: filepath.Join(closed, "data")})
		require.ErrorContains(t, err, closed)
		require.NoError(t, os.Chmod(closed, 0o700))
		return
	}
	var told safeBuffer
	opts := privatepg.Options{
		DataDir:      filepath.Join(closed, "data"),
		FallbackDirs: []string{filepath.Join(closed, "spare"), filepath.Join(base, "spare")},
		Ephemeral:    true,
		Progress:     func(text string) { _, _ = told.Write([]byte(text + "\n")) },
	}
	first := start(t, opts)
	require.True(t, strings.HasPrefix(first.DataDir(), filepath.Join(base, "spare", "postgres-")), first.DataDir())
	require.Contains(t, told.String(), "may not pass "+closed+": keeping the data of "+opts.DataDir+" in "+first.DataDir())
	mustQuery(t, first.URL("postgres"), "create table kept (n int); insert into kept values (5)")
	stop(t, first)

	second := start(t, opts)
	require.Equal(t, first.DataDir(), second.DataDir(), "the same directory each time")
	stop(t, second)

	// The obstacle is gone, but the data stays where it is.
	require.NoError(t, os.Chmod(closed, 0o711))
	third := start(t, opts)
	require.Equal(t, first.DataDir(), third.DataDir())
	require.Equal(t, "5", mustQuery(t, third.URL("postgres"), "select n from kept"))
	stop(t, third)

	// Another wanted directory has other data.
	opts.DataDir = filepath.Join(closed, "other")
	require.NoError(t, os.Chmod(closed, 0o700))
	fourth := start(t, opts)
	require.NotEqual(t, first.DataDir(), fourth.DataDir())
	refusals(t, base, closed)
}

// refusals are the cases where falling back would hide data or can not help.
func refusals(t *testing.T, base, closed string) {
	t.Helper()
	_, err := privatepg.Start(t.Context(), privatepg.Options{
		Binaries: binaries(t), DataDir: filepath.Join(closed, "third"), FallbackDirs: []string{closed},
	})
	require.ErrorContains(t, err, "may not pass "+closed+" (chmod o+x it")

	inClosed := filepath.Join(closed, "seeded")
	require.NoError(t, os.Rename(seededDir(t), inClosed))
	_, err = privatepg.Start(t.Context(), privatepg.Options{Binaries: binaries(t), DataDir: inClosed})
	require.ErrorContains(t, err, "owns the data in "+inClosed)
	require.ErrorContains(t, err, "may not pass "+closed)

	hidden := privatepg.Binaries{InitDB: filepath.Join(closed, "initdb"), Postgres: filepath.Join(closed, "postgres")}
	_, err = privatepg.Start(t.Context(), privatepg.Options{Binaries: hidden, DataDir: filepath.Join(base, "fresh")})
	require.ErrorContains(t, err, "may not pass "+closed+", where PostgreSQL is installed")

	ofRoot := seededDir(t)
	require.NoError(t, os.Chown(filepath.Join(ofRoot, "cluster"), 0, 0))
	_, err = privatepg.Start(t.Context(), privatepg.Options{Binaries: binaries(t), DataDir: ofRoot})
	require.ErrorContains(t, err, "belongs to root")
}

func TestDirectoryOfOursIsOpenedJustEnough(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "mine")
	require.NoError(t, os.Mkdir(dir, 0o700))
	c := start(t, privatepg.Options{DataDir: dir, Ephemeral: true, FallbackDirs: []string{"/nonexistent"}})
	require.Equal(t, dir, c.DataDir())

	wanted := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		wanted = 0o711
	}
	st, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, wanted, st.Mode().Perm())
	st, err = os.Stat(filepath.Join(dir, "cluster"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), st.Mode().Perm())
}

func TestServerDoesNotRunAsRoot(t *testing.T) {
	t.Parallel()
	c := start(t, privatepg.Options{DataDir: seededDir(t), Ephemeral: true})
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(c.PID()), "status"))
	require.NoError(t, err)
	uid, _ := ownerOf(t, filepath.Join(c.DataDir(), "cluster"))
	require.NotZero(t, uid)
	require.NotContains(t, string(status), "Uid:\t0")
	if os.Geteuid() == 0 {
		require.Regexp(t, `(?m)^Groups:\s*$`, string(status), "root's groups are dropped")
	}
}

func TestLinkToADirectory(t *testing.T) {
	t.Parallel()
	base := tempDir(t)
	require.NoError(t, os.Mkdir(filepath.Join(base, "real"), 0o755))
	require.NoError(t, os.Symlink("real", filepath.Join(base, "link")))
	c := start(t, privatepg.Options{DataDir: filepath.Join(base, "link", "data"), Ephemeral: true})
	require.Equal(t, filepath.Join(base, "real", "data"), c.DataDir())
}

// A cluster made by an ordinary user is run as that user when root comes, and
// root's files do not lock the user out again.
func TestOrdinaryUserThenRootThenOrdinaryUser(t *testing.T) {
	t.Parallel()
	base := tempDir(t)
	home := filepath.Join(base, "home")
	require.NoError(t, os.Mkdir(home, 0o700))
	var cred *syscall.Credential
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(home, nobody, nobody))
		cred = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	binary := filepath.Join(base, "privatepg.test") // the one go test built lies in a closed directory
	out, err := exec.Command("install", "-m", "755", os.Args[0], binary).CombinedOutput()
	require.NoError(t, err, string(out))
	dir := filepath.Join(home, "data")

	runOnce := func() {
		p := startParent(t, binary, dir, cred)
		url, _ := p.ready(t)
		mustQuery(t, url, "create table if not exists kept (n int); insert into kept values (1)")
		require.NoError(t, p.stdin.Close())
		require.NoError(t, p.cmd.Wait(), p.err.String())
	}
	runOnce()
	c := start(t, privatepg.Options{DataDir: dir})
	require.Equal(t, dir, c.DataDir())
	require.Equal(t, "1", mustQuery(t, c.URL("postgres"), "select count(*) from kept"))
	stop(t, c)
	runOnce()
	c = start(t, privatepg.Options{DataDir: dir})
	require.Equal(t, "2", mustQuery(t, c.URL("postgres"), "select count(*) from kept"))
}

// The other way round nothing can be done, but it is said.
func TestOrdinaryUserAfterRootIsToldSo(t *testing.T) {
	t.Parallel()
	base := tempDir(t)
	closed := filepath.Join(base, "cluster")
	require.NoError(t, os.Mkdir(closed, 0o700))
	var cred *syscall.Credential
	if os.Geteuid() == 0 {
		cred = &syscall.Credential{Uid: nobody, Gid: nobody}
	} else {
		require.NoError(t, os.Chmod(closed, 0))
	}
	binary := filepath.Join(base, "privatepg.test")
	out, err := exec.Command("install", "-m", "755", os.Args[0], binary).CombinedOutput()
	require.NoError(t, err, string(out))
	p := startParent(t, binary, base, cred)
	_ = p.cmd.Wait()
	require.Contains(t, p.err.String(), closed+" can not be used")
	require.Contains(t, p.err.String(), "permission denied")
}

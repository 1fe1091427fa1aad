package privatepg_test

import (
	"context"
	"errors"
	"net"
	"net/url"
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

func TestRestartKeepsDataAndPassword(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "deep", "er")
	first := start(t, privatepg.Options{DataDir: dir})
	require.Equal(t, dir, first.DataDir())
	mustQuery(t, first.URL("postgres"), "create table kept (n int); insert into kept values (42)")
	stop(t, first)
	stop(t, first) // a second stop is harmless
	require.NoError(t, first.Err())

	second := start(t, privatepg.Options{DataDir: dir, Port: first.Port()})
	require.Equal(t, first.URL("postgres"), second.URL("postgres"), "same port, same password")
	require.Equal(t, "42", mustQuery(t, second.URL("postgres"), "select n from kept"))
	require.FileExists(t, filepath.Join(dir, "postgres.log.1"))
}

func TestClusterIsPrivate(t *testing.T) {
	t.Parallel()
	c := start(t, privatepg.Options{DataDir: tempDir(t), ExtraSettings: map[string]string{"work_mem": "5MB"}})
	mine := c.URL("postgres")
	require.Equal(t, "127.0.0.1", mustQuery(t, mine, "show listen_addresses"))
	require.Empty(t, mustQuery(t, mine, "show unix_socket_directories"))
	require.Equal(t, "on", mustQuery(t, mine, "show fsync"))
	require.Equal(t, "5MB", mustQuery(t, mine, "show work_mem"))
	require.Equal(t, "UTF8", mustQuery(t, mine, "show server_encoding"))
	require.Equal(t, "00:00:00", mustQuery(t, mine, "select utc_offset from pg_timezone_names where name = current_setting('timezone')"))

	st, err := os.Stat(filepath.Join(c.DataDir(), "password"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), st.Mode())

	u, err := url.Parse(mine)
	require.NoError(t, err)
	u.User = url.UserPassword(privatepg.User, "wrong")
	out, err := query(u.String(), "select 1")
	require.Error(t, err)
	require.Contains(t, out, "password authentication failed")

	_, err = query(mine, "select 'a very secret value'::int")
	require.Error(t, err)
	log, err := os.ReadFile(filepath.Join(c.DataDir(), "postgres.log"))
	require.NoError(t, err)
	require.NotContains(t, string(log), "STATEMENT")
}

func TestEphemeralNeedsNoPassword(t *testing.T) {
	t.Parallel()
	c := start(t, privatepg.Options{DataDir: tempDir(t), Ephemeral: true})
	require.NoFileExists(t, filepath.Join(c.DataDir(), "password"))
	require.Equal(t, "off", mustQuery(t, c.URL("postgres"), "show fsync"))
}

func TestSecondStartOnTheSameDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	c := start(t, privatepg.Options{DataDir: seededDir(t), Ephemeral: true})
	_, err := privatepg.Start(t.Context(), privatepg.Options{Binaries: binaries(t), DataDir: c.DataDir(), Ephemeral: true})
	require.ErrorContains(t, err, "another process runs PostgreSQL in "+c.DataDir())
	require.Equal(t, "1", mustQuery(t, c.URL("postgres"), "select 1"), "the first one is untouched")
}

func TestFailedStartTellsTheServersLastLines(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)

	dir := seededDir(t)
	_, err = privatepg.Start(t.Context(), privatepg.Options{Binaries: binaries(t), DataDir: dir, Port: number, Ephemeral: true})
	require.ErrorContains(t, err, "Address already in use")

	c := start(t, privatepg.Options{DataDir: dir, Ephemeral: true}) // the directory is free again, and whole
	require.Equal(t, "1", mustQuery(t, c.URL("postgres"), "select 1"))
}

func TestServerThatDiesIsReportedAndRecovers(t *testing.T) {
	t.Parallel()
	dir := seededDir(t)
	first := start(t, privatepg.Options{DataDir: dir, Ephemeral: true})
	mustQuery(t, first.URL("postgres"), "create table kept (n int); insert into kept values (7)")
	require.NoError(t, first.Err())
	require.NoError(t, syscall.Kill(first.PID(), syscall.SIGKILL))
	select {
	case <-first.Done():
	case <-time.After(15 * time.Second):
		t.Fatal("the death of the server went unnoticed")
	}
	require.ErrorContains(t, first.Err(), "signal: killed")
	stop(t, first)
	require.Error(t, first.Err(), "a later stop does not hide the death")

	second := start(t, privatepg.Options{DataDir: dir, Ephemeral: true})
	require.Equal(t, "7", mustQuery(t, second.URL("postgres"), "select n from kept"))
}

func TestStopCutsOpenTransactions(t *testing.T) {
	t.Parallel()
	c := start(t, privatepg.Options{DataDir: seededDir(t), Ephemeral: true})
	busy := make(chan error, 1)
	go func() {
		_, err := query(c.URL("postgres"), "select pg_sleep(600)")
		busy <- err
	}()
	require.Eventually(t, func() bool {
		out, err := query(c.URL("postgres"), "select count(*) from pg_stat_activity where query like 'select pg_sleep%'")
		return err == nil && out == "1"
	}, 10*time.Second, 20*time.Millisecond)
	stop(t, c)
	require.Error(t, <-busy)
	log, err := os.ReadFile(filepath.Join(c.DataDir(), "postgres.log"))
	require.NoError(t, err)
	require.Contains(t, string(log), "received fast shutdown request")
	require.NotContains(t, string(log), "immediate shutdown")
}

func TestStopOfAHangingServerGetsHarsh(t *testing.T) {
	t.Parallel()
	c := start(t, privatepg.Options{DataDir: seededDir(t), Ephemeral: true})
	require.NoError(t, syscall.Kill(c.PID(), syscall.SIGSTOP))
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // no patience at all
	require.NoError(t, c.Stop(ctx))
	require.ErrorIs(t, syscall.Kill(c.PID(), 0), syscall.ESRCH)

	c = start(t, privatepg.Options{DataDir: c.DataDir(), Ephemeral: true})
	require.Equal(t, "1", mustQuery(t, c.URL("postgres"), "select 1"))
}

func TestAbortedStartLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := privatepg.Start(ctx, privatepg.Options{
		Binaries: binaries(t), DataDir: dir, Ephemeral: true,
		Progress: func(string) { cancel(cause) },
	})
	require.ErrorIs(t, err, cause)
	require.Empty(t, leftovers(t, dir))
	require.NoDirExists(t, filepath.Join(dir, "cluster"))
}

func TestUnusableClustersAreExplained(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	stop(t, start(t, privatepg.Options{DataDir: dir}))
	again := privatepg.Options{Binaries: binaries(t), DataDir: dir}

	password := filepath.Join(dir, "password")
	require.NoError(t, os.Rename(password, password+".away"))
	_, err := privatepg.Start(t.Context(), again)
	require.ErrorContains(t, err, password+" is missing")
	require.NoError(t, os.Rename(password+".away", password))

	version := filepath.Join(dir, "cluster", "PG_VERSION")
	require.NoError(t, os.WriteFile(version, []byte("11\n"), 0o600))
	_, err = privatepg.Start(t.Context(), again)
	require.ErrorContains(t, err, "of PostgreSQL 11")
	require.ErrorContains(t, err, "TIANJI_PG_BIN")

	require.NoError(t, os.Remove(version))
	_, err = privatepg.Start(t.Context(), again)
	require.ErrorContains(t, err, filepath.Join(dir, "cluster")+" can not be used")
}

func TestDiskFullIsTold(t *testing.T) {
	t.Parallel()
	full := fakeInitDB(t, `echo 'initdb: error: could not write to file "x": No space left on device' >&2; exit 1`)
	dir := tempDir(t)
	_, err := privatepg.Start(t.Context(), privatepg.Options{Binaries: full, DataDir: dir, Ephemeral: true})
	require.ErrorContains(t, err, "initdb: exit status 1")
	require.ErrorContains(t, err, "No space left on device")
	require.Empty(t, leftovers(t, dir))
}

func TestEndlessOutputIsBounded(t *testing.T) {
	t.Parallel()
	chatty := fakeInitDB(t, `i=0; while [ $i -lt 200 ]; do echo "line $i"; i=$((i+1)); done; printf '%0100000d' 7; exit 1`)
	_, err := privatepg.Start(t.Context(), privatepg.Options{Binaries: chatty, DataDir: tempDir(t), Ephemeral: true})
	require.ErrorContains(t, err, "line 199")
	require.NotContains(t, err.Error(), "line 100\n")
	require.Less(t, len(err.Error()), 6<<10)
	require.Less(t, strings.Count(err.Error(), "\n"), 52)
}

// fakeInitDB is an initdb that does what script says. Another process writes
// it: a file we hold open for writing could be inherited by a fork of a
// parallel test, and would then be too busy to run.
func fakeInitDB(t *testing.T, script string) privatepg.Binaries {
	t.Helper()
	b := binaries(t)
	b.InitDB = filepath.Join(tempDir(t), "initdb")
	install := exec.Command("install", "-m", "755", "/dev/stdin", b.InitDB)
	install.Stdin = strings.NewReader("#!/bin/sh\n" + script + "\n")
	out, err := install.CombinedOutput()
	require.NoError(t, err, string(out))
	return b
}

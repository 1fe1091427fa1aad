package pgtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m, pgtest.CheckLeaks()) }

// migrations counts how often the template was made.
var migrations atomic.Int32

func migrate(ctx context.Context, url string) error {
	migrations.Add(1)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE TABLE thing (n int PRIMARY KEY); INSERT INTO thing VALUES (1)")
	return errors.Join(err, conn.Close(ctx))
}

func TestNewGivesEachTestItsOwnMigratedDatabase(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 8)
	t.Run("group", func(t *testing.T) {
		t.Parallel()
		for i := range 4 {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				url := pgtest.New(t, "thing", migrate)
				conn := connect(t, url)
				_, err := conn.Exec(t.Context(), "INSERT INTO thing VALUES (2)")
				require.NoError(t, err, "nobody else is in this database")
				seen <- url
			})
		}
		t.Cleanup(func() {
			close(seen)
			urls := map[string]bool{}
			for url := range seen {
				urls[url] = true
				_, err := pgx.Connect(context.Background(), url)
				require.ErrorContains(t, err, "does not exist", "dropped at the end of its test")
			}
			require.Len(t, urls, 4)
			require.EqualValues(t, 1, migrations.Load(), "migrated once, copied then")
		})
	})
}

func TestNewWithoutMigrationIsEmpty(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.New(t, "empty", nil))
	require.Equal(t, "0", query(t, conn, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"))
}

func TestNewDropsADatabaseThatIsInUse(t *testing.T) { //nolint:tparallel // its part has to be over first
	t.Parallel()
	var url string
	t.Run("test", func(t *testing.T) {
		url = pgtest.New(t, "empty", nil)
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
	})
	_, err := pgx.Connect(t.Context(), url)
	require.ErrorContains(t, err, "does not exist")
}

func TestClusterSurvivesEverything(t *testing.T) {
	t.Parallel()
	c := pgtest.Cluster(t)
	address := c.URL("postgres")
	conn := connect(t, address)
	_, err := conn.Exec(t.Context(), "CREATE TABLE kept (n int)")
	require.NoError(t, err)

	for i, end := range []func(){c.Stop, c.Kill, func() {}} {
		_, err := conn.Exec(t.Context(), "INSERT INTO kept VALUES ($1)", i)
		require.NoError(t, err)
		end()
		c.Restart()
		require.Equal(t, address, c.URL("postgres"), "the same port")
		_, err = conn.Exec(t.Context(), "SELECT 1")
		require.Error(t, err, "the old connection is gone")
		conn = connect(t, address)
		require.Equal(t, strconv.Itoa(i+1), query(t, conn, "SELECT count(*) FROM kept"))
	}
	c.Stop() // and the end of the test finds it stopped
}

func TestPausedClusterHangs(t *testing.T) {
	t.Parallel()
	c := pgtest.Cluster(t)
	c.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := pgx.Connect(ctx, c.URL("postgres"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	c.Resume()
	connect(t, c.URL("postgres"))
}

// The tests above in another process, on a server it did not start.
func TestNewOnAServerOfOthers(t *testing.T) {
	t.Parallel()
	c := pgtest.Cluster(t)
	conn := connect(t, c.URL("postgres"))
	for _, left := range []string{"tianji_test_gone_db1", "tianji_test_gone_template2", "tianji_testing"} {
		_, err := conn.Exec(t.Context(), "CREATE DATABASE "+left)
		require.NoError(t, err)
	}
	out, err := rerun(t, "^TestNew(Gives|Without|Drops)", "TIANJI_TEST_DATABASE_URL="+c.URL("postgres"))
	require.NoError(t, err, out)
	require.Contains(t, out, "--- PASS: TestNewGivesEachTestItsOwnMigratedDatabase")
	require.Equal(t, "tianji_testing", query(t, conn, "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE 'tianji%'"),
		"its own databases are gone, and those of a process that was killed, and no others")
}

// A process that still runs keeps its databases.
func TestNewOnAServerOfOthersSparesTheLiving(t *testing.T) {
	t.Parallel()
	c := pgtest.Cluster(t)
	conn := connect(t, c.URL("postgres"))
	_, err := conn.Exec(t.Context(), "CREATE DATABASE tianji_test_alive_db1")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "SELECT pg_advisory_lock(hashtextextended('tianji_test_alive', 0))")
	require.NoError(t, err)
	out, err := rerun(t, "^TestNewWithout", "TIANJI_TEST_DATABASE_URL="+c.URL("postgres"))
	require.NoError(t, err, out)
	require.Equal(t, "1", query(t, conn, "SELECT count(*) FROM pg_database WHERE datname = 'tianji_test_alive_db1'"))
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ run, env, says string }{
		"no postgres":  {"^TestNewWithout", "TIANJI_PG_BIN=/nonexistent", "no PostgreSQL in /nonexistent"},
		"keyword form": {"^TestNewWithout", "TIANJI_TEST_DATABASE_URL=host=x password=hunter2", "must look like postgres://"},
		"a leak":       {"^TestLeaky$", "PGTEST_LEAK=1", "found unexpected goroutines"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := rerun(t, c.run, c.env)
			require.Error(t, err, "the package must fail")
			require.Contains(t, out, c.says)
			require.NotContains(t, out, "hunter2")
			require.NotContains(t, out, "SKIP")
		})
	}
}

// TestLeaky leaks where TestFailures asks it to.
func TestLeaky(t *testing.T) {
	t.Parallel()
	if _, ok := os.LookupEnv("PGTEST_LEAK"); ok {
		go func() { select {} }()
	}
	require.NotEmpty(t, pgtest.New(t, "empty", nil))
}

// A process without Main leaves its directory; the next one takes it away.
func TestDirectoriesOfDeadProcessesAreRemoved(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	ended := exec.Command("true")
	require.NoError(t, ended.Run())
	var dead, alive []string
	for _, base := range []string{"/dev/shm", tmp} { // whichever it takes
		d, errDead := os.MkdirTemp(base, fmt.Sprintf("tianji-pgtest-%d-", ended.Process.Pid)) //nolint:usetesting // the name matters
		a, errAlive := os.MkdirTemp(base, fmt.Sprintf("tianji-pgtest-%d-", os.Getpid()))      //nolint:usetesting // the name matters
		if errDead == nil && errAlive == nil {
			dead, alive = append(dead, d), append(alive, a)
		}
	}
	t.Cleanup(func() {
		for _, dir := range append(dead, alive...) {
			_ = os.RemoveAll(dir)
		}
	})
	require.NoError(t, os.Chmod(filepath.Dir(tmp), 0o755))
	require.NoError(t, os.Chmod(tmp, 0o755))
	out, err := rerun(t, "^TestNewWithout", "TMPDIR="+tmp)
	require.NoError(t, err, out)
	var left []string
	for _, dir := range dead {
		if _, err := os.Stat(dir); err == nil {
			left = append(left, dir)
		}
	}
	require.Less(t, len(left), len(dead), "none was removed: %v", left)
	for _, dir := range alive {
		require.DirExists(t, dir)
	}
}

// rerun runs some of these tests in another process.
func rerun(t *testing.T, pattern string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run", pattern)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(u.Scheme, "postgres"))
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func query(t *testing.T, conn *pgx.Conn, statement string) string {
	t.Helper()
	var out string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT ("+statement+")::text").Scan(&out))
	return out
}

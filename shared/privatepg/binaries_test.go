package privatepg_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/privatepg"
)

func TestFindBinariesInTheGivenFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	require.NoError(t, os.Mkdir(bin, 0o755))

	_, err := privatepg.FindBinaries(dir)
	require.ErrorContains(t, err, "no PostgreSQL in "+dir)

	initdb := filepath.Join(bin, "initdb")
	require.NoError(t, os.WriteFile(initdb, nil, 0o755))
	_, err = privatepg.FindBinaries(bin)
	require.ErrorContains(t, err, "both initdb and postgres")

	postgres := filepath.Join(bin, "postgres")
	require.NoError(t, os.WriteFile(postgres, nil, 0o644))
	_, err = privatepg.FindBinaries(bin)
	require.Error(t, err, "it can not be run")

	require.NoError(t, os.Chmod(postgres, 0o755))
	for _, given := range []string{dir, bin} {
		found, err := privatepg.FindBinaries(given)
		require.NoError(t, err)
		require.Equal(t, privatepg.Binaries{InitDB: initdb, Postgres: postgres}, found)
	}
}

// Only the PATH can be emptied here, so where no folder holds PostgreSQL the
// message is seen, and where one does it is found without the PATH.
func TestFindBinariesByItself(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Chdir(t.TempDir())
	found, err := privatepg.FindBinaries("")
	if err != nil {
		require.ErrorIs(t, err, privatepg.ErrNotInstalled)
		return
	}
	require.FileExists(t, found.InitDB)
	require.FileExists(t, found.Postgres)
}

func TestMissingPostgresSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	_, err := privatepg.FirstOf([]string{t.TempDir(), "/nonexistent"})
	require.ErrorIs(t, err, privatepg.ErrNotInstalled)
	require.ErrorContains(t, err, "apt-get install postgresql")
	require.ErrorContains(t, err, "brew install postgresql@17")
}

func TestNewestVersionWins(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"/usr/local/opt/postgresql@18/bin",
		"/usr/pgsql-17/bin",
		"/usr/lib/postgresql/15/bin",
		"/usr/lib/postgresql/9.6/bin",
		"/Applications/Postgres.app/Contents/Versions/latest/bin",
	}, privatepg.NewestFirst([]string{
		"/usr/lib/postgresql/9.6/bin",
		"/usr/lib/postgresql/15/bin",
		"/Applications/Postgres.app/Contents/Versions/latest/bin",
		"/usr/pgsql-17/bin",
		"/usr/local/opt/postgresql@18/bin",
	}))
}

// FindBinaries prefers what the PATH names over the usual folders.
func TestFindBinariesOnThePath(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"initdb", "postgres"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o755))
	}
	t.Setenv("PATH", dir)
	found, err := privatepg.FindBinaries("")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "initdb"), found.InitDB)
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := privatepg.Start(t.Context(), privatepg.Options{DataDir: t.TempDir()})
	require.ErrorContains(t, err, "FindBinaries")
	_, err = privatepg.Start(t.Context(), privatepg.Options{Binaries: binaries(t)})
	require.ErrorContains(t, err, "no data directory")
}

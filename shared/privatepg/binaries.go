package privatepg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNotInstalled is returned by [FindBinaries] where PostgreSQL is missing.
var ErrNotInstalled = errors.New("PostgreSQL is not installed: no folder holds both initdb and postgres; " +
	"install it (Debian and Ubuntu: apt-get install postgresql, macOS: brew install postgresql@17) " +
	"or point TIANJI_PG_BIN at its bin folder")

// Binaries are the absolute paths of the two programs a cluster needs.
type Binaries struct {
	InitDB   string
	Postgres string
}

var (
	numbers      = regexp.MustCompile(`\d+`)
	majorVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)
)

// FindBinaries looks in override (a bin folder or its parent) and nowhere
// else if it is not empty; otherwise in the folder pg_config names, on the
// PATH, in the usual installation folders (newest first) and in .bin/pg.
func FindBinaries(override string) (Binaries, error) {
	if override != "" {
		for _, dir := range []string{override, filepath.Join(override, "bin")} {
			if b, ok := binariesIn(dir); ok {
				return b, nil
			}
		}
		return Binaries{}, fmt.Errorf("no PostgreSQL in %s: it must hold both initdb and postgres (TIANJI_PG_BIN)", override)
	}
	return firstOf(candidateFolders())
}

func firstOf(dirs []string) (Binaries, error) {
	for _, dir := range dirs {
		if b, ok := binariesIn(dir); ok {
			return b, nil
		}
	}
	return Binaries{}, ErrNotInstalled
}

// binariesIn wants both programs: libpq-dev alone brings pg_config, and the
// client packages bring neither.
func binariesIn(dir string) (Binaries, bool) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Binaries{}, false
	}
	b := Binaries{InitDB: filepath.Join(abs, "initdb"), Postgres: filepath.Join(abs, "postgres")}
	return b, isExecutable(b.InitDB) && isExecutable(b.Postgres)
}

func isExecutable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

func candidateFolders() []string {
	var dirs []string
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	var versioned []string
	for _, pattern := range []string{ // where packages put it
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		found, _ := filepath.Glob(pattern) // only a malformed pattern is an error
		versioned = append(versioned, found...)
	}
	dirs = append(dirs, newestFirst(versioned)...)
	return append(dirs, ".bin/pg/bin", ".bin/pg")
}

func newestFirst(folders []string) []string {
	slices.SortStableFunc(folders, func(a, b string) int { return cmp.Compare(versionIn(b), versionIn(a)) })
	return folders
}

// versionIn reads the version out of an installation path: 17 before 9.6,
// which text order would get wrong.
func versionIn(path string) float64 {
	v := numbers.FindAllString(path, 2)
	if len(v) == 0 {
		return 0
	}
	n, _ := strconv.ParseFloat(strings.Join(v, "."), 64) // digits always parse
	return n
}

// major asks the server binary for its major version, such as "17".
func (b Binaries) major(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, b.Postgres, "--version").Output() //nolint:gosec // the path comes from FindBinaries
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", b.Postgres, err)
	}
	m := majorVersion.FindSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("%s does not look like PostgreSQL: it calls itself %.60q", b.Postgres, out)
	}
	return string(m[1]), nil
}

package sdk_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// installation makes the packages of node/package-lock.json available once.
type installation struct {
	once sync.Once
	dir  string
}

var packages installation

// installed returns a directory in which the packages are. They are kept in the
// user's cache, under the name of the lock file's sum: half a gigabyte is not
// to be written for each run.
func installed(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		_, err := exec.LookPath(program)
		require.NoError(t, err, "%s is missing: install Node.js 20 or newer with npm, for example with 'apt-get install nodejs npm'", program)
	}
	packages.once.Do(func() { packages.dir = install(t) })
	require.NotEmpty(t, packages.dir, "the packages could not be installed")
	return packages.dir
}

func install(t *testing.T) string {
	t.Helper()
	files := map[string][]byte{}
	sum := sha256.New()
	for _, name := range []string{".npmrc", "package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join("node", name))
		require.NoError(t, err)
		files[name] = b
		sum.Write(b)
	}
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	dir := filepath.Join(cache, "tianjillm-test", "node-"+hex.EncodeToString(sum.Sum(nil)[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(dir), 0o750))
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "new-") //nolint:usetesting // beside what it is renamed to
	require.NoError(t, err)
	defer func() { _ = os.RemoveAll(fresh) }()
	for name, b := range files {
		require.NoError(t, os.WriteFile(filepath.Join(fresh, name), b, 0o600))
	}
	// Scripts of packages are not run: none is needed.
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
	cmd.Dir = fresh
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "npm ci:\n%s", out)
	if err := os.Rename(fresh, dir); err != nil {
		_, err = os.Stat(dir) // another process was faster
		require.NoError(t, err)
	}
	return dir
}

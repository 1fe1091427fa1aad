package integration_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// TestOpenAINode drives a data plane with the official Node SDK, at the
// version of node/package-lock.json.
func TestOpenAINode(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"node", "npm"} {
		_, err := exec.LookPath(program)
		require.NoError(t, err, "%s is missing: install Node.js 20 or newer with npm, for example with 'apt-get install nodejs npm'", program)
	}
	v := fakevendor.Start(t)
	v.Script("gpt-busy", fakevendor.FailLater(http.StatusTooManyRequests, "Slow down.", "7"))
	s := stack.Start(t, stack.Options{Config: sdkConfig(v)})
	key := s.NewKey(t, nil)

	// In a directory of its own: the installed packages do not belong into the
	// source tree.
	dir := t.TempDir()
	for _, name := range []string{".npmrc", "package.json", "package-lock.json", "sdk.test.mjs"} {
		b, err := os.ReadFile(filepath.Join("node", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	run := func(program string, args ...string) {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TIANJI_BASE_URL="+s.DataPlane(0), "TIANJI_KEY="+key, "NO_PROXY=127.0.0.1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s %v:\n%s", program, args, out)
	}
	run("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund")
	run("node", "--test", "--test-reporter=tap", "sdk.test.mjs")
}

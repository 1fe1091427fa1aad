package sdk_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
	"github.com/tianjillm/tianjillm/test/sdk/suite"
	"github.com/tianjillm/tianjillm/test/stack"
)

// note is what Claude Code is to read.
const note = "the number is 4711"

// claudeCode runs one prompt and returns what Claude Code says of it.
func claudeCode(t *testing.T, work string, env ...string) map[string]any {
	t.Helper()
	programs, err := filepath.Glob(filepath.Join(installed(t), "node_modules", "@anthropic-ai", "claude-code-*", "claude"))
	require.NoError(t, err)
	require.Len(t, programs, 1, "npm installs the program of this platform")
	cmd := exec.CommandContext(t.Context(), programs[0], "-p", "Which number is in note.txt?", "--output-format", "json", "--allowedTools", "Read")
	cmd.Dir = work
	// https://docs.claude.com/en/docs/claude-code/settings#environment-variables
	// The proxy is one that nobody runs: it is to call its base URL only.
	cmd.Env = append([]string{
		"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1",
		"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_TELEMETRY=1", "DISABLE_ERROR_REPORTING=1", "DISABLE_AUTOUPDATER=1",
	}, env...)
	out, err := cmd.Output()
	require.NoError(t, err, "%s", out)
	var said map[string]any
	require.NoError(t, json.Unmarshal(out, &said), "%s", out)
	require.Equal(t, false, said["is_error"], "%s", out)
	return said
}

// workplace has the note, and returns with it the script of a model that reads it.
func workplace(t *testing.T) (string, []fakevendor.Behaviour) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "note.txt")
	require.NoError(t, os.WriteFile(path, []byte(note+"\n"), 0o600))
	read := fakevendor.ToolCall{ID: "vendor1", Name: "Read", Arguments: fakevendor.Render(map[string]string{"file_path": path})}
	return dir, []fakevendor.Behaviour{
		fakevendor.Answer(fakevendor.Options{Calls: []fakevendor.ToolCall{read}}),
		fakevendor.Answer(fakevendor.Options{Calls: []fakevendor.ToolCall{}}),
	}
}

// TestClaudeCode_vendor: Claude Code takes the vendor for Anthropic's API.
func TestClaudeCode_vendor(t *testing.T) {
	t.Parallel()
	v := fakeanthropic.Start(t)
	work, script := workplace(t)
	v.Script("claude-vendor", script...)
	said := claudeCode(t, work, "ANTHROPIC_BASE_URL="+v.URL(), "ANTHROPIC_API_KEY="+fakevendor.Key, "ANTHROPIC_MODEL=claude-vendor", "ANTHROPIC_SMALL_FAST_MODEL=claude-small")
	require.Contains(t, said["result"], note)
	require.Empty(t, v.Refused())
}

// TestClaudeCode: Claude Code does its work with the gateway as its base URL,
// whoever answers.
func TestClaudeCode(t *testing.T) {
	t.Parallel()
	upstreams := suite.Upstreams(t)
	s := stack.Start(t, stack.Options{Config: suite.Config(upstreams)})
	for _, u := range upstreams {
		t.Run(u.Name, func(t *testing.T) {
			t.Parallel()
			key := s.NewKey(t, nil)
			work, script := workplace(t)
			u.Vendor.Script(u.Native(suite.Good), script...)
			said := claudeCode(t, work, "ANTHROPIC_BASE_URL="+s.DataPlane(0), "ANTHROPIC_AUTH_TOKEN="+key,
				"ANTHROPIC_MODEL="+u.Model(suite.Good), "ANTHROPIC_SMALL_FAST_MODEL="+u.Model(suite.Thinks))
			require.Contains(t, said["result"], note)
			require.InDelta(t, 2, said["num_turns"], 0)
			for _, c := range u.Unexpected() {
				t.Errorf("%s refused %s %s: %s\n%s", u.Name, c.Method, c.Path, c.Refusal, c.Body)
			}
			rows := s.WaitBooked(t, key, 2)
			require.Equal(t, u.Model(suite.Good), rows[1].ModelGroup)
			require.True(t, rows[1].Stream)
			require.Positive(t, rows[1].SpendNano)
		})
	}
}

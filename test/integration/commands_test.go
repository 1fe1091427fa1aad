package integration_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/deploy/cmd/tianji/program"
	"github.com/tianjillm/tianjillm/test/stack"
)

var update = flag.Bool("update", false, "write what commands print to testdata")

const commandsConfig = `
model_list:
- {model_name: mock, litellm_params: {model: mock/mock}}
litellm_settings: {store_audit_logs: true}
general_settings: {audit_chain: true}
`

// shell runs the program against an installation.
type shell struct {
	t   *testing.T
	env map[string]string
	in  string
}

func newShell(t *testing.T, s *stack.Stack) *shell {
	t.Helper()
	return &shell{t: t, env: map[string]string{"TIANJI_URL": s.DataPlane(0), "TIANJI_API_KEY": stack.MasterKey, "HOME": t.TempDir()}}
}

// try runs a command and returns its status with what it wrote.
func (x *shell) try(args ...string) (status int, out, errs string) {
	x.t.Helper()
	var stdout, stderr bytes.Buffer
	status = program.Run(x.t.Context(), &program.Terminal{
		In: strings.NewReader(x.in), Out: &stdout, Err: &stderr, Lookup: func(name string) (string, bool) { v, ok := x.env[name]; return v, ok },
	}, args)
	return status, stdout.String(), stderr.String()
}

// run is try for a command that succeeds.
func (x *shell) run(args ...string) string {
	x.t.Helper()
	status, out, errs := x.try(args...)
	require.Equal(x.t, program.StatusOK, status, "%v: %s", args, errs)
	return out
}

// steady replaces what is made up by texts of the same length.
func steady(s string) string {
	for _, r := range [][2]string{
		{`sk-[A-Za-z0-9_-]{22}\b`, "sk-TTTTTTTTTTTTTTTTTTTTTT"},
		{`sk-\.\.\.[A-Za-z0-9_-]{4}`, "sk-...NAME"},
		{`[0-9a-f]{64}`, strings.Repeat("H", 64)},
		{`20\d\d-\d\d-\d\d \d\d:\d\d`, "2026-01-02 03:04"},
		{`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, strings.Repeat("I", 36)},
		{`[0-9a-f]{6,63}…`, "HHH…"},
	} {
		s = regexp.MustCompile(r[0]).ReplaceAllString(s, r[1])
	}
	return s
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "see what changed, and run the test with -update when it is meant")
}

func TestCommands_print_tables(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: commandsConfig})
	x := newShell(t, s)
	var all strings.Builder
	step := func(args ...string) {
		all.WriteString("$ tianji " + strings.Join(args, " ") + "\n" + steady(x.run(args...)) + "\n")
	}
	step("teams", "create", "--id", "search", "--alias", "Search and find", "--max-budget", "1000", "--budget-duration", "30d", "--rpm", "6000")
	step("users", "create", "--id", "ann", "--email", "ann@example.com", "--role", "internal_user", "--max-budget", "0.005")
	step("users", "update", "ann", "--alias", "Ann", "--max-budget", "20")
	step("teams", "add-member", "search", "ann", "--role", "admin", "--max-budget", "20")
	step("teams", "update-member", "search", "ann", "--max-budget", "$25.50")
	step("keys", "create", "--alias", "my-app", "--team", "search", "--user", "ann", "--models", "mock, other", "--max-budget", "10", "--budget-duration", "7d", "--metadata", `{"cost_center": "42"}`)
	step("keys", "create", "--alias", "short-lived", "--team", "search", "--expires", "30d")
	step("keys", "list", "--team", "search", "--sort", "key_alias", "--order", "asc")
	step("keys", "list", "--page", "2", "--size", "1", "--sort", "key_alias")
	step("keys", "list", "--hashes", "--alias", "my-app")
	step("keys", "update", "my-app", "--max-budget", "none", "--rpm", "120", "--spend", "1.5")
	step("keys", "block", "my-app")
	step("keys", "info", "my-app")
	step("keys", "unblock", "my-app")
	step("keys", "rotate", "my-app")
	step("limits", "show", "key", "my-app")
	step("limits", "show", "team", "search")
	step("teams", "info", "search")
	step("teams", "update", "search", "--models", "mock", "--max-budget", "200")
	step("teams", "list")
	step("users", "info", "ann")
	step("users", "list")
	step("models", "add", "gpt", "--id", "m-1", "--model", "openai/gpt-4o", "--api-key", "sk-hidden", "--info", `{"mode": "chat"}`, "--params", `{"weight": 2}`)
	step("models", "update", "m-1", "--rpm", "60")
	// Prices and sizes are those of the vendors, and change with them.
	require.Regexp(t, `(?m)^name +gpt\nid +m-1\nfrom +database\nprovider +openai\n(.*\n)*model +openai/gpt-4o\nrpm +60\nweight +2\n$`, x.run("models", "info", "m-1"))
	require.Regexp(t, `\nmock +mock/mock .* file +[0-9a-f]+…\ngpt +openai/gpt-4o .* database +m-1\n2 in all\n$`, x.run("models", "list"))
	require.NotContains(t, x.run("models", "list", "--json"), "sk-hidden")
	step("models", "delete", "m-1")
	for _, of := range []string{"total", "keys", "teams", "users", "models", "providers", "tags", "logs"} {
		step("spend", of)
	}
	step("audit", "list", "--action", "blocked")
	step("keys", "delete", "my-app")
	step("teams", "remove-member", "search", "ann")
	step("keys", "list", "--status", "deleted")
	step("teams", "block", "search")
	require.Regexp(t, `(?m)^state +blocked$`, x.run("teams", "info", "search"))
	step("teams", "unblock", "search")
	step("teams", "delete", "search")
	step("teams", "list")
	step("users", "delete", "ann")
	golden(t, "commands.txt", all.String())
}

func TestCommands_show_what_was_spent(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: strings.Replace(commandsConfig, "model: mock/mock", "model: mock/mock, input_cost_per_token: 0.01, output_cost_per_token: 0.01", 1)})
	x := newShell(t, s)
	x.run("users", "create", "--id", "ann")
	key := s.NewKey(t, map[string]any{"key_alias": "my-app", "user_id": "ann"})
	s.Client(key).Post(t, "/v1/chat/completions", `{"model":"mock","messages":[{"role":"user","content":"Hello"}]}`).OK(t)
	s.WaitBooked(t, key, 1)
	amount := regexp.MustCompile(`\$0\.\d+|\$[1-9][\d,]*\.\d\d`)
	for _, of := range []string{"total", "keys", "users", "models", "days", "logs"} {
		require.Regexp(t, amount, x.run("spend", of), of)
	}
	require.Contains(t, x.run("spend", "keys"), "my-app")
	require.Contains(t, x.run("spend", "logs", "--user", "ann"), "mock")
	require.Contains(t, x.run("spend", "logs", "--of", "my-app"), "mock")
	require.Contains(t, x.run("spend", "logs", "--of", s.NewKey(t, nil)), "0 in all")
	require.Regexp(t, amount, x.run("spend", "days", "--of", key))
	require.Regexp(t, amount, x.run("keys", "info", key))
}

func TestCommands_print_replies_as_they_are(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: commandsConfig})
	x := newShell(t, s)
	require.JSONEq(t, `{"keys": [], "total_count": 0, "current_page": 1, "total_pages": 0}`, x.run("keys", "list", "--json"))
	made := x.run("keys", "create", "--json", "--alias", "one")
	require.Contains(t, made, `"key_alias":"one"`)
	require.Contains(t, x.run("keys", "delete", "one", "--json"), `"deleted_keys"`)

	var listed struct {
		Logs []struct {
			ID     string `json:"id"`
			Action string `json:"action"`
		} `json:"audit_logs"`
	}
	require.NoError(t, json.Unmarshal([]byte(x.run("audit", "list", "--json")), &listed))
	require.Len(t, listed.Logs, 2)
	shown := x.run("audit", "show", listed.Logs[1].ID)
	require.Contains(t, shown, "action  created")
	require.Contains(t, shown, `"key_alias": "one"`)
}

func TestCommands_say_what_to_do(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: commandsConfig})
	x := newShell(t, s)
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{program.StatusFailed, `there is no key with the alias "nobody": see 'tianji keys list'`, []string{"keys", "info", "nobody"}},
		{program.StatusFailed, "is the key right? Set TIANJI_API_KEY or --key", []string{"keys", "list", "--key", "sk-wrong-0123456789abcdef"}},
		{program.StatusFailed, "max_budget cannot be negative", []string{"keys", "create", "--max-budget", "-5"}},
		{program.StatusFailed, "(status 404)", []string{"teams", "info", "none"}},
		{program.StatusFailed, "unknown kind", []string{"limits", "show", "planet", "mars"}},
		{program.StatusFailed, "not found", []string{"audit", "show", "none"}},
		{program.StatusFailed, "none: Model with id=none not found in db", []string{"models", "delete", "none"}},
		{program.StatusFailed, "no credential on standard input", []string{"models", "add", "x", "--model", "openai/x", "--api-key", "-"}},
		{program.StatusFailed, "is it running? Name another with --url", []string{"keys", "list", "--url", "http://127.0.0.1:1"}},
		{program.StatusUsage, "unknown command 'keys frobnicate'", []string{"keys", "frobnicate"}},
		{program.StatusUsage, "did you mean --data-dir?", []string{"standalone", "--datadir", "x"}},
		{program.StatusUsage, "--from is missing", []string{"import-litellm"}},
		{program.StatusUsage, "unknown flag --frm", []string{"import-litellm", "--frm", "x"}},
		{program.StatusUsage, "unknown command", []string{"frobnicate"}},
	} {
		status, _, errs := x.try(c.args...)
		require.Equal(t, c.status, status, c.args)
		require.Contains(t, errs, c.want, c.args)
		require.True(t, strings.HasPrefix(errs, "tianji: "))
		require.NotContains(t, errs, "sk-wrong")
	}
	require.Contains(t, x.run("help"), "import-litellm")
	require.Contains(t, x.run("help", "keys", "create"), "--max-budget DOLLARS")
	require.NotEmpty(t, x.run("version"))
}

func TestAudit_verify_finds_what_was_changed(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: commandsConfig})
	x := newShell(t, s)
	x.env["DATABASE_URL"] = s.DB().Config().ConnString()
	require.Contains(t, x.run("audit", "verify"), "nothing could be verified")
	for _, alias := range []string{"one", "two", "three"} {
		x.run("keys", "create", "--alias", alias)
	}
	require.Contains(t, x.run("audit", "verify"), "linked entries    3\nentries without   0\nthe chain is sound\n")

	_, err := s.DB().Exec(t.Context(), `UPDATE audit_log SET changed_by = 'nobody' WHERE updated_values->>'key_alias' = 'two'`)
	require.NoError(t, err)
	status, out, errs := x.try("audit", "verify")
	require.Equal(t, program.StatusFailed, status)
	require.Contains(t, out, "linked entries    1\n")
	require.Contains(t, errs, "the audit trail is not what was written")
	require.NotContains(t, out, "sound")
}

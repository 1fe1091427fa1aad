package integration_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/deploy/cmd/tianji/program"
	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
	"github.com/tianjillm/tianjillm/testkit/litellmtest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

// importShell is a shell in the environment of somebody who moves in. What is said
// there must never hold a secret.
type importShell struct {
	*shell

	secrets []string
}

func newImportShell(t *testing.T, s *stack.Stack, from string) *importShell {
	t.Helper()
	x := &importShell{newShell(t, s), []string{stack.SaltKey, litellmtest.SaltKey, litellmtest.MasterKey, fakevendor.Key, litellmtest.KeyAnn, litellmtest.Hash(litellmtest.KeyAnn), "sk-stored-as-it-is"}}
	x.env["LITELLM_DATABASE_URL"], x.env["LITELLM_SALT_KEY"], x.env["LITELLM_MASTER_KEY"] = from, litellmtest.SaltKey, litellmtest.MasterKey
	x.env["DATABASE_URL"], x.env["TIANJI_SALT_KEY"] = s.DB().Config().ConnString(), stack.SaltKey
	return x
}

func (x *importShell) try(args ...string) (status int, out, errs string) {
	x.t.Helper()
	status, out, errs = x.shell.try(append([]string{"import-litellm"}, args...)...)
	for _, secret := range x.secrets {
		require.NotContains(x.t, out+errs, secret)
	}
	return status, out, errs
}

func (x *importShell) run(args ...string) (out, errs string) {
	x.t.Helper()
	status, out, errs := x.try(args...)
	require.Equal(x.t, program.StatusOK, status, "%v: %s", args, errs)
	return out, errs
}

// content is everything in a database but for what planes write by themselves.
func content(t *testing.T, s *stack.Stack) map[string]string {
	t.Helper()
	names, err := s.DB().Query(t.Context(), `SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(names, pgx.RowTo[string])
	require.NoError(t, err)
	all := map[string]string{}
	for _, table := range tables {
		if table == "outbox" || strings.HasPrefix(table, "goose") {
			continue
		}
		var rows string
		require.NoError(t, s.DB().QueryRow(t.Context(), fmt.Sprintf("SELECT coalesce(string_agg(to_jsonb(x)::text, E'\\n' ORDER BY to_jsonb(x)::text), '') FROM %q x", table)).Scan(&rows))
		all[table] = rows
	}
	return all
}

func chat(t *testing.T, c *stack.Client, model string) stack.Reply {
	t.Helper()
	return c.Post(t, "/v1/chat/completions", strings.Replace(hello, `"gpt"`, `"`+model+`"`, 1))
}

// answers waits until a data plane knows a key and a model, and asks.
func answers(t *testing.T, c *stack.Client, model string) {
	t.Helper()
	stack.Await(t, "the key and "+model+" are known", func() bool {
		r := c.Get(t, "/v1/models")
		return r.Status == http.StatusOK && strings.Contains(string(r.Body), `"`+model+`"`)
	})
	r := chat(t, c, model)
	require.Equal(t, http.StatusOK, r.Status, "%s: %s", model, r.Body)
}

const importConfig = `
model_list:
- {model_name: mock, litellm_params: {model: mock/mock}}
litellm_settings: {store_audit_logs: true}
`

func TestImport_into_an_installation_that_runs(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: importConfig, DataPlanes: 2})
	x := newImportShell(t, s, litellmtest.New(t, litellmtest.Options{APIBase: v.URL(), Credential: fakevendor.Key}))
	for _, base := range s.DataPlanes() { // which know now that they do not know it
		require.Equal(t, http.StatusUnauthorized, chat(t, s.Client(litellmtest.KeyAnn).At(base), "gpt-a").Status)
	}
	s.NewKey(t, map[string]any{"key_alias": "from before"})

	before := content(t, s)
	out, errs := x.run("--dry-run")
	require.Contains(t, errs, "A dry run: nothing was written.")
	require.Equal(t, before, content(t, s))
	list := filepath.Join(t.TempDir(), "skipped.jsonl")
	moved, errs := x.run("--report", list)
	require.Equal(t, out, moved, "a dry run says what a real one does")
	require.Contains(t, errs, "100%")
	require.Contains(t, errs, "Moved in ")
	reported, err := os.ReadFile(list)
	require.NoError(t, err)
	require.Contains(t, string(reported), `"what":"skipped","reason":"it is of a session of LiteLLM's web pages"`)

	importedKeys(t, s, v)
	importedLimits(t, s, x)
	importedModels(t, s, v)
	importedEntries(t, x.shell)

	s.Settle(t)
	before = content(t, s)
	again, _ := x.run()
	require.Regexp(t, `keys +9 +0 +7 +2\n`, again)
	require.Equal(t, before, content(t, s), "again changes nothing")
}

// importedKeys calls with keys that LiteLLM's clients have, at each data plane.
func importedKeys(t *testing.T, s *stack.Stack, v *fakevendor.Vendor) {
	t.Helper()
	for _, base := range s.DataPlanes() {
		client := func(key string) *stack.Client { return s.Client(key).At(base) }
		answers(t, client(litellmtest.KeyAnn), "gpt-a")
		answers(t, client(litellmtest.KeyFormer), "gpt-a")
		answers(t, client(litellmtest.KeyTwin), "gpt-b")
		answers(t, client(litellmtest.KeyTier), "mock")
		for _, c := range []struct {
			key, model string
			status     int
		}{
			{litellmtest.KeyAnn, "mini", http.StatusOK}, // an alias of the key
			{litellmtest.KeyAnn, "gpt-b", http.StatusForbidden},
			{litellmtest.KeyBlocked, "mock", http.StatusUnauthorized},
			{litellmtest.KeyExpired, "mock", http.StatusUnauthorized},
			{litellmtest.KeySpent, "mock", http.StatusTooManyRequests},
			{litellmtest.KeySession, "mock", http.StatusUnauthorized},
			{"sk-stored-as-it-is", "mock", http.StatusUnauthorized},
		} {
			r := chat(t, client(c.key), c.model)
			require.Equal(t, c.status, r.Status, "%s %s: %s", c.key, c.model, r.Body)
		}
	}
	require.Empty(t, v.Refused(), "the credential is the one that LiteLLM had")
}

// importedLimits reads what is left, and runs into a limit.
func importedLimits(t *testing.T, s *stack.Stack, x *importShell) {
	t.Helper()
	info := x.shell.run("keys", "info", "prod")
	for _, line := range []string{"team +team-1", "user +ann", "organization +org-1", `budget +\$50.00/30d`, "tokens a minute +400", `spend +\$3\.30`} {
		require.Regexp(t, `(?m)^`+line, info)
	}
	shown := x.shell.run("limits", "show", "key", litellmtest.KeyAnn)
	require.Regexp(t, `api_key +- +budget +30d +\$3\.30\d* +\$46\.\d+ +\$50\.00`, shown)
	require.Contains(t, x.shell.run("teams", "info", "team-1"), "$100.00/7d")

	inOneMinute(t, func() func() {
		refused := false
		for range 20 { // of 7 with this model
			r := chat(t, s.Client(litellmtest.KeyAnn), "gpt-a")
			refused = refused || r.Status == http.StatusTooManyRequests
		}
		return func() { require.True(t, refused) }
	})
}

// importedModels has each form of sealing answer.
func importedModels(t *testing.T, s *stack.Stack, v *fakevendor.Vendor) {
	t.Helper()
	for _, base := range s.DataPlanes() {
		for model, called := range map[string]string{"gpt-b": "gpt-4o-mini", "gpt-c": "gpt-4.1", "gpt-plain": "gpt-4o", "gpt-shared": "gpt-4o"} {
			answers(t, s.Client(litellmtest.KeyTwin).At(base), model)
			require.NotEmpty(t, v.Calls(called))
		}
		for _, model := range []string{"gpt-other", "gpt-strange"} {
			require.NotEqual(t, http.StatusOK, chat(t, s.Client(litellmtest.KeyTwin).At(base), model).Status)
		}
	}
	require.Empty(t, v.Refused())
}

func importedEntries(t *testing.T, x *shell) {
	t.Helper()
	listed := x.run("audit", "list", "--by", "import-litellm", "--table", "verification_token")
	require.Contains(t, listed, "\n7 in all\n")
	for _, table := range []string{"team_table", "user_table", "proxy_model_table", "organization_table", "budget_table", "end_user_table", "tag_table", "team_membership"} {
		require.NotContains(t, x.run("audit", "list", "--by", "import-litellm", "--table", table), "\n0 in all\n", table)
	}
	all := x.run("audit", "list", "--by", "import-litellm", "--size", "100", "--json")
	require.NotContains(t, all, fakevendor.Key)
	require.NotContains(t, all, "scrypt")
}

// canceler ends a context once something was said.
type canceler struct {
	bytes.Buffer

	when string
	end  context.CancelFunc
}

// Write implements io.Writer.
func (c *canceler) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(c.when)) {
		c.end()
	}
	return c.Buffer.Write(b)
}

func TestImport_can_be_interrupted(t *testing.T) {
	t.Parallel()
	const many = 5000
	s := stack.Start(t, stack.Options{Config: importConfig})
	from := litellmtest.New(t, litellmtest.Options{})
	conn, err := pgx.Connect(t.Context(), from)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `INSERT INTO "LiteLLM_VerificationToken" ("token", "key_alias", "spend")
		SELECT encode(sha256(('many' || i)::bytea), 'hex'), 'many-' || i, i FROM generate_series(1, $1) i`, many)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))

	x := newImportShell(t, s, from)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	said := &canceler{when: "rows/s  keys", end: cancel}
	status := program.Run(ctx, &program.Terminal{Out: &out, Err: said, Lookup: func(name string) (string, bool) { v, ok := x.env[name]; return v, ok }}, []string{"import-litellm", "--audit"})
	require.Equal(t, program.StatusFailed, status)
	require.Contains(t, said.String(), "tianji: interrupted; what is in the table above is here and whole")
	keys := s.Scalar(t, "SELECT count(*) FROM verification_token")
	require.Positive(t, keys)
	require.Less(t, keys, int64(many))
	require.Equal(t, keys, s.Scalar(t, "SELECT count(*) FROM litellm_import WHERE kind = 'key'"))
	require.Equal(t, keys, s.Scalar(t, "SELECT count(*) FROM audit_log WHERE table_name = 'verification_token'"))

	finished, _ := x.run()
	require.Contains(t, finished, fmt.Sprintf("%d", int64(many+7)-keys))
	require.EqualValues(t, many+7, s.Scalar(t, "SELECT count(*) FROM verification_token"))
	require.EqualValues(t, many+7, s.Scalar(t, "SELECT count(*) FROM audit_log WHERE table_name = 'verification_token'"))
}

func TestImport_says_what_is_wrong(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: importConfig})
	from := litellmtest.New(t, litellmtest.Options{})
	for name, c := range map[string]struct {
		status int
		want   string
		args   []string
		env    map[string]string
	}{
		"no database of theirs":   {program.StatusUsage, "--from is missing", nil, map[string]string{"LITELLM_DATABASE_URL": ""}},
		"a database of another":   {program.StatusFailed, "is it LiteLLM's?", []string{"--from", pgtest.New(t, "empty", nil)}, nil},
		"nobody there":            {program.StatusFailed, "connect to LiteLLM's database", []string{"--from", "postgres://nobody:very-secret@127.0.0.1:1/x"}, nil},
		"theirs as ours":          {program.StatusFailed, "is LiteLLM's own", nil, map[string]string{"DATABASE_URL": from}},
		"no salt":                 {program.StatusFailed, "TIANJI_SALT_KEY", nil, map[string]string{"TIANJI_SALT_KEY": ""}},
		"both places":             {program.StatusUsage, "--to and --data-dir: give one of them", []string{"--to", from, "--data-dir", "x"}, nil},
		"no installation":         {program.StatusFailed, "there is no installation in", []string{"--dry-run", "--data-dir", t.TempDir()}, nil},
		"no such config":          {program.StatusFailed, "--config: ", []string{"--config", filepath.Join(t.TempDir(), "none.yaml")}, nil},
		"a report in no place":    {program.StatusFailed, "--report: ", []string{"--report", filepath.Join(t.TempDir(), "none", "x")}, nil},
		"an argument by itself":   {program.StatusUsage, "unknown argument", []string{from[:8]}, nil},
		"a flag that is not one":  {program.StatusUsage, "did you mean --dry-run?", []string{"--dryrun"}, nil},
		"an address that is none": {program.StatusFailed, "can not be read", []string{"--from", "postgres://u:very-secret@h:x/y"}, nil},
	} {
		x := newImportShell(t, s, from)
		maps.Copy(x.env, c.env)
		status, _, errs := x.try(c.args...)
		require.Equal(t, c.status, status, "%s: %s", name, errs)
		require.Contains(t, errs, c.want, name)
		require.NotContains(t, errs, "very-secret", name)
	}
	require.Zero(t, s.Scalar(t, "SELECT count(*) FROM verification_token"))
}

package proxyconfig_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
)

func parse(t *testing.T, text string, lookupEnv func(string) (string, bool)) *proxyconfig.Config {
	t.Helper()
	cfg, _, err := proxyconfig.Parse("config.yaml", []byte(text), lookupEnv)
	require.NoError(t, err)
	return cfg
}

func TestLoadMissingFile(t *testing.T) {
	t.Parallel()
	_, _, err := proxyconfig.Load("testdata/no-such-file.yaml", noEnvironment)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "read configuration: open testdata/no-such-file.yaml")
	_, _, err = proxyconfig.Load("testdata", noEnvironment)
	require.ErrorContains(t, err, "is a directory")
}

func TestParseCannotInclude(t *testing.T) {
	t.Parallel()
	_, _, err := proxyconfig.Parse("config.yaml", []byte("\ninclude: [other.yaml]\n"), noEnvironment)
	require.EqualError(t, err, "config.yaml:2: include: only a configuration that is a file can include others")
}

func TestErrorsAreTyped(t *testing.T) {
	t.Parallel()
	_, _, err := proxyconfig.Parse("config.yaml", []byte("model_list: 5\nrouter_settings: 5\n"), noEnvironment)
	var first *proxyconfig.Error
	require.ErrorAs(t, err, &first)
	require.Equal(t, proxyconfig.Place{File: "config.yaml", Line: 1, Path: "model_list"}, first.At)
	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, err, &joined)
	require.Len(t, joined.Unwrap(), 2)
}

func TestIncludeDepthAndCount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 12 {
		write(t, dir, fmt.Sprintf("deep%d.yaml", i), fmt.Sprintf("include: [deep%d.yaml]\n", i+1))
	}
	_, _, err := proxyconfig.Load(filepath.Join(dir, "deep0.yaml"), noEnvironment)
	require.ErrorContains(t, err, "deep8.yaml:1: include[0]: files are included more than 8 levels deep")

	var names []string
	for i := range 70 {
		names = append(names, fmt.Sprintf("wide%d.yaml", i))
		write(t, dir, names[i], "")
	}
	write(t, dir, "wide.yaml", "include: ["+strings.Join(names, ", ")+"]\n")
	_, _, err = proxyconfig.Load(filepath.Join(dir, "wide.yaml"), noEnvironment)
	require.ErrorContains(t, err, "include[63]: a configuration has at most 64 files")
}

func TestIncludeCycleThroughALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "config.yaml", "include: [link.yaml]\n")
	require.NoError(t, os.Symlink("config.yaml", filepath.Join(dir, "link.yaml")))
	_, _, err := proxyconfig.Load(filepath.Join(dir, "config.yaml"), noEnvironment)
	require.ErrorContains(t, err, "link.yaml includes itself")
}

func TestIncludeAbsolutePath(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	write(t, elsewhere, "models.yaml", "model_list: [{model_name: m, litellm_params: {model: openai/m}}]\n")
	write(t, dir, "config.yaml", "include: ["+filepath.Join(elsewhere, "models.yaml")+"]\n")
	cfg, _, err := proxyconfig.Load(filepath.Join(dir, "config.yaml"), noEnvironment)
	require.NoError(t, err)
	require.Len(t, cfg.Models, 1)
}

// TestID pins the hash: rows, metrics and counters of an installation refer to
// it, so that a change of it is a migration.
func TestID(t *testing.T) {
	t.Parallel()
	const text = "model_list: [{model_name: m, litellm_params: {model: openai/m, api_key: os.environ/KEY, rpm: 1}}]"
	key := func(value string) func(string) (string, bool) {
		return func(string) (string, bool) { return value, value != "" }
	}
	const want = "49bf3eb0c6f3088f056ad65c691100b1142b2a72be684a521f5db0408e6c1996"
	id := parse(t, text, key("one")).Models[0].ID
	require.Equal(t, want, id)
	require.Equal(t, id, parse(t, text, key("two")).Models[0].ID, "independent of what the environment holds")
	require.Equal(t, id, parse(t, text, key("")).Models[0].ID, "and of whether it does")

	same := "# comment\nmodel_list:\n- tianji_params:\n    rpm: 1.0\n    api_key: 'os.environ/KEY'\n    model: \"openai/m\"\n  model_name: m\n"
	require.Equal(t, id, parse(t, same, key("")).Models[0].ID, "independent of how it is written")

	for _, other := range []string{
		strings.Replace(text, "model_name: m", "model_name: n", 1),
		strings.Replace(text, "rpm: 1", "rpm: 2", 1),
		strings.Replace(text, "rpm: 1", `rpm: "1"`, 1),
		strings.Replace(text, "environ/KEY", "environ/OTHER", 1),
	} {
		require.NotEqual(t, id, parse(t, other, key("one")).Models[0].ID, other)
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"os.environ/NAME": "NAME", "os.environ/a/b": "a/b", "os.environ/": "", "os.environ": "", "": "",
		"x os.environ/NAME": "", "NAME": "",
	} {
		name, ok := proxyconfig.Reference(text)
		require.Equal(t, want, name, text)
		require.Equal(t, want != "", ok, text)
	}
}

// TestNothingShowsASecret dumps a whole configuration in every way that a
// careless line of code could.
func TestNothingShowsASecret(t *testing.T) {
	t.Parallel()
	const canary = "do-not-print"
	cfg := parse(t, `
model_list:
- model_name: m
  litellm_params:
    model: openai/m
    api_key: sk-do-not-print
    aws_secret_access_key: do-not-print
    extra_headers: {Authorization: do-not-print}
    vertex_credentials: {private_key: do-not-print}
  model_info: {note: do-not-print}
general_settings: {master_key: sk-do-not-print, database_url: postgres://u:do-not-print@h}
litellm_settings: {cache_params: {password: do-not-print}}
router_settings: {redis_password: do-not-print}
environment_variables: {TOKEN: do-not-print}
mcp_servers: {a: {authentication_token: do-not-print}}
`, noEnvironment)

	require.Equal(t, "sk-do-not-print", cfg.Models[0].Params.APIKey.Reveal())
	require.JSONEq(t, `"do-not-print"`, string(cfg.Models[0].Params.Extra["aws_secret_access_key"]))

	hexed := fmt.Sprintf("%x", canary)
	for _, v := range []any{cfg, *cfg, cfg.Models, cfg.Models[0].Params, cfg.Models[0].Params.Extra, cfg.General, cfg.General.Raw, cfg.Sections} {
		var outputs []string
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			outputs = append(outputs, fmt.Sprintf(verb, v))
		}
		text, err := json.Marshal(v)
		require.NoError(t, err)
		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Info("loaded", slog.Any("config", v))
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("loaded", slog.Any("config", v))
		for _, out := range append(outputs, string(text), logged.String()) {
			require.NotContains(t, out, canary)
			require.NotContains(t, out, hexed)
			require.NotContains(t, out, "100 111 45 110 111 116") // the text as a list of bytes
		}
	}
	require.Equal(t, "[aws_secret_access_key vertex_credentials]", fmt.Sprint(cfg.Models[0].Params.Extra))
	require.Equal(t, "proxyconfig.Raw[cache_params]", fmt.Sprintf("%#v", cfg.Settings.Raw))

	// Where the settings must travel, they do.
	var plain map[string]json.RawMessage = cfg.Router.Raw
	require.JSONEq(t, `"do-not-print"`, string(plain["redis_password"]))
}

// TestMessagesShowNoValue breaks a file that is full of credentials.
func TestMessagesShowNoValue(t *testing.T) {
	t.Parallel()
	const file = `general_settings:
  master_key: sk-do-not-print
  database_url: do-not-print
litellm_settings:
  cache_params: {password: "do-not-print"}
`
	for i := range len(file) {
		for _, broken := range []string{file[:i], file[:i] + "\x00" + file[i:], file[:i] + "[" + file[i:], file[:i] + ": " + file[i:], file[:i] + "\"" + file[i:]} {
			_, warnings, err := proxyconfig.Parse("config.yaml", []byte(broken), noEnvironment)
			if err != nil {
				require.NotContains(t, err.Error(), "not-print", broken)
				var problem *proxyconfig.Error
				require.ErrorAs(t, err, &problem, broken)
			}
			require.NotContains(t, fmt.Sprint(warnings), "not-print:", broken)
		}
	}
}

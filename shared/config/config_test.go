package config_test

import (
	"bytes"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/secret"
)

const password = "sk-do-not-print"

// settings is one of each kind, as a binary would define them.
type settings struct {
	listen    string
	workers   int
	debug     bool
	timeout   time.Duration
	maxBody   int64
	masterKey secret.String
	database  secret.String
}

func (s *settings) define(set *config.Set) {
	set.About("Serves LLM traffic.")
	set.String(&s.listen, "listen", "127.0.0.1:4000", "`ADDRESS` to listen on")
	set.Int(&s.workers, "workers", 0, "how many requests are worked on at once, 0 for all")
	set.Bool(&s.debug, "debug", false, "log everything")
	set.Duration(&s.timeout, "drain-timeout", 30*time.Second, "how long a stop waits for requests")
	set.Bytes(&s.maxBody, "max-body", 32<<20, "largest request body")
	set.Secret(&s.masterKey, "master-key", password, "administrator's `KEY`", "LITELLM_MASTER_KEY")
	set.Secret(&s.database, "database-url", "", "Postgres `URL`", "DATABASE_URL", "PGURL")
	set.Examples(`
		tianji-test --listen :4000
		TIANJI_DEBUG=1 tianji-test
	`)
}

func environment(pairs map[string]string) config.Lookup {
	return func(name string) (string, bool) {
		v, ok := pairs[name]
		return v, ok
	}
}

// parse defines the settings and parses args in the environment env.
func parse(env map[string]string, args ...string) (*settings, *config.Set, error) {
	var s settings
	set := config.New("tianji-test", io.Discard, environment(env))
	s.define(set)
	return &s, set, set.Parse(args)
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	s, set, err := parse(nil)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:4000", s.listen)
	require.Zero(t, s.workers)
	require.False(t, s.debug)
	require.Equal(t, 30*time.Second, s.timeout)
	require.EqualValues(t, 32<<20, s.maxBody)
	require.Equal(t, password, s.masterKey.Reveal())
	require.True(t, s.database.IsZero())
	require.Empty(t, set.Source("listen"))
	require.Empty(t, set.Source("no-such-flag"))
}

func TestFlags(t *testing.T) {
	t.Parallel()
	s, set, err := parse(nil, "--listen", ":1", "-workers=8", "--debug", "--drain-timeout=1h30m", "--max-body", "1MiB",
		"--master-key", "sk-1", "--database-url=postgres://x")
	require.NoError(t, err)
	require.Equal(t, ":1", s.listen)
	require.Equal(t, 8, s.workers)
	require.True(t, s.debug)
	require.Equal(t, 90*time.Minute, s.timeout)
	require.EqualValues(t, 1<<20, s.maxBody)
	require.Equal(t, "sk-1", s.masterKey.Reveal())
	require.Equal(t, "postgres://x", s.database.Reveal())
	require.Equal(t, "--listen", set.Source("listen"))
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	all := map[string]string{"TIANJI_DATABASE_URL": "twin", "DATABASE_URL": "first", "PGURL": "second"}
	for _, test := range []struct {
		name         string
		env          map[string]string
		args         []string
		want, source string
	}{
		{"flag before everything", all, []string{"--database-url=flag"}, "flag", "--database-url"},
		{"twin before other names", all, nil, "twin", "TIANJI_DATABASE_URL"},
		{"other names in their order", map[string]string{"DATABASE_URL": "first", "PGURL": "second"}, nil, "first", "DATABASE_URL"},
		{"the last name", map[string]string{"PGURL": "second"}, nil, "second", "PGURL"},
		{"empty counts as unset", map[string]string{"TIANJI_DATABASE_URL": "", "PGURL": "second"}, nil, "second", "PGURL"},
		{"an empty flag is a value", all, []string{"--database-url="}, "", "--database-url"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, set, err := parse(test.env, test.args...)
			require.NoError(t, err)
			require.Equal(t, test.want, s.database.Reveal())
			require.Equal(t, test.source, set.Source("database-url"))
		})
	}
}

func TestEnvironmentOfEveryKind(t *testing.T) {
	t.Parallel()
	s, _, err := parse(map[string]string{
		"TIANJI_LISTEN": ":2", "TIANJI_WORKERS": "3", "TIANJI_DEBUG": "yes", "TIANJI_DRAIN_TIMEOUT": "5s",
		"TIANJI_MAX_BODY": "10MB", "LITELLM_MASTER_KEY": "sk-2",
	})
	require.NoError(t, err)
	require.Equal(t, ":2", s.listen)
	require.Equal(t, 3, s.workers)
	require.True(t, s.debug)
	require.Equal(t, 5*time.Second, s.timeout)
	require.Equal(t, int64(10_000_000), s.maxBody)
	require.Equal(t, "sk-2", s.masterKey.Reveal())
}

func TestArgumentErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--listn", ":1"}, "unknown flag --listn: did you mean --listen?"},
		{[]string{"--databse-url=postgres://u:pw@h"}, "unknown flag --databse-url: did you mean --database-url?"},
		{[]string{"--frobnicate"}, "unknown flag --frobnicate: see tianji-test --help"},
		{[]string{"--debug", "true"}, `unexpected argument "true": give a switch its value as --name=true`},
		{[]string{"listen=:1"}, `unknown argument "listen": did you mean --listen?`},
		{[]string{"serve"}, `unknown argument "serve": see tianji-test --help`},
		{[]string{"--listen"}, "flag --listen needs a value: --listen=VALUE"},
		{[]string{"--listen", ":1", "--workers"}, "flag --workers needs a value: --workers=VALUE"},
		{[]string{"---listen"}, `malformed flag "---listen": write --name=value`},
		{[]string{"--debug", "--=x"}, `malformed flag "--=x": write --name=value`},
		{[]string{"--workers", "many"}, `flag --workers: "many": expected a whole number such as "8"`},
		{[]string{"--workers=99999999999999999999"}, `flag --workers: "99999999999999999999": the number is too large`},
		{[]string{"--debug=maybe"}, `flag --debug: "maybe": expected "true" or "false"`},
		{[]string{"--drain-timeout=5"}, `flag --drain-timeout: "5": expected a duration such as "250ms", "30s" or "1h30m"`},
		{[]string{"--max-body=lots"}, `flag --max-body: "lots": expected a size such as "512KiB", "64MB" or a number of bytes`},
	} {
		_, _, err := parse(map[string]string{"TIANJI_WORKERS": "not read"}, test.args...)
		require.EqualError(t, err, test.want)
	}
}

func TestEnvironmentErrorsNameTheVariable(t *testing.T) {
	t.Parallel()
	_, _, err := parse(map[string]string{"TIANJI_WORKERS": "many", "TIANJI_DEBUG": "maybe"})
	require.EqualError(t, err, `environment variable TIANJI_DEBUG: "maybe": expected "true" or "false"
environment variable TIANJI_WORKERS: "many": expected a whole number such as "8"`)

	_, _, err = parse(map[string]string{"TIANJI_WORKERS": "many"}, "--workers=1")
	require.NoError(t, err, "a flag hides its variable")
}

func TestHelp(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/help.txt")
	require.NoError(t, err)
	for _, arg := range []string{"--help", "-h"} {
		var out bytes.Buffer
		set := config.New("tianji-test", &out, environment(map[string]string{"TIANJI_MASTER_KEY": "sk-from-env"}))
		var s settings
		s.define(set)
		require.ErrorIs(t, set.Parse([]string{arg}), config.ErrHelp)
		require.Equal(t, string(want), out.String())
		require.NotContains(t, out.String(), password)
	}
}

func TestOperands(t *testing.T) {
	t.Parallel()
	run := func(args ...string) (keys []string, err error) {
		set := config.New("tianji keys block", io.Discard, environment(nil))
		set.Operands(&keys, "KEY...", 1, 2)
		err = set.Parse(args)
		return keys, err
	}
	_, err := run()
	require.EqualError(t, err, "missing argument: expected KEY...")
	_, err = run("a", "b", "c")
	require.EqualError(t, err, "too many arguments: expected KEY...")
	keys, err := run("a", "b")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, keys)
}

func TestOperandsMixWithFlags(t *testing.T) {
	t.Parallel()
	var keys []string
	var reason string
	define := func() *config.Set {
		set := config.New("tianji keys block", io.Discard, environment(nil))
		set.String(&reason, "reason", "", "why")
		set.Operands(&keys, "KEY...", 1, 3)
		return set
	}
	require.NoError(t, define().Parse([]string{"a", "--reason", "lost", "b"}))
	require.Equal(t, []string{"a", "b"}, keys)
	require.Equal(t, "lost", reason)

	require.NoError(t, define().Parse([]string{"a", "--", "--reason", "-"}))
	require.Equal(t, []string{"a", "--reason", "-"}, keys)

	require.EqualError(t, define().Parse([]string{"a", "--reson", "lost"}), "unknown flag --reson: did you mean --reason?")
}

func TestWrongDefinitions(t *testing.T) {
	t.Parallel()
	var text string
	set := config.New("tianji-test", io.Discard, environment(nil))
	set.String(&text, "listen", "", "")
	set.String(&text, "listen", "", "")
	set.String(&text, "Data_Dir", "", "")
	set.String(&text, "", "", "")
	require.EqualError(t, set.Parse(nil), `flag --listen is defined twice
flag "Data_Dir": a name has lower-case letters, digits and dashes
flag "": a name has lower-case letters, digits and dashes`)
}

func TestBytes(t *testing.T) {
	t.Parallel()
	parseSize := func(text string) (int64, error) {
		var n int64
		set := config.New("tianji-test", io.Discard, environment(nil))
		set.Bytes(&n, "size", 0, "")
		err := set.Parse([]string{"--size", text})
		return n, err
	}
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "17B": 17, "1KB": 1000, "1KiB": 1024, "1kib": 1024, "2 MiB": 2 << 20, "3GB": 3e9,
		"4GiB": 4 << 30, "1TiB": 1 << 40, strconv.Itoa(math.MaxInt64): math.MaxInt64,
	} {
		n, err := parseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, n, text)
	}
	for _, text := range []string{"", "B", "MiB", "-1", "1.5MiB", "1XB", "9223372036854775807KiB", "99999999999999999999"} {
		_, err := parseSize(text)
		require.Error(t, err, text)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("TIANJI_CONFIG_TEST", "here")
	value, ok := config.Environment()("TIANJI_CONFIG_TEST")
	require.True(t, ok)
	require.Equal(t, "here", value)
	require.Equal(t, "TIANJI_DATA_DIR", config.EnvName("data-dir"))
}

func TestNearest(t *testing.T) {
	t.Parallel()
	candidates := []string{"listen", "admin-listen", "data-dir", "rpm", "tpm"}
	for word, want := range map[string]string{
		"listne": "listen", "lsiten": "listen", "adminlisten": "admin-listen", "datadir": "data-dir",
		"rmp": "rpm", "tpmm": "tpm", "listen": "listen", "": "", "x": "", "frobnicate": "", "ls": "",
	} {
		got, ok := config.Nearest(word, candidates)
		require.Equal(t, want, got, word)
		require.Equal(t, want != "", ok, word)
	}
	_, ok := config.Nearest("word", nil)
	require.False(t, ok)
	_, ok = config.Nearest(strings.Repeat("listen", 1<<20), candidates)
	require.False(t, ok, "and a huge word takes no time")
}

func TestWithoutTwins_reads_only_the_variables_that_are_named(t *testing.T) {
	t.Parallel()
	var own, named string
	var help bytes.Buffer
	set := config.New("tianji-test", &help, environment(map[string]string{"TIANJI_OWN": "a", "TIANJI_NAMED": "b", "LITELLM_NAMED": "c"}))
	set.WithoutTwins()
	set.String(&own, "own", "", "one")
	set.String(&named, "named", "", "another", "LITELLM_NAMED")
	require.NoError(t, set.Parse(nil))
	require.Equal(t, []string{"", "c", "LITELLM_NAMED"}, []string{own, named, set.Source("named")})
	require.ErrorIs(t, set.Parse([]string{"--help"}), config.ErrHelp)
	require.Equal(t, 1, strings.Count(help.String(), "env "))
	require.NotContains(t, help.String(), "TIANJI_")
}

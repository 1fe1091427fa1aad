package program_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/deploy/cmd/tianji/program"
	"github.com/tianjillm/tianjillm/deploy/console"
	"github.com/tianjillm/tianjillm/deploy/standalone"
)

var update = flag.Bool("update", false, "write docs/cli.md")

const heading = `# The program tianji

Generated from the help texts of the program by ` + "`cd deploy && go test ./cmd/tianji/program -run TestCLIDoc -update`" + `: do not edit.

` + "`tianji`" + ` runs an installation on one machine (` + "`standalone`" + `), moves an installation of LiteLLM in (` + "`import-litellm`" + `, see
[moving-from-litellm.md](moving-from-litellm.md)), and operates one over the management API from a terminal (the other commands).

Commands of the management API ask the gateway at ` + "`TIANJI_URL`" + ` with the key in ` + "`TIANJI_API_KEY`" + `. They print tables, cut to the width of a
terminal and whole into a file or a pipe, and with ` + "`--json`" + ` the reply as it is. Times are those of the place where the command runs, days of
reports are in UTC. Who may do what is decided by the gateway: see [roles.md](roles.md).

The status is 0 when all is well, 1 when something went wrong, and 2 when the command was not understood.
`

// lookup is an environment in which nothing is set but a home.
func lookup(name string) (string, bool) { return "/home/you", name == "HOME" }

// help is what a command prints of itself.
func help(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	status := program.Run(t.Context(), &program.Terminal{Out: &out, Err: &errs, Lookup: lookup}, append(args, "--help"))
	require.Equal(t, program.StatusOK, status, "%v: %s", args, errs.String())
	// The place differs between root and others.
	return strings.ReplaceAll(out.String(), standalone.DefaultDataDir(lookup), "~/.local/state/tianji")
}

func TestCLIDoc_is_what_the_commands_say(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(heading)
	section := func(level string, args ...string) {
		name := strings.TrimSpace("tianji " + strings.Join(args, " "))
		b.WriteString("\n" + level + " " + name + "\n\n```\n" + help(t, args...) + "```\n")
	}
	section("##")
	section("##", "standalone")
	section("##", "import-litellm")
	group := ""
	for _, c := range console.Commands() {
		if c[0] != group {
			group = c[0]
			section("##", group)
		}
		section("###", c[0], c[1])
	}
	path := filepath.Join("..", "..", "..", "..", "docs", "cli.md")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String(), "docs/cli.md is old: run this test with -update")
}

func TestRun_without_a_command_is_help(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"help"}, {"-h"}} {
		var out, errs bytes.Buffer
		require.Equal(t, program.StatusOK, program.Run(t.Context(), &program.Terminal{Out: &out, Err: &errs, Lookup: lookup}, args))
		require.True(t, strings.HasPrefix(out.String(), "TianjiLLM, an LLM gateway."))
		require.Empty(t, errs.String())
	}
}

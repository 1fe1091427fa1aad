// Package console is the commands for people at a terminal: keys, teams, users,
// models, spend, audit and limits. Each is one or two requests to the management
// API, whose replies are shown as a table, or as they are with --json.
//
// The rules are the server's: a command checks no more than that a number is a
// number. It owns no goroutine.
package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/shared/config"
)

// Terminal is where a command reads and writes.
type Terminal struct {
	In     io.Reader
	Out    io.Writer
	Lookup config.Lookup
	// Zone is of the times that are shown.
	Zone *time.Location
	// Width is how wide tables may be; 0 cuts nothing.
	Width int
	// HTTP sends the requests.
	HTTP *http.Client
	// Verify is 'audit verify', which reads the database and not the API.
	Verify func(ctx context.Context, args []string) error
}

// group is commands about one kind of thing.
type group struct {
	name, about string
	commands    []command
}

// command is one of a group.
type command struct {
	name string
	// operands are shown in the help; there are between least and most.
	operands    string
	least, most int
	about       string
	examples    []string
	options     []option
	// run is nil for what Terminal.Verify does.
	run func(ctx context.Context, c *call) error
}

func groups() []group {
	return []group{keys(), teams(), users(), models(), spend(), audit(), limits()}
}

func find(name string) (group, bool) {
	for _, g := range groups() {
		if g.name == name {
			return g, true
		}
	}
	return group{}, false
}

// Summary lists the groups for the help of the program.
func Summary() string {
	var b strings.Builder
	for _, g := range groups() {
		fmt.Fprintf(&b, "  %-15s %s\n", g.name, g.about)
	}
	return b.String()
}

// Commands lists every command with its group, in the order of the help.
func Commands() [][2]string {
	var all [][2]string
	for _, g := range groups() {
		for i := range g.commands {
			all = append(all, [2]string{g.name, g.commands[i].name})
		}
	}
	return all
}

// UsageError is a mistake in how a command was called.
type UsageError struct{ err error }

// Usage marks it as one.
func (UsageError) Usage() bool { return true }

// Error implements error.
func (e UsageError) Error() string { return e.err.Error() }

// Unwrap returns the mistake.
func (e UsageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// Run runs a command of a group.
func Run(ctx context.Context, t *Terminal, name string, args []string) error {
	g, ok := find(name)
	if !ok {
		return unknown(name)
	}
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		return g.help(t.Out)
	}
	for i := range g.commands {
		if g.commands[i].name == args[0] {
			return t.run(ctx, &g, &g.commands[i], args[1:])
		}
	}
	names := make([]string, len(g.commands))
	for i := range g.commands {
		names[i] = g.commands[i].name
	}
	hint := "see 'tianji " + g.name + " --help'"
	if nearest, ok := config.Nearest(args[0], names); ok {
		hint = "did you mean '" + nearest + "'?"
	}
	return usagef("unknown command '%s %s': %s", g.name, args[0], hint)
}

// unknown is the error for a word that is no command of the program.
func unknown(name string) error {
	words := []string{"standalone", "import-litellm", "version", "help"}
	for _, g := range groups() {
		words = append(words, g.name)
	}
	hint := "see 'tianji help'"
	if nearest, ok := config.Nearest(name, words); ok {
		hint = "did you mean 'tianji " + nearest + "'?"
	}
	return usagef("unknown command %q: %s", name, hint)
}

func (t *Terminal) run(ctx context.Context, g *group, cmd *command, args []string) error {
	if cmd.run == nil {
		return t.Verify(ctx, args)
	}
	c, err := t.parse(g, cmd, args)
	if errors.Is(err, config.ErrHelp) {
		return nil
	}
	if err != nil {
		return UsageError{fmt.Errorf("%s %s: %w", g.name, cmd.name, err)}
	}
	if err := cmd.run(ctx, c); err != nil {
		return fmt.Errorf("%s %s: %w", g.name, cmd.name, err)
	}
	return nil
}

func (g *group) help(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: tianji %s COMMAND [flags]\n\n%s\n\nCommands:\n", g.name, sentence(g.about))
	widest := 0
	for i := range g.commands {
		widest = max(widest, len(g.commands[i].synopsis()))
	}
	for i := range g.commands {
		fmt.Fprintf(&b, "  %-*s  %s\n", widest, g.commands[i].synopsis(), g.commands[i].about)
	}
	fmt.Fprintf(&b, "\n'tianji %s COMMAND --help' tells the flags of a command.\n\nExamples:\n", g.name)
	for i := range g.commands {
		for _, e := range g.commands[i].examples {
			fmt.Fprintf(&b, "  %s\n", e)
		}
	}
	return write(w, b.String())
}

func (c *command) synopsis() string { return strings.TrimSpace(c.name + " " + c.operands) }

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

func write(w io.Writer, s string) error {
	if _, err := io.WriteString(w, s); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

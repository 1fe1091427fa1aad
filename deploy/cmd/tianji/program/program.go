// Package program is the program tianji without its process: it finds the command
// among the arguments, runs it, and says with which status to end. What commands
// do is in the packages standalone, offline and console. It owns no goroutine.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/tianjillm/tianjillm/deploy/console"
	"github.com/tianjillm/tianjillm/deploy/offline"
	"github.com/tianjillm/tianjillm/deploy/standalone"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/telemetry"
)

const usage = `TianjiLLM, an LLM gateway.

Usage: tianji COMMAND [FLAGS]

Commands:
  standalone      run everything on this machine: NATS, Postgres and both planes
  import-litellm  move an installation of LiteLLM in
%s  version         print the version
  help            print this text, or that of a command

'tianji COMMAND --help' tells the flags of a command.
It ends with status 0 when all is well, 1 when something went wrong, and 2 when the
command was not understood.

Examples:
  tianji standalone
  tianji standalone --config config.yaml --data-dir ./data
  tianji import-litellm --from postgres://litellm@db/litellm --dry-run
  tianji keys create --alias my-app --max-budget 10
  tianji spend keys
`

// The statuses that the program ends with.
const (
	StatusOK = iota
	StatusFailed
	StatusUsage
)

// errInterrupted stands for errors that say no more than that.
var errInterrupted = errors.New("interrupted")

// timeout bounds one request to the management API.
const timeout = time.Minute

// Terminal is where the program reads and writes.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	// Lookup reads the environment.
	Lookup config.Lookup
}

// Run runs the command that the arguments name, and returns the status to end
// with.
func Run(ctx context.Context, t *Terminal, args []string) int {
	command := "help"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	err := t.dispatch(ctx, command, args)
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE): // whoever read has enough
		return StatusOK
	case ctx.Err() != nil && strings.HasSuffix(err.Error(), context.Canceled.Error()):
		err = errInterrupted
	}
	_, _ = fmt.Fprintln(t.Err, "tianji:", err)
	if _, wrong := errors.AsType[mistake](err); wrong {
		return StatusUsage
	}
	return StatusFailed
}

// mistake is an error in how a command was called.
type mistake interface {
	error
	Usage() bool
}

func (t *Terminal) dispatch(ctx context.Context, command string, args []string) error {
	if command == "help" && len(args) > 0 {
		command, args = args[0], append(args[1:len(args):len(args)], "--help")
	}
	switch command {
	case "standalone":
		return t.standalone(ctx, args)
	case "import-litellm":
		return offline.ImportLiteLLM(ctx, t.beside(), args)
	case "version", "--version":
		return t.say(telemetry.Version() + "\n")
	case "help", "-h", "--help":
		return t.say(fmt.Sprintf(usage, console.Summary()))
	}
	client := &http.Client{Timeout: timeout}
	defer client.CloseIdleConnections()
	return console.Run(ctx, &console.Terminal{
		In: t.In, Out: t.Out, Lookup: t.Lookup, Zone: time.Local, Width: width(t.Out), HTTP: client,
		Verify: func(ctx context.Context, args []string) error { return offline.VerifyAudit(ctx, t.beside(), args) },
	}, command, args)
}

// beside is the terminal of commands that say how far they are.
func (t *Terminal) beside() *offline.Terminal {
	return &offline.Terminal{Out: t.Out, Err: t.Err, Lookup: t.Lookup, Width: width(t.Err)}
}

func (t *Terminal) say(s string) error {
	if _, err := io.WriteString(t.Out, s); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// wrong is a mistake in the flags of standalone.
type wrong struct{ error }

// Usage marks it as one.
func (wrong) Usage() bool { return true }

func (t *Terminal) standalone(ctx context.Context, args []string) error {
	o, err := standalone.Parse(args, t.Out, t.Lookup)
	if errors.Is(err, config.ErrHelp) {
		return nil
	}
	if err != nil {
		return wrong{err}
	}
	return standalone.Run(ctx, o, t.Out, t.Err)
}

// width is how many columns a terminal has, or 0 for what is none.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		return columns(f)
	}
	return 0
}

// Command tianji runs and operates TianjiLLM.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/tianjillm/tianjillm/deploy/standalone"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/telemetry"
)

const usage = `TianjiLLM, an LLM gateway.

Usage: tianji COMMAND [FLAGS]

Commands:
  standalone   run everything on this machine: NATS, Postgres and both planes
  version      print the version
  help         print this text

'tianji COMMAND --help' tells the flags of a command.

Examples:
  tianji standalone
  tianji standalone --config config.yaml --data-dir ./data
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	command := "help"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	var err error
	switch command {
	case "standalone":
		err = runStandalone(args, stdout, stderr)
	case "version", "--version":
		_, err = fmt.Fprintln(stdout, telemetry.Version())
	case "help", "-h", "--help":
		_, err = io.WriteString(stdout, usage)
	default:
		err = fmt.Errorf("unknown command %q: see 'tianji help'", command)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "tianji:", err)
		return 1
	}
	return 0
}

func runStandalone(args []string, stdout, stderr io.Writer) error {
	o, err := standalone.Parse(args, stderr, config.Environment())
	if errors.Is(err, config.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return standalone.Run(ctx, o, stdout, stderr)
}

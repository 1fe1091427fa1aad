//go:build unix

// Command quotalab measures how exact the limits are and what they cost, with
// replicas and NATS servers as processes of their own that can be killed.
// 'make bench-limits' runs it; docs/limits-measured.md holds method and results.
//
// It starts all that it measures, on loopback and in a directory of its own: the
// program runs itself again as a NATS server (natsnode.go) or as a replica
// (replica.go), which is told what to do in lines of JSON and ends when its
// standard input does. It measures the parts that a data plane counts with:
// engine, seating plan and slots. It makes no HTTP requests.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The program as one of its own children.
const (
	natsCommand    = "nats-node"
	replicaCommand = "replica"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	var err error
	switch command {
	case natsCommand:
		err = runNode(ctx, args[1:], stdin, stdout)
	case replicaCommand:
		err = runReplica(ctx, args[1:], stdin, stdout, stderr)
	default:
		err = measure(ctx, args, stdout, stderr)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "quotalab:", err)
		return 1
	}
	return 0
}

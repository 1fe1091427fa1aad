// Command bench measures what the data plane costs beside a bare reverse proxy
// and nginx, and how fast a blocked key is refused. docs/benchmarks.md says how
// and holds the results. It starts all that it measures, on loopback and in a
// directory of its own, and leaves nothing behind.
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

	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch command(args) {
	case lab.UpstreamCommand:
		err = serveUpstream(ctx, stdout)
	case lab.ReverseProxyCommand:
		err = serveReverseProxy(ctx, args[1:], stdout)
	default:
		err = bench(ctx, args, stdout, stderr)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func command(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

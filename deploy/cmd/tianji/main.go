// Command tianji runs and operates TianjiLLM.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/tianjillm/tianjillm/deploy/cmd/tianji/program"
	"github.com/tianjillm/tianjillm/shared/config"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return program.Run(ctx, &program.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Lookup: config.Environment()}, os.Args[1:])
}

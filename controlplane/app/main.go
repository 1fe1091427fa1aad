package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/probe"
	"github.com/tianjillm/tianjillm/shared/telemetry"
)

// Main runs a control plane until it is told to stop, and returns the exit
// status. With healthcheck as its first argument it asks a running one instead.
func Main(args []string, stdout, stderr io.Writer) int {
	check := len(args) > 0 && args[0] == "healthcheck"
	if check {
		args = args[1:]
	}
	o, err := Parse(args, stderr, config.Environment())
	if errors.Is(err, config.ErrHelp) {
		return 0
	}
	if err == nil {
		o.Logger, err = telemetry.NewLogger(stderr, o.LogLevel)
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		if check {
			err = probe.Live(ctx, o.Listen)
		} else {
			err = run(ctx, o, stdout)
		}
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "tianji-controlplane:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, o Options, stdout io.Writer) error {
	o.Progress = func(format string, args ...any) { _, _ = fmt.Fprintf(stdout, format+"\n", args...) }
	a, err := New(ctx, o)
	if err != nil {
		return err
	}
	err = a.Start(ctx)
	if err == nil {
		_, _ = fmt.Fprintf(stdout, "control plane listens on http://%s\n", a.Addr())
		<-ctx.Done()
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.DrainTimeout+10*time.Second)
	defer cancel()
	return errors.Join(err, a.Stop(stop))
}

// Package program is the frame of the planes' main functions: options, signals,
// the health check of a container, exit status.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // an image from scratch has no zones

	_ "golang.org/x/crypto/x509roots/fallback" // and no certificate authorities; those of the system win

	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/probe"
	"github.com/tianjillm/tianjillm/shared/telemetry"
)

// Plane is what a program runs.
type Plane interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	Addr() string
}

// Options are what the frame needs of a plane's options.
type Options struct {
	Listen      string
	LogLevel    string
	StopTimeout time.Duration
	// Open makes the plane; progress is told what takes long.
	Open func(ctx context.Context, log *slog.Logger, progress func(format string, args ...any)) (Plane, error)
}

// Parse reads options from flags and the environment.
type Parse func(args []string, out io.Writer, lookup config.Lookup) (Options, error)

// Main runs a plane until it is told to stop, and returns the exit status.
// With healthcheck as the first argument it asks a running one instead.
func Main(name, what string, args []string, stdout, stderr io.Writer, parse Parse) int {
	check := len(args) > 0 && args[0] == "healthcheck"
	if check {
		args = args[1:]
	}
	o, err := parse(args, stderr, config.Environment())
	if errors.Is(err, config.ErrHelp) {
		return 0
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		if check {
			err = probe.Live(ctx, o.Listen)
		} else {
			err = run(ctx, o, what, stdout, stderr)
		}
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}

func run(ctx context.Context, o Options, what string, stdout, stderr io.Writer) error {
	log, err := telemetry.NewLogger(stderr, o.LogLevel)
	if err != nil {
		return err
	}
	plane, err := o.Open(ctx, log, func(format string, args ...any) { _, _ = fmt.Fprintf(stdout, format+"\n", args...) })
	if err != nil {
		return err
	}
	err = plane.Start(ctx)
	if err == nil {
		_, _ = fmt.Fprintf(stdout, "%s listens on http://%s\n", what, plane.Addr())
		<-ctx.Done()
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.StopTimeout)
	defer cancel()
	return errors.Join(err, plane.Stop(stop))
}

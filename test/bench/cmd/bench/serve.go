package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/tianjillm/tianjillm/shared/telemetry"
	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/reverseproxy"
	"github.com/tianjillm/tianjillm/test/bench/internal/upstream"
)

const anyPort = "127.0.0.1:0"

// serveUpstream is the child that stands in for a vendor.
func serveUpstream(ctx context.Context, stdout io.Writer) error {
	s, err := upstream.Start(ctx, anyPort)
	if err != nil {
		return err
	}
	defer s.Close()
	return announce(ctx, stdout, s.Addr())
}

// serveReverseProxy is the child that the data plane is compared with.
func serveReverseProxy(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 2 {
		return errors.New("want the address of the upstream and that of pprof")
	}
	_, stop, err := telemetry.StartDebug(ctx, args[1], slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer stop()
	s, err := reverseproxy.Start(ctx, anyPort, args[0])
	if err != nil {
		return err
	}
	defer s.Close()
	return announce(ctx, stdout, s.Addr())
}

func announce(ctx context.Context, stdout io.Writer, addr string) error {
	if _, err := fmt.Fprintln(stdout, lab.ListenLine+addr); err != nil {
		return fmt.Errorf("announce address: %w", err)
	}
	<-ctx.Done()
	return nil
}

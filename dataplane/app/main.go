package app

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/program"
)

// Main runs a data plane until it is told to stop, and returns the exit status.
func Main(args []string, stdout, stderr io.Writer) int {
	return program.Main("tianji-dataplane", "data plane", args, stdout, stderr, func(args []string, out io.Writer, lookup config.Lookup) (program.Options, error) {
		o, err := Parse(args, out, lookup)
		return program.Options{
			Listen: o.Listen, LogLevel: o.LogLevel, StopTimeout: o.DrainTimeout + 10*time.Second,
			Open: func(ctx context.Context, log *slog.Logger, _ func(string, ...any)) (program.Plane, error) {
				o.Logger = log
				return New(ctx, o)
			},
		}, err
	})
}

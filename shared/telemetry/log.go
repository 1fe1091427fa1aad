// Package telemetry holds what both planes use to be observed: the logger, the
// metrics registry and the debug server.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
)

// NewLogger returns a logger that writes JSON lines to w at the named level
// (debug, info, warn or error).
func NewLogger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l})), nil
}

// Version is the version of this build: the module's when it was built from a
// tagged one, else the revision it was built from, else "dev".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}

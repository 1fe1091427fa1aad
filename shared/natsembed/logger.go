package natsembed

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// logger hands nats-server's log to slog, and keeps it from ending the process.
type logger struct {
	to *slog.Logger

	mu    sync.Mutex
	first error
}

func newLogger(to *slog.Logger) *logger {
	if to == nil {
		to = slog.New(slog.DiscardHandler)
	}
	return &logger{to: to}
}

func (l *logger) log(level slog.Level, format string, v []any) {
	ctx := context.Background()
	if l.to.Enabled(ctx, level) {
		l.to.LogAttrs(ctx, level, "nats server", slog.String("text", strings.TrimSpace(fmt.Sprintf(format, v...))))
	}
}

func (l *logger) Noticef(format string, v ...any) { l.log(slog.LevelDebug, format, v) }
func (l *logger) Debugf(format string, v ...any)  { l.log(slog.LevelDebug, format, v) }
func (l *logger) Tracef(format string, v ...any)  { l.log(slog.LevelDebug, format, v) }
func (l *logger) Errorf(format string, v ...any)  { l.log(slog.LevelWarn, format, v) }

func (l *logger) Warnf(format string, v ...any) {
	level := slog.LevelWarn
	if strings.HasPrefix(format, "Plaintext passwords detected") {
		level = slog.LevelDebug // they are in memory only, and random
	}
	l.log(level, format, v)
}

// Fatalf is where a standalone nats-server exits; only the start calls it.
func (l *logger) Fatalf(format string, v ...any) {
	l.log(slog.LevelWarn, format, v)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil {
		l.first = fmt.Errorf(format, v...)
	}
}

func (l *logger) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first
}

// Package offline is the commands that work on the database itself, beside
// control planes or without any: moving in from LiteLLM, and verifying the audit
// trail. It owns no goroutine.
package offline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tianjillm/tianjillm/deploy/standalone"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// closeTimeout bounds the end of a Postgres that a command started.
const closeTimeout = time.Minute

// Terminal is where a command reads and writes.
type Terminal struct {
	Out, Err io.Writer
	Lookup   config.Lookup
	// Width is how wide Err is when it is a terminal, on which a line can be
	// written over, and 0 when it is none.
	Width int
}

func (t *Terminal) say(format string, args ...any) {
	_, _ = fmt.Fprintf(t.Err, format+"\n", args...) // there is nobody else to tell
}

// target says which database is ours.
type target struct {
	url     secret.String
	dataDir string
	pgBin   string
}

func (o *target) define(set *config.Set, lookup config.Lookup, name string) {
	set.Secret(&o.url, name, "", "our database, as `URL`; without one, that of 'tianji standalone' in the data directory", "TIANJI_DATABASE_URL", "DATABASE_URL")
	set.String(&o.dataDir, "data-dir", standalone.DefaultDataDir(lookup), "`DIRECTORY` of 'tianji standalone', which may be running", "TIANJI_DATA_DIR")
	set.String(&o.pgBin, "pg-bin", "", "`FOLDER` of the Postgres programs; found when empty", "TIANJI_PG_BIN")
}

// choose makes a data directory that was named win over a database that is only
// in the environment: LiteLLM has a DATABASE_URL there too.
func (o *target) choose(set *config.Set, name string) error {
	if set.Source("data-dir") != "--data-dir" {
		return nil
	}
	if set.Source(name) == "--"+name {
		return UsageError{fmt.Errorf("--%s and --data-dir: give one of them", name)}
	}
	o.url = secret.String{}
	return nil
}

// open finds the database. Salt is that of the installation, where it is known
// here.
func (o *target) open(ctx context.Context, t *Terminal, mayMake bool) (url, salt secret.String, closing func() error, err error) {
	if !o.url.IsZero() {
		return o.url, salt, func() error { return nil }, nil
	}
	d, err := standalone.OpenDatabase(ctx, standalone.DatabaseOptions{
		DataDir: o.dataDir, PostgresBin: o.pgBin, Make: mayMake, Progress: func(s string) { t.say("%s", s) },
	})
	if err != nil {
		return url, salt, nil, err
	}
	return d.URL, d.SaltKey, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		return d.Close(ctx)
	}, nil
}

// UsageError is a mistake in how a command was called.
type UsageError struct{ err error }

// Usage marks it as one.
func (UsageError) Usage() bool { return true }

// Error implements error.
func (e UsageError) Error() string { return e.err.Error() }

// Unwrap returns the mistake.
func (e UsageError) Unwrap() error { return e.err }

// parsed tells help, which ends a command, from a mistake.
func parsed(err error) (ends bool, _ error) {
	if err == nil {
		return false, nil
	}
	if errors.Is(err, config.ErrHelp) {
		return true, nil
	}
	return true, UsageError{err}
}

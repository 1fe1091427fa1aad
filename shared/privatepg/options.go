package privatepg

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// User is the superuser of every private cluster.
const User = "tianji"

// host is the only address a private cluster listens on.
const host = "127.0.0.1"

// Options describe a private cluster.
type Options struct {
	// Binaries come from [FindBinaries].
	Binaries Binaries
	// DataDir is the directory wanted for the data. As root it may turn out to
	// be out of reach for the user PostgreSQL runs as: see [Cluster.DataDir].
	DataDir string
	// FallbackDirs are tried, as root, where DataDir is out of reach; the data
	// then lies in a folder named by a hash of DataDir, the same at each start.
	// Default: /var/lib/tianji, /var/tmp.
	FallbackDirs []string
	// Port is the TCP port on 127.0.0.1; 0 takes a free one at each start.
	Port int
	// Ephemeral is for tests: no password, and no fsync, so that a crash of the
	// machine ruins the data. A crash of the server loses nothing committed.
	Ephemeral bool
	// ExtraSettings are PostgreSQL settings that win over ours.
	ExtraSettings map[string]string
	// StartTimeout bounds the start, crash recovery included. Default: 2 minutes.
	StartTimeout time.Duration
	// StopTimeout is how long a stop waits for the orderly shutdown before it
	// gets harsh. Default: 10 seconds.
	StopTimeout time.Duration
	// Logger gets the few events worth keeping; nil discards them.
	Logger *slog.Logger
	// Progress gets one plain sentence for each step a person would wait for
	// or want to know about; it may be nil.
	Progress func(string)
}

// durableSettings keep statements and row values, which may hold secrets, out
// of the server's log.
func durableSettings() map[string]string {
	return map[string]string{
		"log_error_verbosity":     "terse",
		"log_min_error_statement": "panic",
	}
}

func ephemeralSettings() map[string]string {
	return map[string]string{
		"dynamic_shared_memory_type": "mmap", // in the data directory: a killed server leaves nothing in /dev/shm
		"fsync":                      "off",
		"full_page_writes":           "off",
		"jit":                        "off",
		"max_connections":            "200",
		"max_wal_senders":            "0",
		"max_wal_size":               "128MB", // the directory may be in memory
		"wal_level":                  "minimal",
	}
}

func (o *Options) withDefaults() (Options, error) {
	out := *o
	if out.Binaries.InitDB == "" || out.Binaries.Postgres == "" {
		return out, errors.New("no binaries given, see FindBinaries")
	}
	if out.DataDir == "" {
		return out, errors.New("no data directory given")
	}
	var err error
	if out.DataDir, err = realPath(out.DataDir); err != nil {
		return out, fmt.Errorf("data directory: %w", err)
	}
	if len(out.FallbackDirs) == 0 {
		out.FallbackDirs = []string{"/var/lib/tianji", "/var/tmp"}
	}
	if out.StartTimeout <= 0 {
		out.StartTimeout = 2 * time.Minute
	}
	if out.StopTimeout <= 0 {
		out.StopTimeout = 10 * time.Second
	}
	if out.Logger == nil {
		out.Logger = slog.New(slog.DiscardHandler)
	}
	if out.Progress == nil {
		out.Progress = func(string) {}
	}
	return out, nil
}

// settingArgs renders the settings as command line arguments, in a stable order.
func (o *Options) settingArgs() []string {
	settings := durableSettings()
	if o.Ephemeral {
		settings = ephemeralSettings()
	}
	maps.Copy(settings, o.ExtraSettings)
	args := make([]string, 0, 2*len(settings))
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

package standalone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/privatepg"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// Database is the private Postgres of an installation, for a command beside it.
type Database struct {
	URL secret.String
	// SaltKey is the one that the installation ran with last, or the one that was
	// made up for it.
	SaltKey secret.String
	cluster *privatepg.Cluster
}

// DatabaseOptions say which installation it is of.
type DatabaseOptions struct {
	DataDir     string
	PostgresBin string
	// Make makes an installation's database where there is none yet.
	Make bool
	// Progress is told what takes long.
	Progress func(string)
}

// DefaultDataDir is where 'tianji standalone' keeps its state.
func DefaultDataDir(lookup config.Lookup) string { return defaultDataDir(lookup) }

// OpenDatabase uses the Postgres of an installation that runs, and starts it for
// one that does not. The caller closes it.
func OpenDatabase(ctx context.Context, o DatabaseOptions) (*Database, error) {
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, secretsFile)); errors.Is(err, fs.ErrNotExist) && !o.Make {
		return nil, fmt.Errorf("there is no installation in %s: start 'tianji standalone' there once, or name a database with DATABASE_URL", dir)
	}
	if err := makeDataDir(dir); err != nil {
		return nil, err
	}
	s, err := loadSecrets(dir)
	if err != nil {
		return nil, err
	}
	binaries, err := privatepg.FindBinaries(o.PostgresBin)
	if err != nil {
		return nil, err
	}
	d := &Database{SaltKey: secret.New(cmp.Or(saltInUse(dir), s.SaltKey))}
	options := privatepg.Options{Binaries: binaries, DataDir: filepath.Join(dir, "postgres"), Progress: o.Progress}
	address, running, err := privatepg.Running(options, "postgres")
	if err != nil {
		return nil, err
	}
	if running {
		d.URL = secret.New(address)
		return d, nil
	}
	if d.cluster, err = privatepg.Start(ctx, options); err != nil {
		return nil, err
	}
	d.URL = secret.New(d.cluster.URL("postgres"))
	return d, nil
}

// saltInUse is the salt key that data planes were told when the installation was
// started last, or "".
func saltInUse(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, envFileName)) //nolint:gosec // the operator's own directory
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), saltVariable+"="); ok {
			return unquoted(value)
		}
	}
	return ""
}

// Close stops Postgres when OpenDatabase started it.
func (d *Database) Close(ctx context.Context) error {
	if d.cluster == nil {
		return nil
	}
	return d.cluster.Stop(ctx)
}

// Package standalone runs a whole installation in one process tree: embedded
// NATS, a private Postgres, the control plane and a data plane. It is the
// quick start; the planes themselves do not know that they share a process.
package standalone

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// Options configure an installation.
type Options struct {
	ConfigFile  string
	DataDir     string
	Listen      string
	AdminListen string
	NATSListen  string
	DatabaseURL secret.String
	MasterKey   secret.String
	SaltKey     secret.String
	PostgresBin string
	FetchAllow  string
	LogLevel    string
	Lookup      config.Lookup
}

// Parse reads options from flags and the environment.
func Parse(args []string, out io.Writer, lookup config.Lookup) (Options, error) {
	o := Options{Lookup: lookup}
	set := config.New("tianji standalone", out, lookup)
	set.About("Runs everything on this machine: NATS, Postgres, control plane and data plane.")
	set.Examples("tianji standalone\n" +
		"tianji standalone --config config.yaml --data-dir ./data\n" +
		"OPENAI_API_KEY=sk-... TIANJI_MASTER_KEY=sk-mine tianji standalone --config config.yaml --listen 0.0.0.0:4000")
	set.String(&o.ConfigFile, "config", "", "LiteLLM's config.yaml; without one there is a model called mock", "CONFIG_FILE_PATH")
	set.String(&o.DataDir, "data-dir", defaultDataDir(lookup), "where everything is kept")
	set.String(&o.Listen, "listen", "127.0.0.1:4000", "address of the API")
	set.String(&o.AdminListen, "admin-listen", "127.0.0.1:4001", "address of the management API")
	set.String(&o.NATSListen, "nats-listen", "127.0.0.1:4222", "address of the embedded NATS")
	set.Secret(&o.DatabaseURL, "database-url", "", "use this Postgres and start none", "DATABASE_URL")
	set.Secret(&o.MasterKey, "master-key", "", "key of the proxy admin; sk-1234 when all addresses are loopback", "LITELLM_MASTER_KEY")
	set.Secret(&o.SaltKey, "salt-key", "", "seals provider credentials; made up and kept in the data directory when empty", "LITELLM_SALT_KEY")
	set.String(&o.PostgresBin, "pg-bin", "", "folder of the Postgres programs; found when empty")
	set.String(&o.FetchAllow, "fetch-allow", "", "networks that requests may lead to although they are not public: CIDRs or addresses, comma-separated")
	set.String(&o.LogLevel, "log-level", "warn", "debug, info, warn or error")
	if err := set.Parse(args); err != nil {
		return o, fmt.Errorf("read options: %w", err)
	}
	var err error
	if o.DataDir, err = filepath.Abs(o.DataDir); err != nil {
		return o, fmt.Errorf("data directory: %w", err)
	}
	return o, nil
}

// defaultDataDir is where programs keep their state by the custom of the
// system: https://specifications.freedesktop.org/basedir-spec/latest/
func defaultDataDir(lookup config.Lookup) string {
	if os.Geteuid() == 0 {
		return "/var/lib/tianji/standalone"
	}
	if dir, ok := lookup("XDG_STATE_HOME"); ok && dir != "" {
		return filepath.Join(dir, "tianji")
	}
	if home, ok := lookup("HOME"); ok && home != "" {
		return filepath.Join(home, ".local", "state", "tianji")
	}
	return "tianji-data"
}

// quickStart reports whether the public master key may be used: only this
// machine can reach the installation.
func (o *Options) quickStart() bool { return loopback(o.Listen) && loopback(o.AdminListen) }

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (o *Options) check() error {
	for name, addr := range map[string]string{"listen": o.Listen, "admin-listen": o.AdminListen, "nats-listen": o.NATSListen} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("--%s %q: want host:port", name, addr)
		}
	}
	if o.MasterKey.IsZero() && o.ConfigFile == "" && !o.quickStart() {
		return errors.New("other machines can reach these addresses, so the public quick start key is not used: set TIANJI_MASTER_KEY to a key of your own that starts with sk-")
	}
	return nil
}

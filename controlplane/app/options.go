// Package app puts a control plane together: the one place where its parts
// meet. It is the only package of this module that others import.
package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// QuickStartKey is the master key of an installation that nobody configured.
// It is public, so it is refused wherever others could reach it.
const QuickStartKey = "sk-1234"

// Options configure a control plane.
type Options struct {
	// Listen is the address of the management API; port 0 takes a free one.
	Listen string
	// DebugListen serves pprof; empty serves it nowhere.
	DebugListen string
	DatabaseURL secret.String
	// NATSURL lists the servers, with credentials where they need them.
	NATSURL                                                        secret.String
	NATSCAFile, NATSCertFile, NATSKeyFile, NATSNKeyFile, NATSCreds string
	// InProcess reaches an embedded server without a socket.
	InProcess nats.InProcessConnProvider
	// NATSReplicas is how many servers keep each bucket and stream.
	NATSReplicas int
	Prefix       string
	MasterKey    secret.String
	// SaltKey seals provider credentials.
	SaltKey secret.String
	// BaseURL is where people reach the installation; empty takes the address that
	// a request was sent to.
	BaseURL string
	// AdminName and AdminPassword log in as proxy admin; the master key is the
	// password where there is no other.
	AdminName     string
	AdminPassword secret.String
	// ConfigFile is LiteLLM's config.yaml; empty means none.
	ConfigFile string
	// Config is used instead of ConfigFile when it is set.
	Config []byte
	// QuickStart allows the public master key, and uses it when there is no
	// other; only the standalone mode on loopback sets it.
	QuickStart   bool
	Replica      string
	DrainTimeout time.Duration
	LogLevel     string
	Logger       *slog.Logger
	Lookup       config.Lookup
	// Progress is told what start-up does.
	Progress func(format string, args ...any)
}

// Parse reads options from flags and the environment.
func Parse(args []string, out io.Writer, lookup config.Lookup) (Options, error) {
	o := Options{Lookup: lookup}
	set := config.New("tianji-controlplane", out, lookup)
	set.About("Owns Postgres: serves the management API, pushes configuration to data planes and books usage.")
	set.Examples("DATABASE_URL=postgres://tianji:secret@db/tianji TIANJI_MASTER_KEY=sk-... tianji-controlplane --config config.yaml")
	set.String(&o.Listen, "listen", "127.0.0.1:4001", "address of the management API")
	set.String(&o.DebugListen, "debug-listen", "127.0.0.1:0", "address of pprof, loopback only; empty for none")
	set.Secret(&o.DatabaseURL, "database-url", "", "Postgres, as postgres://user:password@host/database", "DATABASE_URL")
	set.Secret(&o.NATSURL, "nats-url", "nats://127.0.0.1:4222", "NATS servers, comma-separated, with credentials", "NATS_URL")
	set.String(&o.NATSCAFile, "nats-ca", "", "file with the CA of the NATS servers")
	set.String(&o.NATSCertFile, "nats-cert", "", "client certificate for NATS")
	set.String(&o.NATSKeyFile, "nats-key", "", "key of the client certificate")
	set.String(&o.NATSNKeyFile, "nats-nkey", "", "file with an nkey seed")
	set.String(&o.NATSCreds, "nats-creds", "", "NATS .creds file")
	set.Int(&o.NATSReplicas, "nats-replicas", 1, "NATS servers that keep each bucket and stream: 3 on a cluster")
	set.String(&o.Prefix, "nats-prefix", contract.DefaultPrefix, "prefix of all NATS names of this installation")
	set.Secret(&o.MasterKey, "master-key", "", "key of the proxy admin, starts with sk-", "LITELLM_MASTER_KEY")
	set.Secret(&o.SaltKey, "salt-key", "", "seals provider credentials; never change it without rotating them", "LITELLM_SALT_KEY")
	set.String(&o.BaseURL, "proxy-base-url", "", "where people reach the installation, for links; empty for where they did", "PROXY_BASE_URL")
	set.String(&o.AdminName, "ui-username", "", "name with which the proxy admin logs in; admin when empty", "UI_USERNAME")
	set.Secret(&o.AdminPassword, "ui-password", "", "password of the proxy admin; the master key when empty", "UI_PASSWORD")
	set.String(&o.ConfigFile, "config", "", "LiteLLM's config.yaml", "CONFIG_FILE_PATH")
	set.String(&o.Replica, "replica", "", "name of this replica; made up when empty")
	set.Duration(&o.DrainTimeout, "drain-timeout", 10*time.Second, "how long to wait for requests under way when stopping")
	set.String(&o.LogLevel, "log-level", "info", "debug, info, warn or error")
	if err := set.Parse(args); err != nil {
		return o, fmt.Errorf("read options: %w", err)
	}
	return o, nil
}

// load reads the config file and completes the options from it.
func (o *Options) load() (*proxyconfig.Config, []proxyconfig.Warning, error) {
	var (
		cfg      = &proxyconfig.Config{}
		warnings []proxyconfig.Warning
		err      error
	)
	switch {
	case o.Config != nil:
		cfg, warnings, err = proxyconfig.Parse("built-in config", o.Config, o.Lookup)
	case o.ConfigFile != "":
		cfg, warnings, err = proxyconfig.Load(o.ConfigFile, o.Lookup)
	}
	if err != nil {
		return nil, warnings, fmt.Errorf("config file: %w", err)
	}
	if o.MasterKey.IsZero() {
		o.MasterKey = cfg.General.MasterKey
	}
	if o.MasterKey.IsZero() && o.QuickStart {
		o.MasterKey = secret.New(QuickStartKey)
	}
	if o.DatabaseURL.IsZero() {
		o.DatabaseURL = cfg.General.DatabaseURL
	}
	return cfg, warnings, o.check()
}

func (o *Options) check() error {
	if o.DrainTimeout == 0 {
		o.DrainTimeout = 10 * time.Second
	}
	if o.NATSReplicas == 0 {
		o.NATSReplicas = 1
	}
	if o.Prefix == "" {
		o.Prefix = contract.DefaultPrefix
	}
	if o.Progress == nil {
		o.Progress = func(string, ...any) {}
	}
	if o.Replica == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "controlplane"
		}
		o.Replica = fmt.Sprintf("cp-%s-%d-%x", host, os.Getpid(), time.Now().UnixMilli()&0xffffff)
	}
	var problems []error
	if o.DatabaseURL.IsZero() {
		problems = append(problems, errors.New("no database: set DATABASE_URL, --database-url or general_settings.database_url"))
	}
	switch key := o.MasterKey.Reveal(); {
	case key == "":
		problems = append(problems, errors.New("no master key: set TIANJI_MASTER_KEY or general_settings.master_key"))
	case !strings.HasPrefix(key, ident.KeyPrefix):
		problems = append(problems, errors.New("the master key must start with sk-"))
	case key == QuickStartKey && (!o.QuickStart || !loopback(o.Listen)):
		problems = append(problems, fmt.Errorf("the master key %s is public: set TIANJI_MASTER_KEY to one of your own (it is only accepted by 'tianji standalone' on loopback addresses)", QuickStartKey))
	}
	if o.SaltKey.IsZero() {
		problems = append(problems, errors.New("no salt key: set TIANJI_SALT_KEY to a long random text and keep it; it seals provider credentials"))
	}
	return errors.Join(problems...)
}

// loopback reports whether only this machine can reach an address.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Package app puts a data plane together: the one place where its parts meet.
// It is the only package of this module that others import.
package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// Options configure a data plane. The zero values of most are good defaults.
type Options struct {
	// Listen is the address of the API; port 0 takes a free one.
	Listen string
	// DebugListen serves pprof; empty serves it nowhere.
	DebugListen string
	// NATSURL lists the servers, with credentials where they need them.
	NATSURL                                                        secret.String
	NATSCAFile, NATSCertFile, NATSKeyFile, NATSNKeyFile, NATSCreds string
	// InProcess reaches an embedded server without a socket.
	InProcess nats.InProcessConnProvider
	// Prefix keeps installations apart that share a NATS.
	Prefix string
	// ControlPlaneURL is where management routes are forwarded.
	ControlPlaneURL string
	// SaltKey opens provider credentials.
	SaltKey secret.String
	// DataDir holds the usage spool and the last configuration. Replicas on
	// one machine may share it.
	DataDir string
	// FetchAllow lists networks that may be reached although they are not public,
	// when a request names an address: CIDRs and addresses, comma-separated.
	FetchAllow string
	// Replica names this process; empty makes a name up.
	Replica string
	// DrainTimeout is how long Stop waits for requests under way.
	DrainTimeout time.Duration
	LogLevel     string
	Logger       *slog.Logger
	// Getenv reads the environment variables that vendors and config files name.
	Getenv func(string) string
}

// Parse reads options from flags and the environment.
func Parse(args []string, out io.Writer, lookup config.Lookup) (Options, error) {
	o := Options{}
	set := config.New("tianji-dataplane", out, lookup)
	set.About("Serves LLM requests and reports their usage. Needs NATS; needs no database.")
	set.Examples("tianji-dataplane --listen 127.0.0.1:4002\n" +
		"set -a; . data/dataplane.env; tianji-dataplane --listen 127.0.0.1:4002")
	set.String(&o.Listen, "listen", "127.0.0.1:4000", "address of the API")
	o.flags(set)
	if err := set.Parse(args); err != nil {
		return o, fmt.Errorf("read options: %w", err)
	}
	o.Getenv = func(name string) string { v, _ := lookup(name); return v }
	return o, nil
}

func (o *Options) flags(set *config.Set) {
	set.String(&o.DebugListen, "debug-listen", "127.0.0.1:0", "address of pprof, loopback only; empty for none")
	set.Secret(&o.NATSURL, "nats-url", "nats://127.0.0.1:4222", "NATS servers, comma-separated, with credentials", "NATS_URL")
	set.String(&o.NATSCAFile, "nats-ca", "", "file with the CA of the NATS servers")
	set.String(&o.NATSCertFile, "nats-cert", "", "client certificate for NATS")
	set.String(&o.NATSKeyFile, "nats-key", "", "key of the client certificate")
	set.String(&o.NATSNKeyFile, "nats-nkey", "", "file with an nkey seed")
	set.String(&o.NATSCreds, "nats-creds", "", "NATS .creds file")
	set.String(&o.Prefix, "nats-prefix", contract.DefaultPrefix, "prefix of all NATS names of this installation")
	set.String(&o.ControlPlaneURL, "control-plane-url", "http://127.0.0.1:4001", "where management routes are forwarded")
	set.Secret(&o.SaltKey, "salt-key", "", "key that opens provider credentials", "LITELLM_SALT_KEY")
	set.String(&o.DataDir, "data-dir", "data/dataplane", "directory of the usage spool and the last configuration")
	set.String(&o.FetchAllow, "fetch-allow", "", "networks that requests may lead to although they are not public: CIDRs or addresses, comma-separated")
	set.String(&o.Replica, "replica", "", "name of this replica; made up when empty")
	set.Duration(&o.DrainTimeout, "drain-timeout", 25*time.Second, "how long to wait for requests under way when stopping")
	set.String(&o.LogLevel, "log-level", "info", "debug, info, warn or error")
}

func (o *Options) complete() (*url.URL, error) {
	if o.Prefix == "" {
		o.Prefix = contract.DefaultPrefix
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = 25 * time.Second
	}
	if o.DataDir == "" {
		return nil, errors.New("data directory: set --data-dir or TIANJI_DATA_DIR")
	}
	if o.Replica == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "dataplane"
		}
		o.Replica = fmt.Sprintf("dp-%s-%d-%x", host, os.Getpid(), time.Now().UnixMilli()&0xffffff)
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.ControlPlaneURL == "" {
		return nil, nil //nolint:nilnil // none is allowed
	}
	u, err := url.Parse(o.ControlPlaneURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("control plane URL %q: want http(s)://host:port", o.ControlPlaneURL)
	}
	return u, nil
}

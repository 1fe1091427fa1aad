package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"syscall"
	"time"
)

// Options configure a Client; zero values take the defaults named here.
type Options struct {
	// DialTimeout bounds name resolution and TCP connect, and apart from that
	// the CONNECT exchange with a proxy (10 s).
	DialTimeout time.Duration
	// TLSHandshakeTimeout bounds each TLS handshake (10 s).
	TLSHandshakeTimeout time.Duration
	// IdleConnTimeout is how long an unused connection is kept (90 s).
	IdleConnTimeout time.Duration
	// MaxIdlePerHost is how many unused connections are kept per scheme and
	// host (256).
	MaxIdlePerHost int
	// MaxHeaderBytes bounds a response head, interim ones included (64 KiB).
	MaxHeaderBytes int
	// TLS is cloned. Missing parts are filled in: TLS 1.2 as the least version,
	// a session cache, the server name. ALPN is always http/1.1.
	TLS *tls.Config
	// Proxy chooses the proxy (http, https or socks5) of a URL that has a scheme
	// and a host but no path; nil, or a nil URL, means none. It is asked when a
	// host is first used, not for every request. The ProxyFunc method of
	// golang.org/x/net/http/httpproxy.Config fits.
	Proxy func(*url.URL) (*url.URL, error)
	// Control is net.Dialer.ControlContext: it sees each address after name
	// resolution and may refuse it.
	Control func(ctx context.Context, network, address string, c syscall.RawConn) error
	// UserAgent is sent when neither the Head nor the Fields of a request have one.
	UserAgent string
}

func (o Options) withDefaults() (Options, error) {
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
	}{
		{"DialTimeout", &o.DialTimeout, 10 * time.Second},
		{"TLSHandshakeTimeout", &o.TLSHandshakeTimeout, 10 * time.Second},
		{"IdleConnTimeout", &o.IdleConnTimeout, 90 * time.Second},
	} {
		switch {
		case *d.v < 0:
			return o, fmt.Errorf("upstream options: %s must not be negative", d.name)
		case *d.v == 0:
			*d.v = d.def
		}
	}
	if o.MaxIdlePerHost < 0 || o.MaxHeaderBytes < 0 {
		return o, errors.New("upstream options: MaxIdlePerHost and MaxHeaderBytes must not be negative")
	}
	if o.MaxIdlePerHost == 0 {
		o.MaxIdlePerHost = 256
	}
	if o.MaxHeaderBytes == 0 {
		o.MaxHeaderBytes = 64 << 10
	}
	if !validValue(o.UserAgent) {
		return o, fmt.Errorf("upstream options: %w: User-Agent", ErrHeader)
	}
	o.TLS = tlsConfig(o.TLS)
	return o, nil
}

// tlsConfig returns the configuration that those of all hosts are cloned from,
// so that they share one session cache.
func tlsConfig(given *tls.Config) *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if given != nil {
		cfg = given.Clone()
	}
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	if cfg.ClientSessionCache == nil {
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(256)
	}
	cfg.NextProtos = []string{"http/1.1"}
	// Small first records help browsers paint early; for prompts they only
	// cost system calls.
	cfg.DynamicRecordSizingDisabled = true
	return cfg
}

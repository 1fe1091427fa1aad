// Package natsx connects to NATS with settings that were measured to fail
// fast, and keeps the handful of JetStream calls that both planes share.
//
// It declares no names; those are in contract.
package natsx

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// Options say where NATS is and who connects.
type Options struct {
	// URLs is a comma-separated list of servers, which may hold credentials.
	URLs string
	// InProcess connects to an embedded server without a socket; URLs is then
	// only used for its credentials.
	InProcess nats.InProcessConnProvider
	// Optional files: a CA bundle, a client certificate with its key, and
	// either an nkey seed or a .creds file.
	CAFile, CertFile, KeyFile, NKeyFile, CredsFile string
	Names                                          contract.Names
	Plane                                          contract.Plane
	Replica                                        string
	// Connected, when set, fires after each successful connect and reconnect.
	Connected *Signal
	Logger    *slog.Logger
}

// Purpose tells the two connections of a process apart. A stuck bulk socket
// must not hold the lock of the connection on which lookups wait.
type Purpose string

// The connections of a process.
const (
	Control Purpose = "ctl"
	Bulk    Purpose = "bulk"
)

// Connect returns a connection that reconnects for ever. It does not fail when
// the servers can not be reached: a data plane has to start without NATS.
//
// The settings follow from measurements: with the defaults of nats.go a call
// with a deadline of 5 ms was still blocked after 20 s when a server hung, and
// messages buffered while disconnected are replayed after a reconnect, when
// they are no longer true. So a hung server is noticed within seconds, a stuck
// flush ends the connection, and nothing is buffered.
func Connect(o Options, purpose Purpose) (*nats.Conn, error) {
	opts := []nats.Option{
		nats.Name(string(o.Plane) + " " + o.Replica + " " + string(purpose)),
		nats.CustomInboxPrefix(o.Names.InboxPrefix(o.Plane)),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true),
		nats.ReconnectBufSize(-1),
		nats.MaxPingsOutstanding(2),
		nats.IgnoreAuthErrorAbort(), // credentials may be rotated on the servers first
	}
	if purpose == Control {
		opts = append(opts, nats.ReconnectWait(100*time.Millisecond), nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond),
			nats.Timeout(500*time.Millisecond), nats.PingInterval(time.Second), nats.FlusherTimeout(200*time.Millisecond), nats.ReconnectOnFlusherError())
	} else {
		opts = append(opts, nats.ReconnectWait(250*time.Millisecond), nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
			nats.Timeout(2*time.Second), nats.PingInterval(5*time.Second), nats.FlusherTimeout(2*time.Second), nats.ReconnectOnFlusherError())
	}
	opts = append(opts, o.handlers(purpose)...)
	security, err := o.security()
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(o.URLs, append(opts, security...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to nats at %s: %w", Redact(o.URLs), err)
	}
	return nc, nil
}

func (o Options) security() ([]nats.Option, error) {
	var opts []nats.Option
	if o.InProcess != nil {
		opts = append(opts, nats.InProcessServer(o.InProcess))
	}
	if o.CAFile != "" {
		opts = append(opts, nats.RootCAs(o.CAFile))
	}
	if o.CertFile != "" {
		opts = append(opts, nats.ClientCert(o.CertFile, o.KeyFile))
	}
	if o.CredsFile != "" {
		opts = append(opts, nats.UserCredentials(o.CredsFile))
	}
	if o.NKeyFile != "" {
		opt, err := nats.NkeyOptionFromSeed(o.NKeyFile)
		if err != nil {
			return nil, fmt.Errorf("read nkey seed: %w", err)
		}
		opts = append(opts, opt)
	}
	return opts, nil
}

func (o Options) handlers(purpose Purpose) []nats.Option {
	log := o.Logger.With(slog.String("connection", string(purpose)))
	ctx := context.Background()
	connected := func(nc *nats.Conn) {
		log.LogAttrs(ctx, slog.LevelInfo, "nats connected", slog.String("server", nc.ConnectedServerName()))
		if o.Connected != nil {
			o.Connected.Fire()
		}
	}
	return []nats.Option{
		nats.ConnectHandler(connected),
		nats.ReconnectHandler(connected),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if nc.IsClosed() {
				return // by ourselves
			}
			log.LogAttrs(ctx, slog.LevelWarn, "nats disconnected", slog.Any("error", err))
		}),
		// A denied publish is not an error of the call that made it; this is
		// the only place where a wrong set of permissions can be seen.
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			log.LogAttrs(ctx, slog.LevelError, "nats error", slog.String("subject", subject), slog.Any("error", err))
		}),
	}
}

// Redact removes credentials from a list of server URLs, for messages.
func Redact(urls string) string {
	parts := strings.Split(urls, ",")
	for i, u := range parts {
		scheme, rest, ok := strings.Cut(strings.TrimSpace(u), "://")
		if !ok {
			scheme, rest = "nats", strings.TrimSpace(u)
		}
		if _, host, ok := strings.Cut(rest, "@"); ok {
			rest = host
		}
		parts[i] = scheme + "://" + rest
	}
	return strings.Join(parts, ",")
}

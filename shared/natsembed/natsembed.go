// Package natsembed runs a nats-server with JetStream inside this process, for
// the standalone mode and the tests.
//
// It makes no streams or buckets and hands out no client connections. It is a
// single server: a cluster needs processes of its own. The goroutines are the
// server's; [Server.Stop] ends them and waits.
package natsembed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// DontListen as [Options].Port serves in-process connections only.
const DontListen = -1

// DefaultMaxStore is no bound but the largest sizes of the streams themselves.
// They are reserved when a stream is made: with nats-server's default, three
// quarters of the free disk, a server with 20 GB to spare would refuse streams that
// hardly ever hold a hundredth of what they may.
const DefaultMaxStore = 1 << 40

// User is a NATS user. Nil subject lists allow everything, as in NATS itself.
type User struct {
	Name           string
	Password       string
	PublishAllow   []string
	SubscribeAllow []string
	// AllowResponses lets the user answer a request once, within 5 seconds,
	// whatever the reply subject.
	AllowResponses bool
}

// Options describe the server.
type Options struct {
	// StoreDir holds the streams; it belongs to one server at a time.
	StoreDir string
	// Host is the address to listen on. Default: 127.0.0.1.
	Host string
	// Port is the TCP port; 0 takes a free one, [DontListen] none.
	Port int
	// Users may connect; at least one is needed. All share the one account
	// that has JetStream; the system account has no users.
	Users []User
	// MaxMemory and MaxStore bound JetStream in bytes. 0 is three quarters of the
	// memory, and [DefaultMaxStore].
	MaxMemory int64
	MaxStore  int64
	// SyncAlways makes every stored message survive a power failure at the
	// price of an fsync each; without it only a crash of the process is.
	SyncAlways bool
	// ServerName shows in client connections. Default: tianji.
	ServerName string
	// Logger gets the server's log: warnings and errors as warnings, the rest
	// at debug level; nil discards it.
	Logger *slog.Logger
}

// Server is a running nats-server.
type Server struct {
	ns    *server.Server
	users map[string]User
	addr  string // host:port, or a name that stands for none
	port  int
	lock  *os.File
}

// Start returns once the streams are restored and clients may connect, which
// takes about a second for a million stored messages and can not be cut short.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("embedded nats: %w", err)
	}
	if opts.StoreDir == "" {
		return nil, errors.New("embedded nats: no store directory given")
	}
	users, err := checkUsers(opts.Users)
	if err != nil {
		return nil, fmt.Errorf("embedded nats: %w", err)
	}
	lock, err := lockStore(opts.StoreDir)
	if err != nil {
		return nil, fmt.Errorf("embedded nats: %w", err)
	}
	ns, err := run(&opts)
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("embedded nats: %w", err)
	}
	s := &Server{ns: ns, users: users, addr: "in-process", port: DontListen, lock: lock}
	if a, ok := ns.Addr().(*net.TCPAddr); ok {
		s.addr, s.port = net.JoinHostPort(connectHost(opts.Host), strconv.Itoa(a.Port)), a.Port
	}
	return s, nil
}

func run(opts *Options) (*server.Server, error) {
	ns, err := server.NewServer(serverOptions(opts))
	if err != nil {
		return nil, err
	}
	log := newLogger(opts.Logger)
	ns.SetLogger(log, false, false)
	ns.Start()
	if err := log.fatal(); err != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, err
	}
	return ns, nil
}

// serverOptions follow the server section of the deployed configuration, so
// that what works embedded works in a cluster.
func serverOptions(o *Options) *server.Options {
	out := &server.Options{
		ServerName: "tianji",
		Host:       "127.0.0.1",
		Port:       o.Port,
		NoSigs:     true,
		MaxPayload: 2 << 20,
		// A client that hangs is noticed within 15 seconds.
		PingInterval:           5 * time.Second,
		MaxPingsOut:            2,
		WriteDeadline:          2 * time.Second,
		JetStream:              true,
		JetStreamMaxMemory:     o.MaxMemory,
		JetStreamMaxStore:      cmp.Or(o.MaxStore, DefaultMaxStore),
		StoreDir:               o.StoreDir,
		SyncAlways:             o.SyncAlways,
		DisableJetStreamBanner: true,
	}
	if o.ServerName != "" {
		out.ServerName = o.ServerName
	}
	if o.Host != "" {
		out.Host = o.Host
	}
	switch o.Port {
	case 0:
		out.Port = server.RANDOM_PORT
	case DontListen:
		out.Port, out.DontListen = 0, true
	}
	// Users without an account are in the global one, which gets JetStream
	// before the first client is let in; the system account is made beside it.
	for _, u := range o.Users {
		out.Users = append(out.Users, &server.User{Username: u.Name, Password: u.Password, Permissions: u.permissions()})
	}
	return out
}

func (u User) permissions() *server.Permissions {
	p := &server.Permissions{}
	if u.PublishAllow != nil {
		p.Publish = &server.SubjectPermission{Allow: u.PublishAllow}
	}
	if u.SubscribeAllow != nil {
		p.Subscribe = &server.SubjectPermission{Allow: u.SubscribeAllow}
	}
	if u.AllowResponses {
		p.Response = &server.ResponsePermission{MaxMsgs: 1, Expires: 5 * time.Second}
	}
	return p
}

func checkUsers(users []User) (map[string]User, error) {
	if len(users) == 0 {
		return nil, errors.New("no users given: anybody on this machine could connect")
	}
	byName := make(map[string]User, len(users))
	for _, u := range users {
		if u.Name == "" || u.Password == "" {
			return nil, fmt.Errorf("user %q needs a name and a password", u.Name)
		}
		if _, taken := byName[u.Name]; taken {
			return nil, fmt.Errorf("user %q is given twice", u.Name)
		}
		byName[u.Name] = u
	}
	return byName, nil
}

// connectHost is where clients on this machine reach a listener on host.
func connectHost(host string) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

// URL is the address with the user's password in it, "" for a user that was
// not given: do not log it. Without a listener it serves only as the address
// for a connection made with [Server.InProcess].
func (s *Server) URL(user string) string {
	u, ok := s.users[user]
	if !ok {
		return ""
	}
	return (&url.URL{Scheme: "nats", User: url.UserPassword(u.Name, u.Password), Host: s.addr}).String()
}

// Addr is host:port of the listener.
func (s *Server) Addr() string { return s.addr }

// Port is the TCP port of the listener, or [DontListen].
func (s *Server) Port() int { return s.port }

// InProcess connects without a socket: nats.Connect(s.URL(user), nats.InProcessServer(s.InProcess())).
func (s *Server) InProcess() nats.InProcessConnProvider { return s.ns }

// Stop closes all connections, writes out the streams and waits. A second
// Stop waits too.
func (s *Server) Stop() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
	_ = s.lock.Close()
}

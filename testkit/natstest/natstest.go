// Package natstest gives tests a real NATS server with JetStream, in the test
// process and on a port of its own, that can be stopped and restarted. It is
// for tests only; the server ends with the test.
package natstest

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/natsembed"
)

// Admin is the user who may do everything, made where the options name none.
const Admin = "admin"

// Server is a NATS server for one test. Its methods are for one goroutine at a
// time.
type Server struct {
	tb      testing.TB
	opts    natsembed.Options
	current *natsembed.Server
	running bool
}

// Start runs a server until the test ends. What opts leaves out is chosen: a
// temporary directory, a free port, the one user [Admin].
func Start(tb testing.TB, opts natsembed.Options) *Server {
	tb.Helper()
	if opts.StoreDir == "" {
		opts.StoreDir = tb.TempDir()
	}
	if len(opts.Users) == 0 {
		opts.Users = []natsembed.User{{Name: Admin, Password: natsembed.NewPassword()}}
	}
	s := &Server{tb: tb, opts: opts}
	s.start()
	tb.Cleanup(s.Stop)
	return s
}

func (s *Server) start() {
	s.tb.Helper()
	var err error
	s.current, err = natsembed.Start(s.tb.Context(), s.opts)
	require.NoError(s.tb, err)
	s.running = true
	if s.opts.Port == 0 {
		s.opts.Port = s.current.Port()
	}
}

// URL is the address with the user's password in it. It stays the same through
// all restarts.
func (s *Server) URL(user string) string { return s.current.URL(user) }

// Addr is host:port, for a proxy in between.
func (s *Server) Addr() string { return s.current.Addr() }

// Connect connects as user until the test ends; that the server went away
// before is no failure.
func (s *Server) Connect(user string, opts ...nats.Option) *nats.Conn {
	s.tb.Helper()
	if s.opts.Port == natsembed.DontListen {
		opts = append(opts, nats.InProcessServer(s.current.InProcess()))
	}
	nc, err := nats.Connect(s.URL(user), opts...)
	require.NoError(s.tb, err)
	s.tb.Cleanup(nc.Close)
	return nc
}

// Stop shuts the server down and waits; its connections are cut.
func (s *Server) Stop() {
	if s.running {
		s.current.Stop()
		s.running = false
	}
}

// Restart runs the server again, on the same port and data; a running one is
// stopped first.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Stop()
	s.start()
}

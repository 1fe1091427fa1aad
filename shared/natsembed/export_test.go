package natsembed

import "github.com/nats-io/nats-server/v2/server"

// JetStreamConfig is what the server made of the options.
func (s *Server) JetStreamConfig() *server.JetStreamConfig { return s.ns.JetStreamConfig() }

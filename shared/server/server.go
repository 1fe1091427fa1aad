// Package server runs an HTTP server with a life in three steps: listen, serve,
// drain.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options bound what clients may do. A zero timeout is none: streams need
// their writes unbounded here and bound them one by one.
type Options struct {
	ReadTimeout, WriteTimeout time.Duration
	Logger                    *slog.Logger
}

// Server is an HTTP server on a listener that is open already. It owns one
// goroutine from Serve until Close.
type Server struct {
	http     *http.Server
	listener net.Listener
	log      *slog.Logger
	wg       sync.WaitGroup
}

// Listen opens addr; port 0 takes a free one.
func Listen(ctx context.Context, addr string, handler http.Handler, o Options) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return &Server{
		listener: l, log: o.Logger, http: &http.Server{
			Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
			IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
		},
	}, nil
}

// Addr is the address that is listened on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Serve begins to accept. It does not block.
func (s *Server) Serve() {
	s.wg.Go(func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.LogAttrs(context.Background(), slog.LevelError, "server ended", slog.Any("error", err))
		}
	})
}

// Drain stops accepting and waits for requests under way, until ctx ends or
// the patience does.
func (s *Server) Drain(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return fmt.Errorf("requests were still under way: %w", err)
	}
	return nil
}

// Close ends what Drain left and waits for the server's goroutine.
func (s *Server) Close() {
	_ = s.http.Close()
	_ = s.listener.Close() // when Serve was never called
	s.wg.Wait()
}

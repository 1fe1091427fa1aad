// Package upstream stands in for two vendors, OpenAI and Anthropic: it answers
// each chat with the same bytes, at once or event by event, and costs as little
// as it can. It runs in a process of its own, and its goroutines, one a
// connection, end with Close.
package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
	"github.com/tianjillm/tianjillm/test/bench/internal/wire"
)

const (
	bufferSize = 64 << 10
	// peek is how much of a body is looked at to see what is asked for: all of
	// a small one, since translators put members where they like.
	peek = 4 << 10
)

// Server answers on one listener.
type Server struct {
	listener net.Listener
	ctx      context.Context //nolint:containedctx // ends with Close
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	vendors  [2]vendor // by wire
}

// vendor is what is answered in one wire.
type vendor struct {
	path   []byte // as it follows the method
	answer []byte
	stream *payload.Stream
}

func newVendor(w payload.Wire) vendor {
	return vendor{path: []byte(w.Path() + " "), answer: w.Answer(), stream: w.NewStream()}
}

// Start listens on addr.
func Start(ctx context.Context, addr string) (*Server, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &Server{listener: l, vendors: [...]vendor{newVendor(payload.OpenAI), newVendor(payload.Anthropic)}}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.wg.Go(s.accept)
	return s, nil
}

// Addr is host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends all connections and waits.
func (s *Server) Close() {
	s.cancel()
	_ = s.listener.Close()
	s.wg.Wait()
}

func (s *Server) accept() {
	for {
		raw, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.wg.Go(func() {
			defer context.AfterFunc(s.ctx, func() { _ = raw.Close() })()
			defer func() { _ = raw.Close() }()
			c := conn{server: s, raw: raw, buf: make([]byte, bufferSize)}
			for c.exchange() == nil { //nolint:revive // an error ends the connection
			}
		})
	}
}

type conn struct {
	server *Server
	raw    net.Conn
	buf    []byte
	first  []byte
}

var (
	errFraming = errors.New("a request needs a Content-Length and an answer before the next request")
	errPath    = errors.New("nothing is served there")
)

// asked is what a request wants.
type asked struct {
	of     *vendor
	stream bool
	pace   time.Duration
}

func (c *conn) exchange() error {
	a, err := c.request()
	if err != nil {
		return err
	}
	if a.stream {
		return c.stream(a.of.stream, a.pace)
	}
	_, err = c.raw.Write(a.of.answer)
	return err
}

// request reads a request to its end.
func (c *conn) request() (a asked, err error) {
	have := 0
	var head wire.Head
	for ok := false; !ok; {
		n, err := c.raw.Read(c.buf[have:])
		if err != nil {
			return a, err
		}
		have += n
		if head, ok, err = wire.ParseHead(c.buf[:have]); err != nil {
			return a, err
		}
	}
	if a.of = c.server.vendorAt(c.buf[:head.Size]); a.of == nil {
		_, _ = c.raw.Write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
		return a, errPath
	}
	if head.Length <= 0 || head.Chunked {
		_, _ = c.raw.Write([]byte("HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\n\r\n"))
		return a, errFraming
	}
	for int64(have-head.Size) < min(head.Length, peek) {
		n, err := c.raw.Read(c.buf[have:])
		if err != nil {
			return a, err
		}
		have += n
	}
	body := c.buf[head.Size:have]
	a.stream, a.pace = payload.Asked(body[:min(len(body), peek)])
	left := head.Length - int64(len(body))
	for left > 0 {
		n, err := c.raw.Read(c.buf)
		if err != nil {
			return a, err
		}
		left -= int64(n)
	}
	if left < 0 {
		return a, errFraming
	}
	return a, nil
}

// vendorAt finds who is asked for by the path in a head.
func (s *Server) vendorAt(head []byte) *vendor {
	_, rest, _ := bytes.Cut(head, []byte(" "))
	for i := range s.vendors {
		if bytes.HasPrefix(rest, s.vendors[i].path) {
			return &s.vendors[i]
		}
	}
	return nil
}

// stream writes each event by itself, as a vendor does.
func (c *conn) stream(s *payload.Stream, pace time.Duration) error {
	c.first = s.First(c.first[:0], time.Now())
	if _, err := c.raw.Write(c.first); err != nil {
		return err
	}
	for _, event := range s.Rest() {
		if pace > 0 && !lifecycle.Sleep(c.server.ctx, pace) {
			return c.server.ctx.Err()
		}
		if _, err := c.raw.Write(event); err != nil {
			return err
		}
	}
	return nil
}

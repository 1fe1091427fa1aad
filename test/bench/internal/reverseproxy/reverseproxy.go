// Package reverseproxy is what the data plane is compared with: the standard
// library's httputil.ReverseProxy in front of one upstream, with a transport
// that keeps its connections, and nothing else. Its server's goroutines end
// with Close.
package reverseproxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// idle is how many connections to the upstream are kept: more than any
// scenario has under way.
const idle = 4096

// Server is a running proxy.
type Server struct {
	listener  net.Listener
	server    *http.Server
	transport *http.Transport
	wg        sync.WaitGroup
}

// Start listens on addr and forwards to upstream, which is host:port.
func Start(ctx context.Context, addr, upstream string) (*Server, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	target := &url.URL{Scheme: "http", Host: upstream}
	transport := &http.Transport{MaxIdleConns: idle, MaxIdleConnsPerHost: idle, IdleConnTimeout: 90 * time.Second, DisableCompression: true}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			if r.Out.Body != nil {
				r.Out.Body = &body{r.Out.Body, r.Out.ContentLength}
			}
		},
		Transport:     transport,
		FlushInterval: -1,
	}
	s := &Server{listener: l, transport: transport, server: &http.Server{Handler: proxy, ReadHeaderTimeout: 10 * time.Second}}
	s.wg.Go(func() { _ = s.server.Serve(l) })
	return s, nil
}

// body ends with its Content-Length. http.Transport reads once more to see that
// nothing follows, by which time the answer of an upstream as fast as ours may
// have been passed on; the server has then closed the body, and the transport
// takes the error of that read for a reason to break off the exchange. The
// answers of vendors take longer, so a proxy in use has no need of this.
type body struct {
	io.ReadCloser

	left int64
}

// Read reads until the length is used up.
func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}

// Addr is host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends all connections and waits for the listener.
func (s *Server) Close() {
	_ = s.server.Close()
	s.transport.CloseIdleConnections()
	s.wg.Wait()
}

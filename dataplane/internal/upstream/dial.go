package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// newHost finds out how to reach a target's host. Errors do not repeat the
// proxy's URL, which may hold a password.
func (c *Client) newHost(t *Target) (*host, error) {
	h := &host{client: c, key: t.key, used: c.now()}
	if t.key.scheme == "https" {
		h.tls = c.opts.TLS.Clone()
		if h.tls.ServerName == "" {
			h.tls.ServerName = t.name
		}
	}
	if c.opts.Proxy == nil {
		return h, nil
	}
	u, err := c.opts.Proxy(&url.URL{Scheme: t.key.scheme, Host: t.key.addr})
	if err != nil {
		return nil, errors.New("the configured proxy is not a valid URL")
	}
	if u == nil {
		return h, nil
	}
	switch u.Scheme {
	case "http", "https":
		h.absolute = t.key.scheme == "http"
	case "socks5", "socks5h":
	default:
		return nil, errors.New("the proxy's scheme must be http, https or socks5")
	}
	if u.Hostname() == "" {
		return nil, errors.New("the proxy's host is missing")
	}
	h.proxy = u
	if u.User != nil {
		h.proxyAuth = appendField(nil, Field{Name: "Proxy-Authorization", Value: basicAuth(u.User)})
	}
	return h, nil
}

// dial makes a connection that is ready for a request.
func (h *host) dial(ctx context.Context, until time.Duration) (*conn, error) {
	h.client.stats.dials.Add(1)
	cn, err := h.connect(ctx, until)
	if err != nil {
		h.client.stats.dialErrors.Add(1)
		return nil, err
	}
	return cn, nil
}

func (h *host) connect(ctx context.Context, until time.Duration) (*conn, error) {
	tcp, err := h.dialTCP(ctx, until)
	if err != nil {
		return nil, err
	}
	w, err := newWire(tcp, h.client.epoch)
	if err != nil {
		_ = tcp.Close() // nothing was sent yet
		return nil, &Error{Op: OpDial, Host: h.key.addr, Err: err}
	}
	cn := newConn(h.client, h, w)
	cn.watch(ctx)
	op, limit, err := h.prepare(cn, until)
	if !cn.unwatch() {
		err = errCanceled
	}
	if err != nil {
		_ = w.Close() // the error at hand matters
		return nil, cn.explain(ctx, op, err, limit)
	}
	return cn, nil
}

// prepare does what comes between TCP and HTTP.
func (h *host) prepare(cn *conn, until time.Duration) (op Op, limit, err error) {
	if h.proxy != nil && h.proxy.Scheme == "https" {
		cfg := h.client.opts.TLS.Clone()
		cfg.ServerName = h.proxy.Hostname()
		if limit, err := cn.handshake(cfg, until); err != nil {
			return OpProxy, limit, err
		}
	}
	if h.proxy != nil && h.tls != nil && !isSOCKS(h.proxy) {
		if limit, err := cn.tunnel(until); err != nil {
			return OpProxy, limit, err
		}
	}
	if h.tls != nil {
		limit, err := cn.handshake(h.tls, until)
		return OpTLS, limit, err
	}
	return OpDial, nil, nil
}

// sooner picks the limit that ends first, and the error that names it.
func (c *Client) sooner(d time.Duration, err error, until time.Duration) (now, limit time.Duration, _ error) {
	now = c.now()
	if until != 0 && until < now+d {
		return now, until, ErrHeaderTimeout
	}
	return now, now + d, err
}

// dialTCP connects to the host, or to the proxy before it.
func (h *host) dialTCP(ctx context.Context, until time.Duration) (*net.TCPConn, error) {
	op, addr := OpDial, h.key.addr
	if h.proxy != nil {
		op, addr = OpProxy, proxyAddr(h.proxy)
	}
	_, limit, limitErr := h.client.sooner(h.client.opts.DialTimeout, ErrDialTimeout, until)
	dctx, cancel := context.WithDeadline(ctx, h.client.epoch.Add(limit))
	defer cancel()
	var nc net.Conn
	var err error
	if h.proxy != nil && isSOCKS(h.proxy) {
		nc, err = h.dialSOCKS(dctx, addr)
	} else {
		nc, err = h.client.dialer.DialContext(dctx, "tcp", addr)
	}
	if tcp, ok := nc.(*net.TCPConn); ok && err == nil {
		return tcp, nil
	}
	if err == nil {
		err = fmt.Errorf("dialer returned a %T", nc)
	}
	return nil, &Error{Op: op, Host: h.key.addr, Err: h.dialFailure(ctx, err, limit, limitErr)}
}

// dialFailure tells why dialing ended. The dialer keeps deadlines itself and so
// may give up a moment before the context does.
func (h *host) dialFailure(ctx context.Context, err error, limit time.Duration, limitErr error) error {
	now := h.client.now()
	deadline, ok := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return cancelCause(ctx)
	case ok && h.client.epoch.Add(now).After(deadline):
		return context.DeadlineExceeded
	case now >= limit:
		return limitErr
	}
	return err
}

// dialSOCKS returns the TCP connection to the proxy, joined to the target.
func (h *host) dialSOCKS(ctx context.Context, addr string) (net.Conn, error) {
	var auth *proxy.Auth
	if u := h.proxy.User; u != nil {
		pass, _ := u.Password()
		auth = &proxy.Auth{User: u.Username(), Password: pass}
	}
	base := &keepDialer{dialer: &h.client.dialer}
	d, err := proxy.SOCKS5("tcp", addr, auth, base)
	if err != nil {
		return nil, err
	}
	cd, ok := d.(proxy.ContextDialer)
	if !ok {
		return nil, errors.New("socks dialer takes no context")
	}
	if _, err := cd.DialContext(ctx, "tcp", h.key.addr); err != nil {
		return nil, err
	}
	return base.conn, nil
}

// keepDialer remembers the connection that the SOCKS dialer wraps.
type keepDialer struct {
	dialer *net.Dialer
	conn   net.Conn
}

func (d *keepDialer) Dial(string, string) (net.Conn, error) {
	return nil, errors.New("dial without a context")
}

func (d *keepDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := d.dialer.DialContext(ctx, network, addr)
	d.conn = conn
	return conn, err
}

func isSOCKS(u *url.URL) bool { return u.Scheme == "socks5" || u.Scheme == "socks5h" }

func proxyAddr(u *url.URL) string {
	port := u.Port()
	switch u.Scheme {
	case "https":
		port = orDefault(port, "443")
	case "http":
		port = orDefault(port, "80")
	default:
		port = orDefault(port, "1080")
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// handshake puts a TLS layer on the connection. limit names what an expired
// time was for.
func (cn *conn) handshake(cfg *tls.Config, until time.Duration) (limit, err error) {
	now, end, limit := cn.client.sooner(cn.client.opts.TLSHandshakeTimeout, ErrTLSTimeout, until)
	cn.wire.limitRead(now, end)
	cn.wire.limitWrite(now, end, 0)
	tc := tls.Client(cn.rw, cfg)
	if err := tc.Handshake(); err != nil { //nolint:noctx // the wire watches the context
		return limit, err
	}
	cn.rw, cn.tls = tc, tc
	return nil, nil
}

// tunnel asks the proxy to connect us to the target.
func (cn *conn) tunnel(until time.Duration) (limit, err error) {
	h := cn.host
	now, end, limit := cn.client.sooner(cn.client.opts.DialTimeout, ErrDialTimeout, until)
	cn.wire.limitRead(now, end)
	cn.wire.limitWrite(now, end, 0)
	b := fmt.Appendf(nil, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", h.key.addr, h.key.addr)
	if agent := cn.client.opts.UserAgent; agent != "" {
		b = appendField(b, Field{Name: "User-Agent", Value: agent})
	}
	b = append(append(b, h.proxyAuth...), "\r\n"...)
	if _, err := cn.rw.Write(b); err != nil {
		return limit, err
	}
	cn.buf = cn.client.getBuf()
	defer cn.dropBuffer()
	resp, err := cn.readHead("CONNECT")
	switch {
	case err != nil:
		return limit, err
	case resp.StatusCode/100 != 2:
		return limit, &ProxyError{StatusCode: resp.StatusCode}
	case cn.lo != cn.hi:
		return limit, malformed("bytes after the proxy's answer to CONNECT")
	}
	return nil, nil
}

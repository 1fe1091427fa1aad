// Package guarded is the client for URLs that a caller names: pictures,
// documents, webhooks. It reaches public addresses only, because the gateway
// stands where its callers do not: inside a network, beside a metadata service
// that hands out credentials. The address is checked when it is dialed, after
// DNS and on each redirect, so that no name can change its mind in between.
package guarded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	defaultMaxBytes = 50 << 20 // LiteLLM's bound on images
	dialTimeout     = 5 * time.Second
	headTimeout     = 20 * time.Second
	totalTimeout    = 60 * time.Second
	maxRedirects    = 5
)

// ErrForbidden means that the URL leads where callers may not go.
var ErrForbidden = errors.New("the address is not a public one")

// Options change what is reached.
type Options struct {
	// Allow are networks that are reached although they are not public.
	Allow []netip.Prefix
	// Hosts are reached wherever they are, as "host:port": the configuration names
	// them, no caller does. What they redirect to is checked.
	Hosts []string
	// MaxBytes bounds a body; zero is 50 MiB.
	MaxBytes  int64
	UserAgent string
}

// Client fetches URLs. It is safe for concurrent use; Close ends its idle
// connections.
type Client struct {
	opts Options
	http *http.Client
}

// New returns a client. It honours no proxy: a proxy would do the dialing.
func New(o Options) *Client {
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	c := &Client{opts: o}
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: c.Control}
	c.http = &http.Client{
		Timeout: totalTimeout,
		Transport: &http.Transport{
			DialContext: c.dialing(dialer), TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headTimeout,
			MaxIdleConns: 16, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errors.New("too many redirects")
			}
			return checkURL(r.URL)
		},
	}
	return c
}

// dialing dials hosts of the configuration as they are, and others with a check.
func (c *Client) dialing(checked *net.Dialer) func(context.Context, string, string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: dialTimeout}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if slices.Contains(c.opts.Hosts, address) {
			return plain.DialContext(ctx, network, address)
		}
		return checked.DialContext(ctx, network, address)
	}
}

// HostOf returns the host of a URL as Options.Hosts has it.
func HostOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// HTTP returns the client for what needs more than a GET. Its bodies end with an
// error at the bound.
func (c *Client) HTTP() *http.Client {
	own := *c.http
	own.Transport = bounded{c.http.Transport, c.opts.MaxBytes}
	return &own
}

// bounded bounds the bodies of answers.
type bounded struct {
	next http.RoundTripper
	most int64
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, b.most)
	}
	return resp, err //nolint:wrapcheck // as it came: net/http looks at it
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Control is net.Dialer.ControlContext: it sees the address that is about to be
// dialed. Other clients for addresses that callers name use it as well.
func (c *Client) Control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return ErrForbidden
	}
	addr := at.Addr().Unmap()
	if public(addr) || slices.ContainsFunc(c.opts.Allow, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return nil
	}
	return ErrForbidden
}

// public reports whether an address is of the open internet.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !slices.ContainsFunc(special(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// special are networks that count as global unicast and are not reachable for
// everyone: https://www.iana.org/assignments/iana-ipv4-special-registry and
// its twin for IPv6.
func special() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

func checkURL(u *url.URL) error {
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return errors.New("want an absolute http or https URL")
	}
	if u.User != nil {
		return errors.New("a URL with credentials is not fetched")
	}
	return nil
}

// Fetch gets what a URL names, and its media type. Its errors do not repeat
// the URL, whose query may hold a key.
func (c *Client) Fetch(ctx context.Context, rawURL string) (content []byte, mediaType string, err error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, "", errors.New("not a URL")
	}
	if err := checkURL(u); err != nil {
		return nil, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, "", errors.New("not a URL")
	}
	if c.opts.UserAgent != "" {
		req.Header.Set("User-Agent", c.opts.UserAgent)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, "", withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("answered %d", resp.StatusCode)
	}
	content, err = io.ReadAll(io.LimitReader(resp.Body, c.opts.MaxBytes+1))
	if err != nil {
		return nil, "", withoutURL(err)
	}
	if int64(len(content)) > c.opts.MaxBytes {
		return nil, "", fmt.Errorf("larger than %d bytes", c.opts.MaxBytes)
	}
	return content, typeOf(resp.Header.Get("Content-Type"), content), nil
}

// withoutURL takes the URL out of an error of net/http.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// typeOf is what the server says, or what the content looks like.
func typeOf(header string, content []byte) string {
	mediaType, _, err := mime.ParseMediaType(header)
	if err != nil || mediaType == "application/octet-stream" || mediaType == "binary/octet-stream" {
		mediaType, _, _ = mime.ParseMediaType(http.DetectContentType(content))
	}
	return mediaType
}

// ParseNetworks reads a list of CIDRs and addresses that is separated by
// commas or spaces.
func ParseNetworks(list string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, item := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if addr, err := netip.ParseAddr(item); err == nil {
			addr = addr.Unmap()
			all = append(all, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			return nil, fmt.Errorf("%q: want a network such as 10.0.0.0/8, or an address", item)
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}

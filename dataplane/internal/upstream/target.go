package upstream

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
)

// Target is where requests of a deployment go: a URL taken apart once.
// It is safe for concurrent use.
type Target struct {
	key  hostKey
	name string // host without port, what a certificate must be for
	host string // value of the Host field
	uri  string // path and query as sent
	auth string // Authorization value from the URL's user part, or ""

	line    []byte // " uri HTTP/1.1\r\nHost: …\r\n", what follows the method
	absLine []byte // the same in absolute form, for http through a proxy
}

// hostKey tells apart what may not share connections.
type hostKey struct {
	scheme string
	addr   string // host:port
}

// ParseTarget parses an absolute http or https URL. Its errors do not repeat
// the URL, whose query may hold a key.
func ParseTarget(rawurl string) (*Target, error) {
	u, err := url.Parse(rawurl)
	if err != nil {
		return nil, errors.New("parse target: not a URL")
	}
	t := &Target{name: u.Hostname(), host: u.Host}
	port := u.Port()
	switch u.Scheme {
	case "http":
		port = orDefault(port, "80")
	case "https":
		port = orDefault(port, "443")
	default:
		return nil, errors.New("parse target: the scheme must be http or https")
	}
	if t.name == "" {
		return nil, errors.New("parse target: the host is missing")
	}
	if !visibleASCII(t.host) {
		return nil, errors.New("parse target: write the host in ASCII (punycode)")
	}
	if len(t.host) > 0 && t.host[len(t.host)-1] == ':' {
		t.host = t.host[:len(t.host)-1]
	}
	if u.User != nil {
		t.auth = basicAuth(u.User)
	}
	t.key = hostKey{scheme: u.Scheme, addr: net.JoinHostPort(t.name, port)}
	if err := t.setURI(u.RequestURI()); err != nil {
		return nil, err
	}
	return t, nil
}

// With returns the target of another path and query on the same host.
func (t *Target) With(requestURI string) (*Target, error) {
	if requestURI == "" || requestURI[0] != '/' {
		return nil, errors.New("parse target: a request URI starts with a slash")
	}
	c := *t
	if err := c.setURI(requestURI); err != nil {
		return nil, err
	}
	return &c, nil
}

// String returns scheme, host and path. The query, which may hold a key, is left out.
func (t *Target) String() string {
	path := t.uri
	for i := range len(path) {
		if path[i] == '?' {
			path = path[:i]
			break
		}
	}
	return t.key.scheme + "://" + t.host + path
}

// Host returns the host and port that is dialed.
func (t *Target) Host() string { return t.key.addr }

func (t *Target) setURI(uri string) error {
	if !visibleASCII(uri) {
		return errors.New("parse target: space, control character or non-ASCII byte in path or query")
	}
	t.uri = uri
	t.line = fmt.Appendf(nil, " %s HTTP/1.1\r\nHost: %s\r\n", uri, t.host)
	t.absLine = nil
	if t.key.scheme == "http" {
		t.absLine = fmt.Appendf(nil, " http://%s%s HTTP/1.1\r\nHost: %s\r\n", t.host, uri, t.host)
	}
	return nil
}

func visibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func basicAuth(u *url.Userinfo) string {
	pass, _ := u.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+pass))
}

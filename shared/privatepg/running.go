package privatepg

import (
	"fmt"
	"net"
	"net/url"
)

// Running returns the address of a database of the cluster that Start would run
// with the same options, when another process runs it. It starts nothing. The
// address holds a password: do not log it.
func Running(options Options, database string) (address string, running bool, err error) {
	opts, err := options.withDefaults()
	if err != nil {
		return "", false, fmt.Errorf("private postgres: %w", err)
	}
	p, err := findPlace(&opts)
	if err != nil {
		return "", false, fmt.Errorf("private postgres: %w", err)
	}
	if found, err := p.initialised(); err != nil || !found {
		return "", false, err
	}
	if lock, err := lockDir(p.dir); err == nil {
		return "", false, lock.Close() // nobody has it
	}
	f, ok := readPidFile(p.cluster())
	if !ok || f.status != "ready" {
		return "", false, fmt.Errorf("private postgres: another process is starting or stopping it in %s: try again in a moment", p.dir)
	}
	password, err := p.password(&opts, true)
	if err != nil {
		return "", false, fmt.Errorf("private postgres: %w", err)
	}
	u := url.URL{Scheme: "postgres", User: url.User(User), Host: net.JoinHostPort(host, f.port), Path: "/" + database, RawQuery: "sslmode=disable"}
	if password != "" {
		u.User = url.UserPassword(User, password)
	}
	return u.String(), true, nil
}

package login

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// How many logins may fail in a window. The one that counts for people is that
// of a name from an address; the others bound guesses at one name from many
// addresses, and at many names from one. Many people may share an address.
const (
	window      = 15 * time.Minute
	mostPair    = 10
	mostName    = 100
	mostAddress = 300
)

// guard counts logins in the database, so that all replicas count together.
type guard struct{ store *store.Store }

// attempt are the subjects that a login counts for.
type attempt struct{ address, name, pair string }

func newAttempt(address, username string) attempt {
	a := attempt{address: "address " + network(address), name: "name " + ident.HashKey(strings.ToLower(username))}
	a.pair = a.name + " " + a.address
	return a
}

// network is the address of one client: whoever has an IPv6 address usually has
// all of its /64.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}

// begin counts a login as one that fails, until it has not: of many at once, none
// is left out. It refuses one too many, which then counts for nobody's name: else
// who is refused could go on to lock out others.
func (g guard) begin(ctx context.Context, address, username string) (attempt, error) {
	a := newAttempt(address, username)
	for _, c := range []struct {
		subject string
		most    int32
	}{{a.address, mostAddress}, {a.pair, mostPair}, {a.name, mostName}} {
		row, err := g.store.LoginCount(ctx, g.store.DB(), db.LoginCountParams{Subject: c.subject, Seconds: window.Seconds()})
		if err != nil {
			return a, fmt.Errorf("count logins: %w", err)
		}
		if row.Failures > c.most {
			e := &apierr.Error{
				Status: http.StatusTooManyRequests, Type: apierr.TypeAuth, Param: "max_failed_login_attempts",
				Message: "Too many failed sign-in attempts. Try again later.",
			}
			return a, e.After(max(time.Until(row.EndsAt), time.Second))
		}
	}
	if err := g.store.LoginSweep(ctx, g.store.DB()); err != nil {
		return a, fmt.Errorf("forget old logins: %w", err)
	}
	return a, nil
}

// succeeded takes back what begin has counted.
func (g guard) succeeded(ctx context.Context, a attempt) error {
	if err := g.store.LoginForget(ctx, g.store.DB(), a.pair); err != nil {
		return fmt.Errorf("forget logins: %w", err)
	}
	if err := g.store.LoginForgive(ctx, g.store.DB(), []string{a.address, a.name}); err != nil {
		return fmt.Errorf("forgive logins: %w", err)
	}
	return nil
}

package pipeline

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/credential"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// authenticate finds out who asks and whether they may ask at all.
func (x *exchange) authenticate() error {
	id, master, err := x.p.authenticateRequest(x.r, x.state, x.passage != nil && x.passage.Configured)
	if err != nil {
		return err
	}
	if id.User != nil && id.User.Viewer {
		return policy.NoCalls(id.User.Rank)
	}
	if id.Token != nil && !id.Role().MayCall() {
		return policy.NoCalls(id.Role())
	}
	user := x.namedUser()
	if id.Token == nil && !master && user != "" && user != id.Key.UserID {
		if id, err = x.behalf(id, user); err != nil {
			return err
		}
	}
	x.identity, x.master = id, master
	if master {
		x.usage.UserID = user
		return nil
	}
	x.usage.KeyHash, x.usage.UserID, x.usage.TeamID, x.usage.OrgID = id.Key.Hash, id.UserID(), id.Key.TeamID, id.OrgID()
	x.usage.AgentID = id.Key.AgentID
	return nil
}

// namedUser is whom a header of the request names as its user, where the settings
// let it, or "".
func (x *exchange) namedUser() string {
	name := x.state.config.General.UserHeader
	if name == "" {
		return ""
	}
	return bounded(x.r.Header.Get(name))
}

// behalf returns the identity of a key's request for another user. A token says
// itself who its user is.
func (x *exchange) behalf(id principal.Identity, user string) (principal.Identity, error) {
	id, err := x.p.opts.Principals.For(x.r.Context(), id, user)
	if err != nil {
		return id, x.p.unresolved(x.r, err)
	}
	switch u := id.Behalf.User; {
	case u != nil && u.Deactivated:
		return id, credential.Deactivated()
	case u != nil && u.Viewer:
		return id, policy.NoCalls(u.Rank)
	}
	return id, nil
}

// authenticateRequest checks the key of a request against a configuration.
// passThrough says that the route is one of the config file.
func (p *Pipeline) authenticateRequest(r *http.Request, s *state, passThrough bool) (principal.Identity, bool, error) {
	var none principal.Identity
	text, present := credential.Find(r.Header, s.config.Auth.KeyHeader)
	if p.opts.Tokens != nil && present && p.opts.Tokens.Takes(text) {
		return p.authenticateToken(r, s, text, passThrough)
	}
	key, err := credential.Check(text, present)
	if err != nil {
		return none, false, err
	}
	sum := sha256.Sum256([]byte(key))
	if s.hasKey && subtle.ConstantTimeCompare(sum[:], s.master[:]) == 1 {
		return none, true, s.rules.Check(r.URL.Path, true)
	}
	id, err := p.opts.Principals.Resolve(r.Context(), sum)
	if err != nil {
		return none, false, p.unresolved(r, err)
	}
	if id.Key == nil {
		return none, false, credential.Unknown(key)
	}
	if err := usable(&id, r.URL.Path, key, passThrough); err != nil {
		return id, false, err
	}
	return id, false, s.rules.Check(r.URL.Path, id.Role() == policy.ProxyAdmin)
}

// unresolved is the answer when it could not be found out who asks.
func (p *Pipeline) unresolved(r *http.Request, err error) error {
	if r.Context().Err() != nil {
		return errClientGone
	}
	if errors.Is(err, principal.ErrUnavailable) {
		p.metrics.unresolved.Inc()
	}
	return apierr.Unavailable(apierr.TypeNoDB,
		"Service Unavailable, the authentication database is temporarily unreachable. Please retry shortly.", time.Second).Because(err)
}

// usable refuses keys that exist but must not be used, or not here.
func usable(id *principal.Identity, path, key string, passThrough bool) error {
	switch k := id.Key; {
	case k.Blocked:
		return credential.Blocked()
	case !k.Expires.IsZero() && !time.Now().Before(k.Expires):
		return credential.Expired(key, k.Expires, time.Now())
	case id.Team != nil && id.Team.Blocked:
		return credential.TeamBlocked(id.Team.ID)
	case id.User != nil && id.User.Deactivated:
		return credential.Deactivated()
	case !k.Routes.Allow(path) && (!passThrough || !k.Routes.AllowPassThrough(path)):
		return credential.RouteDenied(path)
	}
	return nil
}

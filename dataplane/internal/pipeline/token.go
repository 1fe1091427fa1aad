package pipeline

import (
	"context"
	"errors"
	"net/http"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/credential"
	"github.com/tianjillm/tianjillm/shared/jwtauth"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Tokens takes tokens of identity providers. Desk in package bearer does.
type Tokens interface {
	// Takes reports whether a credential is such a token.
	Takes(text string) bool
	Identify(r *http.Request, text string) (principal.Identity, error)
	// In returns the identity in another team of its token, and whether it may be
	// used.
	In(ctx context.Context, id *principal.Identity, key *principal.Key) (principal.Identity, bool, error)
}

// authenticateToken finds out whom a token is for, and whether they may ask. A
// token that leads to a virtual key is that key.
func (p *Pipeline) authenticateToken(r *http.Request, s *state, text string, passThrough bool) (principal.Identity, bool, error) {
	id, err := p.opts.Tokens.Identify(r, text)
	if err != nil {
		if _, refused := errors.AsType[*apierr.Error](err); refused {
			return principal.Identity{}, false, err
		}
		return principal.Identity{}, false, p.unresolved(r, err)
	}
	path := r.URL.Path
	if id.Token == nil {
		err = usable(&id, path, id.Key.Name, passThrough)
	} else {
		err = usableToken(&id, path, passThrough)
	}
	if err != nil {
		return id, false, err
	}
	return id, false, s.rules.Check(path, id.Role() == policy.ProxyAdmin)
}

// usableToken refuses tokens of those who are blocked, or not here.
func usableToken(id *principal.Identity, path string, passThrough bool) error {
	switch k := id.Key; {
	case id.Team != nil && id.Team.Blocked:
		return credential.TeamBlocked(id.Team.ID)
	case id.User != nil && id.User.Deactivated:
		return credential.Deactivated()
	case k.Routes.Allow(path), passThrough && k.Routes.AllowPassThrough(path):
		return nil
	}
	if id.Token.Acts == "" {
		return jwtauth.RouteDenied("Scope", path)
	}
	return jwtauth.RouteDenied(id.Token.Acts, path)
}

// chooseTeam goes over to another team of the caller's token where the present one
// does not allow the model: the first that does.
func (x *exchange) chooseTeam() error {
	token := x.identity.Token
	if token == nil || len(token.Keys) < 2 || x.allowed(x.identity) {
		return nil
	}
	for _, key := range token.Keys {
		if key == x.identity.Key {
			continue
		}
		id, usable, err := x.p.opts.Tokens.In(x.r.Context(), &x.identity, key)
		if err != nil {
			return x.p.unresolved(x.r, err)
		}
		if !usable || !x.allowed(id) {
			continue
		}
		x.identity = id
		x.usage.TeamID, x.usage.OrgID = id.Key.TeamID, id.OrgID()
		if x.customer == nil || x.customer.Region == "" {
			x.region = x.teamRegion()
		}
		return nil
	}
	return nil
}

// allowed reports whether an identity may use the model of the request.
func (x *exchange) allowed(id principal.Identity) bool {
	name := aliased(id, x.model)
	target, found := x.state.table.ResolveFor(id.Key.TeamID, name)
	return found && x.state.deniedBy(id, x.model, name, target) == ""
}

package bearer

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/jwtauth"
)

// refusedFor is how long it is remembered that the control plane would not make
// whom a token is for.
const refusedFor = 2 * time.Second

// pass is what is remembered of a token that was verified.
type pass struct {
	token *principal.Token
	// alone is the token in one team, for requests that choose it.
	alone map[*principal.Key]*principal.Token
	// mapping is where the bucket may lead to a virtual key, by the value claim.
	mapping  []byte
	claim    string
	needUser bool
	// refusal is why the token is refused where no mapping leads to a key.
	refusal error
	ends    int64 // Unix nanoseconds
}

// admit verifies a token, has made whom it is for, and remembers it.
func (d *Desk) admit(ctx context.Context, o *office, text string, sum [32]byte) (*pass, error) {
	claims, ends, err := o.authority.Verify(ctx, text)
	if err != nil {
		return nil, err
	}
	d.verified.Inc()
	subject, err := o.authority.Subject(claims)
	if err != nil {
		return nil, err
	}
	p := &pass{needUser: subject.NeedsUser(), claim: subject.KeyClaim}
	until := time.Now().Add(o.authority.TTL())
	if p.claim != "" && !subject.Admin {
		p.mapping = []byte(contract.PrefixJWTMapping + contract.JWTMappingID(o.settings.KeyClaim, p.claim))
	} else if o.settings.KeyClaim != "" && o.settings.RejectUnmapped && !subject.Admin {
		return nil, jwtauth.Unmapped(o.settings.KeyClaim, "")
	}
	if p.refusal, err = d.meet(ctx, o, text, &subject); err != nil {
		return nil, err
	}
	if p.refusal != nil {
		if p.mapping == nil {
			return nil, p.refusal
		}
		until = time.Now().Add(refusedFor)
	}
	p.token, p.alone = keysOf(&subject, o.settings, sum, ends)
	if ends.Before(until) {
		until = ends
	}
	p.ends = until.UnixNano()
	o.tokens.put(sum, p)
	return p, nil
}

// meet looks whether those whom a token names are known, and has them made where
// the settings say so. A refusal is for the token, an error for this request.
func (d *Desk) meet(ctx context.Context, o *office, text string, s *jwtauth.Subject) (refusal, err error) {
	if s.Admin || s.Refusal != nil || s.KeyClaim != "" && o.settings.RejectUnmapped {
		return s.Refusal, nil // nobody has to be known, or a key is all that counts
	}
	user, teams, err := d.opts.Principals.Known(ctx, s.UserID, s.Teams)
	if err != nil {
		return nil, err
	}
	set := o.settings
	unknownUser, unknownTeam := s.UserID != "" && !user, len(teams) < len(s.Teams)
	if unknownUser && (set.UpsertUsers || s.Email != "" || s.NeedsUser()) || unknownTeam && set.UpsertTeams || s.TeamAlias != "" || set.Sync && s.UserID != "" {
		return d.enrol(ctx, text, s)
	}
	if !s.NeedsTeam() {
		s.Teams = teams // a claim that names none was never said to be a team
	}
	return nil, nil //nolint:nilnil // neither
}

// enrol asks the control plane whom a token is for.
func (d *Desk) enrol(ctx context.Context, text string, s *jwtauth.Subject) (refusal, err error) {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	d.enrolled.Inc()
	e, err := d.opts.Enroller.Enrol(ctx, text)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, jwtauth.Away(err)
	case e.Status == http.StatusServiceUnavailable:
		return nil, jwtauth.Away(errors.New(e.Message))
	case e.Status != 0:
		return &apierr.Error{Status: e.Status, Type: apierr.TypeAuth, NoneText: true, Message: e.Message}, nil
	}
	s.UserID, s.Teams = e.UserID, e.Teams
	// The answer may be here before the bucket tells of those whom it is about.
	d.opts.Principals.Renewed(e.UserID, e.Teams)
	return nil, nil //nolint:nilnil // neither
}

func same(a, b *contract.JWTSettings) bool { return reflect.DeepEqual(a, b) }

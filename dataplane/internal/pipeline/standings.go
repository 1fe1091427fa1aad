package pipeline

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// standingNames are the headers of a limit, by LiteLLM's names:
// x-ratelimit-{scope}-remaining-{unit} and x-ratelimit-{scope}-limit-{unit}.
type standingNames struct{ remaining, limit string }

// shownScopes are those of requests; deployments and vendors are nobody's
// business.
var shownScopes = [...]limits.Scope{ //nolint:gochecknoglobals // read-only
	limits.Key, limits.User, limits.Team, limits.Member, limits.Customer, limits.KeyModel, limits.UserModel, limits.TeamModel, limits.MemberModel,
	limits.CustomerModel, limits.Organization, limits.OrgModel, limits.Tag, limits.Agent, limits.AgentModel, limits.Proxy,
}

// standingHeaders has the names of all scopes, in canonical form.
var standingHeaders = func() (all [len(shownScopes)][limits.Parallel + 1]standingNames) { //nolint:gochecknoglobals // read-only
	for i, scope := range shownScopes {
		for _, unit := range [...]limits.Unit{limits.Requests, limits.Tokens, limits.Parallel} {
			name := func(what string) string {
				return textproto.CanonicalMIMEHeaderKey("x-ratelimit-" + string(scope) + "-" + what + "-" + unit.String())
			}
			all[i][unit] = standingNames{name("remaining"), name("limit")}
		}
	}
	return all
}()

func headersOf(l *limits.Limit) (standingNames, bool) {
	for i, scope := range shownScopes {
		if scope == l.Scope {
			return standingHeaders[i][l.Unit], true
		}
	}
	return standingNames{}, false
}

// numbers are header values in the making: they become one string, of which
// each is a part.
type numbers struct {
	names  [maxNumbers]string
	ends   [maxNumbers]uint16
	n      int
	digits [12 * maxNumbers]byte
	used   int
}

// maxNumbers bounds the headers about limits.
const maxNumbers = 40

func (b *numbers) add(name string, n int64, suffix string) {
	if b.n == maxNumbers {
		return
	}
	text := strconv.AppendInt(b.digits[:b.used], n, 10)
	text = append(text, suffix...)
	if len(text) > len(b.digits) {
		return // it has been moved: there is no room
	}
	b.used = len(text)
	b.names[b.n], b.ends[b.n] = name, uint16(b.used) //nolint:gosec // as long as digits
	b.n++
}

func (b *numbers) has(name string) bool {
	for i := range b.n {
		if b.names[i] == name {
			return true
		}
	}
	return false
}

// tells reports whether answers say how limits stand.
func (x *exchange) tells() bool {
	return x.state != nil && !x.state.config.General.HideLimits
}

// setStandings tells how the limits stand that the request was admitted under:
// those of the key, and with litellm_headers those of everybody. Each header
// costs more than the limit that it is about. Of several windows of one limit
// the shortest is told.
func (x *exchange) setStandings(h http.Header) {
	a := &x.account
	if !x.tells() {
		return
	}
	if !a.grant.Empty() {
		x.stand()
	}
	if len(a.standings) == 0 {
		return
	}
	var b numbers
	twins := x.state.config.General.LitellmHeaders
	for i := range a.standings {
		s := &a.standings[i]
		if !twins && s.Limit.Scope != limits.Key && s.Limit.Scope != limits.KeyModel {
			continue
		}
		names, shown := headersOf(s.Limit)
		if !shown || b.has(names.limit) {
			continue
		}
		b.add(names.remaining, s.Remaining, "")
		b.add(names.limit, s.Max, "")
		if s.Limit.Scope == limits.Key && s.Limit.Window == limits.Minute {
			b.addOfKey(s, x.start, twins)
		}
		if s.Limit.Scope == limits.KeyModel && twins {
			b.add(textproto.CanonicalMIMEHeaderKey("x-litellm-key-remaining-"+s.Limit.Unit.String()+"-"+headerToken(s.Limit.Model)), s.Remaining, "")
		}
	}
	x.setNumbers(h, &b, twins)
}

// addOfKey adds the headers of OpenAI's API, which are of the key's minute, and
// LiteLLM's of its configuration.
func (b *numbers) addOfKey(s *quota.Standing, now time.Time, twins bool) {
	seconds := max(1, int64((s.Resets.Sub(now)+time.Second-1)/time.Second))
	switch s.Limit.Unit {
	case limits.Requests:
		b.add("X-Ratelimit-Limit-Requests", s.Max, "")
		b.add("X-Ratelimit-Remaining-Requests", s.Remaining, "")
		b.add("X-Ratelimit-Reset-Requests", seconds, "s")
		if twins {
			b.add("X-Tianji-Key-Rpm-Limit", s.Max, "")
		}
	case limits.Tokens:
		b.add("X-Ratelimit-Limit-Tokens", s.Max, "")
		b.add("X-Ratelimit-Remaining-Tokens", s.Remaining, "")
		b.add("X-Ratelimit-Reset-Tokens", seconds, "s")
		if twins {
			b.add("X-Tianji-Key-Tpm-Limit", s.Max, "")
		}
	case limits.Money, limits.Parallel:
	}
}

func (x *exchange) setNumbers(h http.Header, b *numbers, twins bool) {
	all, from := string(b.digits[:b.used]), 0
	for i, name := range b.names[:b.n] {
		to := int(b.ends[i])
		x.set(h, name, all[from:to])
		from = to
	}
	if !twins {
		return
	}
	for _, unit := range [...]string{"Rpm", "Tpm"} {
		if own := h["X-Tianji-Key-"+unit+"-Limit"]; own != nil {
			h["X-Litellm-Key-"+unit+"-Limit"] = own
		}
	}
}

// headerToken is a name as far as it may stand in the name of a header.
func headerToken(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r < 0x80 && strings.ContainsRune("!#$%&'*+-.^_`|~", r):
			return r
		}
		return '-'
	}, name)
}

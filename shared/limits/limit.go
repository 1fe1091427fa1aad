package limits

import "strings"

// Scope is what a limit belongs to, by the name LiteLLM shows its clients.
type Scope string

// The scopes of limits.
const (
	Key           Scope = "api_key"
	User          Scope = "user"
	Team          Scope = "team"
	Member        Scope = "team_member"
	Organization  Scope = "organization"
	Customer      Scope = "end_user"
	Tag           Scope = "tag"
	Agent         Scope = "agent"
	KeyModel      Scope = "model_per_key"
	UserModel     Scope = "model_per_user"
	TeamModel     Scope = "model_per_team"
	MemberModel   Scope = "model_per_team_member"
	OrgModel      Scope = "model_per_organization"
	CustomerModel Scope = "model_per_end_user"
	AgentModel    Scope = "model_per_agent"
	// Group is a model group, Priority one class of its callers.
	Group      Scope = "model_group"
	Priority   Scope = "priority_model"
	Deployment Scope = "deployment"
	Provider   Scope = "provider"
	Proxy      Scope = "proxy"
)

// Unit is what a limit counts.
type Unit uint8

// The units of limits.
const (
	// Requests are calls that were admitted.
	Requests Unit = iota
	// Tokens are reserved by an estimate and settled by what was used.
	Tokens
	// Money is nano-dollars, reserved and settled like tokens.
	Money
	// Parallel are calls under way at one time.
	Parallel
)

// String is the unit as clients are told, and rate_limit_type in headers.
func (u Unit) String() string {
	switch u {
	case Requests:
		return "requests"
	case Tokens:
		return "tokens"
	case Money:
		return "budget"
	default:
		return "max_parallel_requests"
	}
}

// Limit is one number that one scope is held to.
type Limit struct {
	Scope  Scope
	Unit   Unit
	Window Window // the zero value for Parallel
	// Max is how many units a window has; 0 refuses everything. Until the Unix
	// second Until there are Extra more.
	Max, Extra, Until int64
	// Key names the counter: the same on every replica, without the window's
	// start. It is made of valid subject tokens.
	Key string
	// Name is what a client may be told it is about, such as a team's id. It
	// is never a hash.
	Name string
	// Model is the model group of a limit that is for one model.
	Model string
}

// New returns a limit whose counter is named after its scope, unit, window and
// ids. Ids that are not valid subject tokens must be encoded by the caller.
func New(scope Scope, unit Unit, window Window, limit int64, name string, tokens ...string) Limit {
	var b strings.Builder
	b.WriteString(unitToken(unit))
	b.WriteByte('.')
	b.WriteString(window.token())
	b.WriteByte('.')
	b.WriteString(string(scope))
	for _, t := range tokens {
		b.WriteByte('.')
		b.WriteString(t)
	}
	return Limit{Scope: scope, Unit: unit, Window: window, Max: limit, Key: b.String(), Name: name}
}

// Ceiling is how many units a window has at a Unix second.
func (l *Limit) Ceiling(now int64) int64 {
	if now < l.Until {
		return l.Max + l.Extra
	}
	return l.Max
}

func unitToken(u Unit) string {
	switch u {
	case Requests:
		return "req"
	case Tokens:
		return "tok"
	case Money:
		return "usd"
	default:
		return "par"
	}
}

// ParallelPrefix starts the keys of limits of calls under way.
const ParallelPrefix = "par."

// Parse reads the unit, the window and the scope of a counter from its key.
func Parse(key string) (l Limit, ok bool) {
	unit, rest, _ := strings.Cut(key, ".")
	window, rest, _ := strings.Cut(rest, ".")
	scope, tokens, found := strings.Cut(rest, ".")
	if !found || tokens == "" || window == "" {
		return Limit{}, false
	}
	l = Limit{Scope: Scope(scope), Key: key}
	switch unit {
	case "req":
		l.Unit = Requests
	case "tok":
		l.Unit = Tokens
	case "usd":
		l.Unit = Money
	case "par":
		l.Unit = Parallel
	default:
		return Limit{}, false
	}
	switch {
	case window == "life":
	case l.Unit == Money:
		w, err := Every(window)
		if err != nil {
			return Limit{}, false
		}
		l.Window = w
	case window == Minute.text:
		l.Window = Minute
	case window == Hour.text:
		l.Window = Hour
	case window == Day.text:
		l.Window = Day
	default:
		return Limit{}, false
	}
	return l, true
}

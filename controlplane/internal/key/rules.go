package key

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/period"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Rules are what the settings say about keys that are made or changed. The zero
// value says nothing.
type Rules struct {
	generation policy.Generation
	defaults   Request
	most       proxyconfig.KeyParams
	// grace is for how long a former text of a key works where the request does
	// not say.
	grace string
	// strictAliases holds aliases to LiteLLM's format.
	strictAliases bool
}

// SetGrace sets for how long a former text of a key works where the request does
// not say, such as 24h; empty is not at all.
func (r *Rules) SetGrace(grace string) error {
	if _, err := after(grace, time.Now()); err != nil {
		return fmt.Errorf("grace period of keys: %w", err)
	}
	r.grace = grace
	return nil
}

// NewRules reads the settings.
func NewRules(cfg *proxyconfig.Config) (Rules, error) {
	set := &cfg.Settings.NewKeys
	r := Rules{most: set.Most, strictAliases: set.StrictAliases}
	if g := set.Rules; g != nil {
		r.generation = policy.Generation{
			Configured: true,
			Team:       policy.TeamKeys{Roles: g.TeamRoles, Required: g.TeamRequired},
			Personal:   policy.PersonalKeys{Roles: g.PersonalRoles, Required: g.PersonalRequired},
		}
	}
	if cfg.General.NoPersonalKeys {
		r.generation.Personal.Roles = []string{string(policy.ProxyAdmin)}
	}
	return r, r.setDefaults(&set.Defaults)
}

func (r *Rules) setDefaults(p *proxyconfig.KeyParams) error {
	d := &r.defaults
	d.MaxBudget, d.MaxParallel, d.RPM, d.TPM = dollars(p.MaxBudget), whole(p.MaxParallel), whole(p.RPM), whole(p.TPM)
	d.UserID, d.TeamID, d.Duration = optional(p.UserID), optional(p.TeamID), optional(p.Duration)
	if p.BudgetDuration != "" {
		d.BudgetDuration = sent(json.RawMessage(strconv.Quote(p.BudgetDuration)))
	}
	if len(p.Models) > 0 {
		d.Models = sent(p.Models)
	}
	if len(p.Metadata) == 0 {
		return nil
	}
	d.Metadata = sent(map[string]any{})
	for name, value := range p.Metadata {
		var v any
		if err := json.Unmarshal(value, &v); err != nil {
			return fmt.Errorf("default_key_generate_params.metadata.%s: %w", name, err)
		}
		d.Metadata.Value[name] = v
	}
	return nil
}

func sent[T any](value T) field.Of[T] { return field.Of[T]{Sent: true, Value: value} }

func optional(s string) field.Of[string] {
	if s == "" {
		return field.Of[string]{}
	}
	return sent(s)
}

func whole(n *int64) field.Of[json.RawMessage] {
	if n == nil {
		return field.Of[json.RawMessage]{}
	}
	return sent(json.RawMessage(strconv.FormatInt(*n, 10)))
}

func dollars(n *money.Nano) field.Of[json.RawMessage] {
	if n == nil {
		return field.Of[json.RawMessage]{}
	}
	return sent(json.RawMessage(n.String()))
}

// fill sets what a request for a new key leaves open.
func (r *Rules) fill(q *Request) {
	d := &r.defaults
	open(&q.MaxBudget, d.MaxBudget)
	open(&q.MaxParallel, d.MaxParallel)
	open(&q.RPM, d.RPM)
	open(&q.TPM, d.TPM)
	open(&q.UserID, d.UserID)
	open(&q.TeamID, d.TeamID)
	open(&q.Duration, d.Duration)
	if !q.BudgetDuration.Sent { // null is a budget that never starts again
		open(&q.BudgetDuration, d.BudgetDuration)
	}
	if len(q.Models.Value) == 0 {
		q.Models.Sent = false
		open(&q.Models, d.Models)
	}
	if len(q.Metadata.Value) == 0 {
		q.Metadata.Sent = false
		open(&q.Metadata, d.Metadata)
	}
}

func open[T any](to *field.Of[T], from field.Of[T]) {
	if from.Sent && (!to.Sent || to.Null) {
		*to = from
	}
}

// hold refuses a key that may more than keys may at most, and sets what the
// request leaves open: of a new key everything, of one that is there what the
// request wants to be without a bound.
func (r *Rules) hold(q *Request, row *db.VerificationToken, made bool, now time.Time) error {
	if alias := q.KeyAlias.Or(""); r.strictAliases && alias != "" && !wellNamed(alias) {
		return &apierr.Error{
			Status: http.StatusBadRequest, Type: apierr.TypeBadRequest, Param: "key_alias",
			Message: "Invalid key_alias format: it begins and ends with a letter or digit, and has 2 to 255 letters, digits, and _ - / . @",
		}
	}
	for _, b := range []struct {
		name string
		sent field.Of[json.RawMessage]
		to   **int64
		most *int64
		show func(int64) string
	}{
		{"max_budget", q.MaxBudget, &row.MaxBudgetNano, nanos(r.most.MaxBudget), func(n int64) string { return money.Nano(n).String() }},
		{"max_parallel_requests", q.MaxParallel, &row.MaxParallelRequests, r.most.MaxParallel, decimal},
		{"tpm_limit", q.TPM, &row.TpmLimit, r.most.TPM, decimal},
		{"rpm_limit", q.RPM, &row.RpmLimit, r.most.RPM, decimal},
	} {
		switch {
		case b.most == nil || !made && !b.sent.Sent:
		case *b.to == nil:
			*b.to = b.most
		case **b.to > *b.most:
			return overMost(b.name, b.show(**b.to), b.show(*b.most))
		}
	}
	return r.holdPeriods(q, row, made, now)
}

func nanos(n *money.Nano) *int64 { return (*int64)(n) }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func (r *Rules) holdPeriods(q *Request, row *db.VerificationToken, made bool, now time.Time) error {
	if most := r.most.BudgetDuration; most != "" && (made || q.BudgetDuration.Sent) {
		switch {
		case row.BudgetDuration == nil:
			p, err := period.Parse(most)
			if err != nil {
				return fmt.Errorf("upperbound_key_generate_params.budget_duration: %w", err)
			}
			row.BudgetDuration, row.BudgetResetAt = &most, new(p.Reset(now))
		case longer(*row.BudgetDuration, most, now):
			return overMost("budget_duration", *row.BudgetDuration, most)
		}
	}
	if most := r.most.Duration; most != "" && (made || q.Duration.Sent) {
		switch asked := q.Duration.Or(""); {
		case asked == "":
			p, err := period.Parse(most)
			if err != nil {
				return fmt.Errorf("upperbound_key_generate_params.duration: %w", err)
			}
			row.Expires = new(p.After(now).Truncate(time.Microsecond))
		case asked == "-1" || longer(asked, most, now):
			return overMost("duration", asked, most)
		}
	}
	return nil
}

// longer compares two durations. What is not one is refused elsewhere.
func longer(a, b string, now time.Time) bool {
	p, err := period.Parse(a)
	q, err2 := period.Parse(b)
	return err == nil && err2 == nil && p.After(now).After(q.After(now))
}

func overMost(name, asked, most string) error {
	return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "%s is over max limit set in config - user_value=%s; max_value=%s", name, asked, most)
}

// wellNamed reports whether an alias has LiteLLM's format, which is
// ^[a-zA-Z0-9][a-zA-Z0-9_\-/\.@]{0,253}[a-zA-Z0-9]$.
func wellNamed(alias string) bool {
	if len(alias) < 2 || len(alias) > 255 {
		return false
	}
	for i, c := range []byte(alias) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		inside := i > 0 && i < len(alias)-1
		if !letter && (!inside || !strings.ContainsRune("_-/.@", rune(c))) {
			return false
		}
	}
	return true
}

package user

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Rules are what the settings give to new users who are no admins. The zero
// value gives nothing.
type Rules struct {
	role     string
	defaults Request
	// most and every are the budget of those without one.
	most, every field.Of[json.RawMessage]
}

// NewRules reads the settings.
func NewRules(cfg *proxyconfig.Config) Rules {
	set := &cfg.Settings.NewUsers
	r := Rules{role: set.Role, most: dollars(set.MaxBudget), every: quoted(set.BudgetDuration)}
	d, p := &r.defaults, &set.Defaults
	d.MaxBudget, d.BudgetDuration = dollars(p.MaxBudget), quoted(p.BudgetDuration)
	d.MaxParallel, d.RPM, d.TPM = whole(p.MaxParallel), whole(p.RPM), whole(p.TPM)
	if len(p.Models) > 0 {
		d.Models = sent(p.Models)
	}
	for _, t := range set.Teams {
		one := Team{ID: t.ID, Role: t.Role, MaxBudget: dollars(t.MaxBudget), given: true}
		d.Teams = sent(append(d.Teams.Value, one))
	}
	return r
}

// GivesRole reports whether the settings say which role new users get.
func (s *Service) GivesRole() bool { return s.rules.role != "" }

// fill sets what a request for a new user leaves open. Admins have no defaults.
func (r *Rules) fill(q *Request) {
	if q.UserRole.Or("") == "" {
		q.UserRole = field.Of[string]{}
		if r.role != "" {
			q.UserRole = sent(r.role)
		}
	}
	switch policy.RoleOf(q.UserRole.Or("")) {
	case policy.InternalUser, policy.InternalUserViewer:
	case policy.ProxyAdmin, policy.ProxyAdminViewer, policy.NoRole, policy.TeamToken, policy.Customer:
		return
	}
	d := &r.defaults
	if !q.MaxBudget.Sent && !q.BudgetDuration.Sent { // a budget comes with its period
		open(&q.MaxBudget, d.MaxBudget)
		open(&q.BudgetDuration, d.BudgetDuration)
	}
	if !q.MaxBudget.Sent || q.MaxBudget.Null {
		open(&q.MaxBudget, r.most)
		open(&q.BudgetDuration, r.every)
	}
	open(&q.MaxParallel, d.MaxParallel)
	open(&q.RPM, d.RPM)
	open(&q.TPM, d.TPM)
	if len(q.Models.Value) == 0 {
		q.Models.Sent = false
		open(&q.Models, d.Models)
	}
	if len(q.Teams.Value) == 0 {
		q.Teams = d.Teams
		q.Teams.Value = slices.Clone(d.Teams.Value)
	}
}

func open[T any](to *field.Of[T], from field.Of[T]) {
	if from.Sent && (!to.Sent || to.Null) {
		*to = from
	}
}

func sent[T any](value T) field.Of[T] { return field.Of[T]{Sent: true, Value: value} }

func quoted(s string) field.Of[json.RawMessage] {
	if s == "" {
		return field.Of[json.RawMessage]{}
	}
	return sent(json.RawMessage(strconv.Quote(s)))
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

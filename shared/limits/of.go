package limits

import (
	"slices"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// Owner is whom limits are for: how its counters are named and what clients
// may be told of it.
type Owner struct {
	Scope Scope
	// Model is the scope of its limits for single models.
	Model Scope
	// Tokens identify it in the names of counters; they are valid subject
	// tokens.
	Tokens []string
	Name   string
}

// Set is what one principal is held to, made once and used by many requests.
type Set struct {
	// Always are the limits of every request, Models those of one model group.
	Always []Limit
	Models map[string][]Limit
	// Dynamic are those of Always that count only while the model fails.
	Dynamic []Limit
	// Soft is spend that is announced and never refused.
	Soft []Limit
}

// Empty reports whether nothing is limited.
func (s *Set) Empty() bool {
	return len(s.Always) == 0 && len(s.Models) == 0 && len(s.Dynamic) == 0
}

// Of returns the limits of one principal. Budgets whose duration can not be
// read count for good: the control plane refuses such durations.
func Of(o Owner, l *contract.Limits) *Set {
	s := &Set{}
	for _, r := range o.rates(o.Scope, "", &l.Rates) {
		if r.Unit == Requests && l.Requests == contract.Dynamic || r.Unit == Tokens && l.Tokens == contract.Dynamic {
			s.Dynamic = append(s.Dynamic, r)
		} else {
			s.Always = append(s.Always, r)
		}
	}
	if l.MaxParallel != nil {
		s.Always = append(s.Always, New(o.Scope, Parallel, Window{}, *l.MaxParallel, o.Name, o.Tokens...))
	}
	for _, b := range l.Budgets {
		s.Always = append(s.Always, o.budget(o.Scope, "", &b))
	}
	if l.SoftBudgetNano != nil {
		soft := contract.Budget{MaxNano: *l.SoftBudgetNano, Duration: l.SoftDuration}
		s.Soft = append(s.Soft, o.budget(o.Scope, "", &soft))
	}
	for model, m := range l.Models {
		list := o.rates(o.Model, model, &m.Rates)
		if m.Budget != nil {
			list = append(list, o.budget(o.Model, model, m.Budget))
		}
		if len(list) > 0 {
			if s.Models == nil {
				s.Models = make(map[string][]Limit, len(l.Models))
			}
			s.Models[model] = list
		}
	}
	return s
}

func (o Owner) rates(scope Scope, model string, r *contract.Rates) []Limit {
	var list []Limit
	for _, one := range []struct {
		max    *int64
		unit   Unit
		window Window
	}{{r.RPM, Requests, Minute}, {r.TPM, Tokens, Minute}, {r.RPH, Requests, Hour}, {r.TPH, Tokens, Hour}, {r.RPD, Requests, Day}, {r.TPD, Tokens, Day}} {
		if one.max != nil {
			list = append(list, o.limit(scope, one.unit, one.window, *one.max, model))
		}
	}
	return list
}

func (o Owner) budget(scope Scope, model string, b *contract.Budget) Limit {
	w, err := Every(b.Duration)
	if err != nil {
		w = Window{}
	}
	l := o.limit(scope, Money, w, b.MaxNano, model)
	if !b.Until.IsZero() {
		l.Extra, l.Until = b.IncreaseNano, b.Until.Unix()
	}
	return l
}

func (o Owner) limit(scope Scope, unit Unit, window Window, most int64, model string) Limit {
	tokens := o.Tokens
	if model != "" {
		tokens = append(slices.Clip(slices.Clone(tokens)), contract.Token(model))
	}
	l := New(scope, unit, window, most, o.Name, tokens...)
	l.Model = model
	return l
}

// OfKey are the limits of a virtual key.
func OfKey(k *contract.VirtualKey) *Set {
	return Of(Owner{Scope: Key, Model: KeyModel, Tokens: []string{k.Hash}, Name: k.Name}, &k.Limits)
}

// OfTeam are the limits of a team.
func OfTeam(t *contract.Team) *Set {
	return Of(Owner{Scope: Team, Model: TeamModel, Tokens: []string{contract.Token(t.ID)}, Name: t.ID}, &t.Limits)
}

// OfUser are the limits of a user.
func OfUser(u *contract.User) *Set {
	return Of(Owner{Scope: User, Model: UserModel, Tokens: []string{contract.Token(u.ID)}, Name: u.ID}, &u.Limits)
}

// OfMember are the limits of a user in a team.
func OfMember(m *contract.Membership) *Set {
	return Of(Owner{
		Scope: Member, Model: MemberModel, Tokens: []string{contract.Token(m.TeamID), contract.Token(m.UserID)}, Name: m.TeamID + ":" + m.UserID,
	}, &m.Limits)
}

// OfOrg are the limits of an organisation.
func OfOrg(o *contract.Organization) *Set {
	return Of(Owner{Scope: Organization, Model: OrgModel, Tokens: []string{contract.Token(o.ID)}, Name: o.ID}, &o.Limits)
}

// OfCustomer are the limits of a customer, by its own or by those for everybody.
func OfCustomer(id string, l *contract.Limits) *Set {
	return Of(Owner{Scope: Customer, Model: CustomerModel, Tokens: []string{contract.Token(id)}, Name: id}, l)
}

// OfTag are the limits of a tag.
func OfTag(name string, l *contract.Limits) *Set {
	return Of(Owner{Scope: Tag, Model: Tag, Tokens: []string{contract.Token(name)}, Name: name}, l)
}

// OfProxy are the limits of the whole installation.
func OfProxy(l *contract.Limits) *Set {
	return Of(Owner{Scope: Proxy, Model: Proxy, Tokens: []string{"all"}, Name: "proxy"}, l)
}

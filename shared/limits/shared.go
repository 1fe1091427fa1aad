package limits

import (
	"strings"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// OfProvider are the limits of all that is sent to one provider.
func OfProvider(slug string, l *contract.Limits) *Set {
	return Of(Owner{Scope: Provider, Model: Provider, Tokens: []string{contract.Token(slug)}, Name: slug}, l)
}

// OfDeployment are the limits of one deployment, whose clients know the model.
func OfDeployment(id, model string, l *contract.Limits) *Set {
	return Of(Owner{Scope: Deployment, Model: Deployment, Tokens: []string{contract.Token(id)}, Name: model}, l)
}

// Enforced are the limits of a deployment as its configuration says. Its
// requests and tokens are a hint for the router, unless they are to be enforced.
func Enforced(d *contract.Deployment, s *contract.RouterSettings) *Set {
	l := contract.Limits{MaxParallel: positive(d.MaxParallel)}
	if l.MaxParallel == nil {
		l.MaxParallel = positive(s.DefaultMaxParallel)
	}
	if s.EnforceRateLimits {
		l.RPM, l.TPM = positive(d.RPM), positive(d.TPM)
	}
	if d.Budget != nil {
		l.Budgets = []contract.Budget{*d.Budget}
	}
	return OfDeployment(d.ID, d.ModelName, &l)
}

func positive(n int64) *int64 {
	if n <= 0 {
		return nil
	}
	return &n
}

// ForModel returns the limits that are for one model alone. A model has several
// names, of which the first counts that there are limits for, by itself or
// without its provider.
func (s *Set) ForModel(names ...string) (list []Limit, ok bool) {
	if s == nil || len(s.Models) == 0 {
		return nil, false
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		if list, ok = s.Models[name]; ok {
			return list, true
		}
		if _, bare, found := strings.Cut(name, "/"); found {
			if list, ok = s.Models[bare]; ok {
				return list, true
			}
		}
	}
	return nil, false
}

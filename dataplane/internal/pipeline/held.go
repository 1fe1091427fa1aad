package pipeline

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// held is what a configuration holds requests to, whoever makes them. Nobody
// changes it.
type held struct {
	settings    *contract.LimitSettings
	proxy       *limits.Set
	tags        map[string]*limits.Set
	providers   map[string]*limits.Set // by slug
	deployments map[string]*limits.Set // by id
	// keys are the rates of each key in a model group, where the group's
	// deployments have any.
	keys map[string]*contract.Rates
}

func newHeld(c *snapshot.Config) held {
	s := &c.Limits
	h := held{settings: s, proxy: orNothing(limits.OfProxy(&s.Proxy)), deployments: map[string]*limits.Set{}, keys: map[string]*contract.Rates{}}
	h.tags = budgets(s.Tags, limits.OfTag)
	h.providers = budgets(s.Providers, limits.OfProvider)
	for _, d := range c.Deployments {
		if set := ofDeployment(d, &c.Router); set != nil {
			h.deployments[d.ID] = set
		}
		if d.KeyRPM == nil && d.KeyTPM == nil {
			continue
		}
		r := h.keys[d.ModelName]
		if r == nil {
			r = &contract.Rates{}
			h.keys[d.ModelName] = r
		}
		r.RPM, r.TPM = lower(r.RPM, d.KeyRPM), lower(r.TPM, d.KeyTPM)
	}
	return h
}

// lower returns the lower of two limits, of which nil is none.
func lower(a, b *int64) *int64 {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}

func budgets(by map[string]contract.Budget, of func(string, *contract.Limits) *limits.Set) map[string]*limits.Set {
	sets := make(map[string]*limits.Set, len(by))
	for name, b := range by {
		sets[name] = of(name, &contract.Limits{Budgets: []contract.Budget{b}})
	}
	return sets
}

func orNothing(s *limits.Set) *limits.Set {
	if s.Empty() {
		return nil
	}
	return s
}

// ofDeployment returns what a deployment may be used for by all replicas
// together, or nil. Its requests and tokens are a hint for the router unless
// they are to be enforced.
func ofDeployment(d *contract.Deployment, s *contract.RouterSettings) *limits.Set {
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
	return orNothing(limits.OfDeployment(d.ID, d.ModelName, &l))
}

func positive(n int64) *int64 {
	if n <= 0 {
		return nil
	}
	return &n
}

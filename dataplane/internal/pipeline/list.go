package pipeline

import (
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/access"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/price"
)

// Listing is what a list of models is asked for.
type Listing struct {
	// Groups adds the access groups that the caller may use; GroupsOnly leaves the
	// models out.
	Groups, GroupsOnly bool
	// FallbackType is general, which "" is too, context_window or content_policy.
	FallbackType string
}

// ListedModel is a name that the caller may ask for.
type ListedModel struct {
	Name string
	// Fallbacks stand in for it.
	Fallbacks []string
	// MaxInputTokens and MaxOutputTokens are zero where nobody knows.
	MaxInputTokens, MaxOutputTokens int64
}

// List returns what the caller may use, as Models does, with what is known of it.
func (p *Pipeline) List(r *http.Request, asked Listing) ([]ListedModel, error) {
	s, id, master, err := p.who(r)
	if err != nil {
		return nil, err
	}
	fallbacks, err := s.fallbacks(asked.FallbackType)
	if err != nil {
		return nil, err
	}
	var all []ListedModel
	if !asked.GroupsOnly {
		names := s.models(id, master)
		for _, name := range names {
			one := ListedModel{Name: name, Fallbacks: named(fallbacks[name], names)}
			s.measure(id, master, &one)
			all = append(all, one)
		}
	}
	if asked.Groups || asked.GroupsOnly {
		all = append(all, s.accessGroups(&id, master)...)
	}
	return all, nil
}

// accessGroups are those that stand for models of the caller.
func (s *state) accessGroups(id *principal.Identity, master bool) []ListedModel {
	var all []ListedModel
	for _, group := range s.table.AccessGroups() {
		if master || access.Model(id.Key.Models, group) && (id.Team == nil || access.Model(id.Team.Models, group)) {
			all = append(all, ListedModel{Name: group, Fallbacks: []string{}})
		}
	}
	return all
}

// named are the models of fallbacks that are among those the caller may use.
func named(list []contract.FallbackTarget, names []string) []string {
	out := []string{}
	for _, to := range list {
		if slices.Contains(names, to.Model) {
			out = append(out, to.Model)
		}
	}
	return out
}

// fallbacks returns those of a type, by the groups that they stand in for.
func (s *state) fallbacks(of string) (map[string][]contract.FallbackTarget, error) {
	var list []contract.Fallback
	switch of {
	case "", "general":
		list = s.config.Router.Fallbacks
	case "context_window":
		list = s.config.Router.ContextWindowFallbacks
	case "content_policy":
		list = s.config.Router.ContentPolicyFallbacks
	default:
		e := apierr.BadRequest("Invalid fallback_type. Must be one of: ['general', 'context_window', 'content_policy']")
		e.DetailText = true
		return nil, e
	}
	all := make(map[string][]contract.FallbackTarget, len(list))
	for _, f := range list {
		all[f.Model] = f.To
	}
	return all, nil
}

// measure adds how much the model of a name takes and answers at most: the least
// of its deployments.
func (s *state) measure(id principal.Identity, master bool, one *ListedModel) {
	team, name := "", one.Name
	if !master {
		team, name = id.Key.TeamID, aliased(id, one.Name)
	}
	target, found := s.table.ResolveFor(team, name)
	if !found || s.config.Prices == nil {
		return
	}
	for _, d := range target.Group.Deployments {
		known := s.config.Prices.Lookup(price.Query{Provider: d.Provider, Model: d.Model})
		if known == nil {
			continue
		}
		one.MaxInputTokens = lesser(one.MaxInputTokens, known.MaxInputTokens)
		one.MaxOutputTokens = lesser(one.MaxOutputTokens, known.MaxOutputTokens)
	}
}

// lesser returns the smaller of two numbers; zero is not known.
func lesser(a, b int64) int64 {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

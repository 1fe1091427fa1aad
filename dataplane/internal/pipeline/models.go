package pipeline

import (
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
)

// Check authenticates a request that is not an LLM call.
func (p *Pipeline) Check(r *http.Request) error {
	_, _, _, err := p.who(r)
	return err
}

func (p *Pipeline) who(r *http.Request) (*state, principal.Identity, bool, error) {
	s := p.state.Load()
	if s == nil {
		return nil, principal.Identity{}, false, notConfigured()
	}
	id, master, err := p.authenticateRequest(r, s)
	return s, id, master, err
}

// Models returns the names that the caller may use: the same rule that a call
// is held against, so that what is listed can be called.
func (p *Pipeline) Models(r *http.Request) ([]string, error) {
	s, id, master, err := p.who(r)
	if err != nil {
		return nil, err
	}
	if master {
		return slices.Clone(s.table.Names()), nil
	}
	names := slices.Clone(s.table.NamesFor(id.Key.TeamID))
	aliases := make([]string, 0, len(id.Key.Aliases))
	for alias := range id.Key.Aliases {
		aliases = append(aliases, alias)
	}
	if id.Team != nil {
		for alias := range id.Team.ModelAliases {
			aliases = append(aliases, alias)
		}
	}
	names = append(names, aliases...)
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(name string) bool {
		meant := aliased(id, name)
		target, found := s.table.ResolveFor(id.Key.TeamID, meant)
		return !found || deniedBy(id, name, meant, target) != ""
	}), nil
}

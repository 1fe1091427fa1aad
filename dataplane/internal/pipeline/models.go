package pipeline

import (
	"net/http"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Check authenticates a request that is not an LLM call.
func (p *Pipeline) Check(r *http.Request) error {
	_, _, _, err := p.who(r)
	return err
}

func (p *Pipeline) who(r *http.Request) (*state, principal.Identity, bool, error) {
	s := p.state.Load()
	if s == nil {
		return nil, principal.Identity{}, false, apierr.Unavailable(apierr.TypeUnavailable, "This data plane has no configuration yet. Please retry shortly.", time.Second)
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
	names := slices.Clone(s.table.Names())
	if master {
		return names, nil
	}
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
		target := aliased(id, name)
		return deniedBy(id, name, target) != "" || s.table.Group(target) == nil
	}), nil
}

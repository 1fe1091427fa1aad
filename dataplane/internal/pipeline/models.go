package pipeline

import (
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/policy"
	table "github.com/tianjillm/tianjillm/shared/route"
)

// Check authenticates a request that is not an LLM call, and refuses a route
// that the caller's role does not open.
func (p *Pipeline) Check(r *http.Request, called *table.Route) error {
	_, id, master, err := p.who(r)
	if err != nil {
		return err
	}
	who := policy.Caller{Master: master, Role: id.Role()}
	if !master {
		who.UserID = id.Key.UserID
	}
	return who.Gate(called, r.URL.Path)
}

func (p *Pipeline) who(r *http.Request) (*state, principal.Identity, bool, error) {
	s := p.state.Load()
	if s == nil {
		return nil, principal.Identity{}, false, notConfigured()
	}
	id, master, err := p.authenticateRequest(r, s, false)
	return s, id, master, err
}

// Models returns the names that the caller may use: the same rule that a call
// is held against, so that what is listed can be called.
func (p *Pipeline) Models(r *http.Request) ([]string, error) {
	s, id, master, err := p.who(r)
	if err != nil {
		return nil, err
	}
	return s.models(id, master), nil
}

// models are the names that an identity may ask for.
func (s *state) models(id principal.Identity, master bool) []string {
	if master {
		return slices.Clone(s.table.Names())
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
		return !found || s.deniedBy(id, name, meant, target) != ""
	})
}

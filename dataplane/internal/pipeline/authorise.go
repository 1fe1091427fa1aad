package pipeline

import (
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/access"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// authorise applies aliases, finds what the model's name leads to, and checks
// that the caller may use it.
func (x *exchange) authorise() error {
	if err := x.chooseTeam(); err != nil {
		return err
	}
	name := x.model
	if !x.master {
		name = aliased(x.identity, name)
	}
	target, found := x.state.table.ResolveFor(x.team(), name)
	if denied := x.denied(x.model, name, target); denied != "" {
		return modelDenied(denied, x.model, x.state.compat)
	}
	if !found {
		shown := x.model
		if shown == "" {
			shown = "None"
		}
		return &apierr.Error{Status: http.StatusBadRequest, NoneText: true, Message: fmt.Sprintf(
			"{'error': '%s: Invalid model name passed in model=%s. Call `/v1/models` to view available models for your key.'}", x.endpoint.Name, shown)}
	}
	x.target = x.kept(target)
	x.usage.ModelGroup = x.target.Name
	return x.authoriseFallbacks()
}

// authoriseFallbacks holds what the request itself names as fallbacks against
// the same rules, before anything is tried.
func (x *exchange) authoriseFallbacks() error {
	for i := range x.members {
		m := &x.members[i]
		switch string(m.Name) {
		case "fallbacks", "context_window_fallbacks", "content_policy_fallbacks":
		default:
			continue
		}
		models, err := route.CheckFallbacks(m.Value.Of(*x.body))
		if err != nil {
			return apierr.BadRequest("Invalid value for '%s'", m.Name).Because(err)
		}
		for _, model := range models {
			if !x.mayUse(model) {
				return modelDenied("key", model, x.state.compat)
			}
		}
	}
	return nil
}

func (x *exchange) team() string {
	if x.master {
		return ""
	}
	return x.identity.Key.TeamID
}

// kept narrows a target to the deployment whose vendor keeps what the request
// goes on from.
func (x *exchange) kept(target route.Target) route.Target {
	if x.recalled.deployment == "" {
		return target
	}
	one, ok := x.state.table.ResolveFor(x.team(), x.recalled.deployment)
	if !ok || one.Name != target.Name {
		return target
	}
	return one
}

// mayUse reports whether the caller may use a model that the request names as
// a fallback.
func (x *exchange) mayUse(name string) bool {
	target, _ := x.state.table.ResolveFor(x.team(), name)
	return x.denied(name, name, target) == ""
}

// denied names who does not allow a model, or returns "".
func (x *exchange) denied(asked, name string, target route.Target) string {
	if x.master {
		return ""
	}
	return x.state.deniedBy(x.identity, asked, name, target)
}

// aliased returns what a key's or team's alias stands for.
func aliased(id principal.Identity, name string) string {
	if target, ok := id.Key.Aliases[name]; ok {
		return target
	}
	if id.Team != nil {
		if target, ok := id.Team.ModelAliases[name]; ok {
			return target
		}
	}
	return name
}

// deniedBy names who does not allow the model, or returns "". The name that
// was asked for and the one that an alias leads to are both tried, and the
// access groups of what it leads to.
func (s *state) deniedBy(id principal.Identity, asked, name string, target route.Target) string {
	var groups []string
	if target.Group != nil {
		groups = target.Group.AccessGroups()
	}
	allowed := func(models, given []string) bool {
		g := access.Grant{Models: models}
		if g.Allows(asked, groups) || asked != name && g.Allows(name, groups) {
			return true
		}
		for _, id := range given { // their models are only added to a list
			if g.More = s.config.AccessGroups[id]; g.Allows(asked, groups) || asked != name && g.Allows(name, groups) {
				return true
			}
		}
		return false
	}
	mayUser := func(u *principal.User) bool { return u == nil || allowed(u.Models, nil) }
	switch {
	case !allowed(id.Key.Models, id.Key.AccessGroups):
		return "key"
	case id.Team != nil && !allowed(id.Team.Models, id.Team.AccessGroups):
		return "team"
	case id.Key.TeamID == "" && (!mayUser(id.User) || !mayUser(id.Counted())):
		return "user"
	}
	return ""
}

// modelDenied does not say what would be allowed: that is nobody's business
// but the admin's.
func modelDenied(by, model string, compat bool) error {
	e := &apierr.Error{Status: http.StatusForbidden, Type: by + "_model_access_denied", Param: model, Message: fmt.Sprintf(
		"The requested model '%s' is not available for this API key, or the model name is invalid. Check the models available to you and try again.", model)}
	if compat {
		e.Status = http.StatusUnauthorized
		e.Message = fmt.Sprintf("%s not allowed to access model. Tried to access %s", by, model)
	}
	return e
}

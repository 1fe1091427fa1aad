package pipeline

import (
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/access"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// authorise applies aliases, checks that the caller may use the model, and
// finds who serves it.
func (x *exchange) authorise() error {
	name := x.model
	if !x.master {
		name = aliased(x.identity, name)
		if denied := deniedBy(x.identity, x.model, name); denied != "" {
			return modelDenied(denied, x.model, x.state.compat)
		}
	}
	group := x.state.table.Group(name)
	if group == nil {
		shown := x.model
		if shown == "" {
			shown = "None"
		}
		return &apierr.Error{Status: http.StatusBadRequest, NoneText: true, Message: fmt.Sprintf(
			"{'error': '%s: Invalid model name passed in model=%s. Call `/v1/models` to view available models for your key.'}", x.endpoint.Name, shown)}
	}
	x.deployment = group.Pick()
	x.usage.ModelGroup = group.Name
	return nil
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
// was asked for and the one that an alias leads to are both tried.
func deniedBy(id principal.Identity, asked, name string) string {
	allowed := func(list []string) bool {
		return access.Model(list, asked) || asked != name && access.Model(list, name)
	}
	switch {
	case !allowed(id.Key.Models):
		return "key"
	case id.Team != nil && !allowed(id.Team.Models):
		return "team"
	case id.Key.TeamID == "" && id.User != nil && !allowed(id.User.Models):
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

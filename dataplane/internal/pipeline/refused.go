package pipeline

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/money"
)

// limitError is why an error is the answer: a limit. Its headers tell clients
// which kind it is and when it begins anew.
type limitError struct {
	unit   limits.Unit
	scope  limits.Scope
	resets time.Time // zero is never
	// saturation is how much of a group's capacity is used, where shares of it
	// are enforced for that; twins tells it by LiteLLM's name too.
	saturation string
	twins      bool
}

func (l *limitError) Error() string {
	return string(l.scope) + " has no " + l.unit.String() + " left"
}

// setHeaders sets LiteLLM's headers of a refusal. Retry-After comes with the
// error.
func (l *limitError) setHeaders(h http.Header) {
	h["Rate_limit_type"] = []string{l.unit.String()}
	if !l.resets.IsZero() {
		h["Reset_at"] = []string{resetText(l.resets)}
	}
	if l.saturation != "" {
		h["X-Tianji-Saturation"] = []string{l.saturation}
		if l.twins {
			h["X-Litellm-Saturation"] = h["X-Tianji-Saturation"]
		}
	}
}

func resetText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// uncountable is the answer while limits can not be counted and the
// installation wants them to be kept at any price.
func uncountable() *apierr.Error {
	return apierr.Unavailable(apierr.TypeUnavailable, "Service Unavailable, limits can not be counted at present. Please retry shortly.", retrySoon)
}

// refused words a refusal. Nothing in it is a secret: keys are called by their
// masked names.
func (x *exchange) refused(r *quota.Refusal) *apierr.Error {
	if r.Unavailable {
		return uncountable()
	}
	l := r.Limit
	e := &apierr.Error{Status: http.StatusTooManyRequests}
	switch {
	case l.Unit == limits.Money:
		x.overBudget(e, r)
	case l.Scope == limits.Deployment:
		deploymentBusy(e, r)
	default:
		e.Type, e.Message = apierr.TypeThrottling, rateText(r)
		x.asBefore(e)
	}
	if after := r.RetryAfter; after > 0 || !r.Resets.IsZero() {
		if after <= 0 {
			after = time.Until(r.Resets)
		}
		e = e.After(max(after, time.Second))
	}
	return e.Because(&limitError{unit: l.Unit, scope: l.Scope, resets: r.Resets})
}

// asBefore words errors of rates as LiteLLM did until 1.83.
func (x *exchange) asBefore(e *apierr.Error) {
	if x.state.compat {
		e.Type, e.NoneText = "", true
	}
}

func rateText(r *quota.Refusal) string {
	l := r.Limit
	name := l.Name
	if l.Model != "" {
		name += ":" + l.Model
	}
	var b strings.Builder
	if l.Unit == limits.Parallel {
		b.WriteString("Rate limit exceeded: max parallel requests for ")
	} else {
		b.WriteString("Rate limit exceeded for ")
	}
	b.WriteString(string(l.Scope) + ": " + name + ". Limit type: " + l.Unit.String() + ". Current limit: " + number(r.Max) + ", Remaining: " + number(r.Remaining))
	if !r.Resets.IsZero() {
		b.WriteString(". Limit resets at: " + resetText(r.Resets))
	}
	return b.String()
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// deploymentBusy words the limits that the router would as well.
func deploymentBusy(e *apierr.Error, r *quota.Refusal) {
	e.Type = apierr.TypeThrottling
	what := "RPM"
	switch r.Limit.Unit {
	case limits.Parallel:
		e.Message = "litellm.RateLimitError: " + rateText(r)
		return
	case limits.Tokens:
		what = "TPM"
	case limits.Requests, limits.Money:
	}
	e.Message = "litellm.RateLimitError: Model rate limit exceeded. " + what + " limit=" + number(r.Max) + ", current usage=" + number(r.Max-r.Remaining)
}

// overBudget words a budget that is used up.
func (x *exchange) overBudget(e *apierr.Error, r *quota.Refusal) {
	spent, most := money.Nano(max(0, r.Max-r.Remaining)).String(), money.Nano(r.Max).String()
	if text := x.routedBudget(r.Limit, spent, most); text != "" {
		e.NoneText, e.Message = true, "No deployments available - crossed budget: Exceeded budget for "+text
		return
	}
	e.Type, e.Message = "budget_exceeded", x.budgetText(r.Limit, spent, most)
	if x.state.compat {
		e.Status = http.StatusBadRequest
	}
}

// routedBudget words the budgets that LiteLLM's router keeps, or returns "".
func (x *exchange) routedBudget(l *limits.Limit, spent, most string) string {
	switch l.Scope {
	case limits.Provider:
		return "provider " + l.Name + ": " + spent + " >= " + most
	case limits.Deployment:
		d := x.deployment
		return "deployment model_name: " + d.ModelName + ", litellm_params.model: " + d.Provider + "/" + d.Model + ", model_id: " + d.ID + ": " + spent + " >= " + most
	case limits.Tag:
		if own := x.state.held.tags[l.Name]; own != nil && l == &own.Always[0] {
			return "tag='" + l.Name + "', tag_spend=" + spent + ", tag_budget_limit=" + most
		}
	default: // a principal's
	}
	return ""
}

// budgetText words the budgets of principals.
func (x *exchange) budgetText(l *limits.Limit, spent, most string) string {
	user, team := "", ""
	if m := x.identity.Member; m != nil {
		user, team = m.UserID, m.TeamID
	}
	cost := "Current cost: " + spent + ", Max budget: " + most
	short := "Spend=" + spent + ", Budget=" + most
	const over = "Budget has been exceeded! "
	if whose := x.furtherWindow(l); whose != "" {
		return "ExceededBudget: " + whose + " over " + l.Window.String() + " budget. Spend=$" + spent + ", Limit=$" + most
	}
	switch l.Scope {
	case limits.User:
		return "ExceededBudget: User=" + l.Name + " over budget. " + short
	case limits.Team:
		return over + "Team=" + l.Name + " " + cost
	case limits.Member:
		return over + "User=" + user + " in Team=" + team + " " + cost
	case limits.Organization:
		return over + "Organization=" + l.Name + " " + cost
	case limits.Tag:
		return over + "Tag=" + l.Name + " " + cost
	case limits.Customer:
		return "ExceededBudget: End User=" + l.Name + " over budget. " + short
	case limits.KeyModel:
		return "LiteLLM Virtual Key: " + l.Name + ", key_alias: " + x.keyAlias() + ", exceeded budget for model=" + l.Model
	case limits.UserModel:
		return "LiteLLM User: " + l.Name + ", exceeded budget for model=" + l.Model
	case limits.CustomerModel:
		return "LiteLLM End User: " + l.Name + ", exceeded budget for model=" + l.Model
	case limits.TeamModel:
		return "LiteLLM Team: " + l.Name + ", exceeded budget for model=" + l.Model
	case limits.OrgModel:
		return "LiteLLM Organization: " + l.Name + ", exceeded budget for model=" + l.Model
	case limits.MemberModel:
		return "ExceededBudget: Team member model budget exceeded. User=" + user + ", Team=" + team + ", Model=" + l.Model + ". Spend=$" + spent + ", Budget=$" + most
	default: // a key, and the whole installation
		return over + cost
	}
}

// furtherWindow says whose budget it is, where that is a further one of a key or
// a team (budget_limits), which have a text of their own.
func (x *exchange) furtherWindow(l *limits.Limit) string {
	further := func(set *limits.Set) bool {
		first := slices.IndexFunc(set.Always, func(o limits.Limit) bool { return o.Unit == limits.Money })
		return l != &set.Always[first]
	}
	switch {
	case l.Scope == limits.Key && further(x.identity.Key.Limited):
		return "Key"
	case l.Scope == limits.Team && further(x.identity.Team.Limited):
		return "Team=" + l.Name
	}
	return ""
}

func (x *exchange) keyAlias() string {
	if k := x.identity.Key; k != nil && k.Alias != "" {
		return k.Alias
	}
	return "None"
}

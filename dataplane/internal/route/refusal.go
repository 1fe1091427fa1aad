package route

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// LiteLLM's names of the errors that the router tells apart.
const (
	classContextWindow = "ContextWindowExceededError"
	classContentPolicy = "ContentPolicyViolationError"
	classRateLimit     = "RateLimitError"
	classTimeout       = "Timeout"
	classNotFound      = "NotFoundError"
	classInternal      = "InternalServerError"
	// classNone is that of the errors that LiteLLM's router raises itself.
	classNone = "RouterError"
)

// refusal is why no deployment of a group can be used.
type refusal struct {
	class string
	err   *apierr.Error
}

func (x *refusal) failure() Failure {
	return Failure{Status: x.err.Status, Class: x.class, RetryAfter: x.err.RetryAfter, Err: x.err}
}

// allCooling words LiteLLM's RouterRateLimitError.
func (r *Route) allCooling() *refusal {
	soonest := time.Duration(0)
	var ids []string
	for _, d := range r.hop.target.Group.Deployments {
		if d = r.concrete(d); d == nil {
			continue
		}
		if left := d.CoolingFor(r.now); left > 0 {
			ids = append(ids, d.ID)
			if soonest == 0 || left < soonest {
				soonest = left
			}
		}
	}
	if soonest == 0 {
		soonest = health.DefaultCooldown
	}
	return r.noneAvailable(soonest, ids)
}

// concrete returns the deployment of the model that is asked for.
func (r *Route) concrete(d *Deployment) *Deployment {
	if p := r.hop.target.Group.pattern; p != nil {
		return d.get(r.table.env, p, r.hop.target.match)
	}
	return d
}

func (r *Route) noneAvailable(after time.Duration, cooling []string) *refusal {
	seconds := int64((after + time.Second - 1) / time.Second)
	return &refusal{class: classNone, err: (&apierr.Error{Status: http.StatusTooManyRequests, NoneText: true, Message: fmt.Sprintf(
		"No deployments available for selected model, Try again in %d seconds. Passed model=%s. pre-call-checks=%s, cooldown_list=%s",
		seconds, r.hop.target.Name, pythonBool(r.table.rules.preCall), pythonList(cooling))}).After(after)}
}

// nothingFits is a group of which the caller may use nothing: other teams',
// or none in the region that the caller is bound to.
func (r *Route) nothingFits() *refusal {
	if r.ask.Region != "" {
		return r.noneAvailable(health.DefaultCooldown, nil)
	}
	return &refusal{class: "BadRequestError", err: apierr.New(http.StatusBadRequest, "",
		"litellm.BadRequestError: You passed in model=%s. There are no healthy deployments for this model", r.hop.target.Name)}
}

func (r *Route) noTag() *refusal {
	return &refusal{class: classNone, err: &apierr.Error{Status: http.StatusUnauthorized, NoneText: true, Message: fmt.Sprintf(
		"Not allowed to access model due to tags configuration. Passed model=%s and tags=%s", r.hop.target.Name, pythonList(r.ask.Tags))}}
}

func (r *Route) tooLong(tokens int64) *refusal {
	var b strings.Builder
	for _, d := range r.candidates {
		model := d.BaseModel
		if model == "" {
			model = d.Provider + "/" + d.Model
		}
		fmt.Fprintf(&b, "Model=%s, Max Input Tokens=%d, Got=%d", model, d.window.Load(), tokens)
	}
	return &refusal{class: classContextWindow, err: apierr.New(http.StatusBadRequest, "",
		"litellm.ContextWindowExceededError: litellm.BadRequestError: litellm._pre_call_checks: Context Window exceeded for given call. "+
			"No models have context window large enough for this call.\n%s", b.String())}
}

// usedUp is a group whose deployments have no request or token left in the
// minute.
func (r *Route) usedUp(d *Deployment) *refusal {
	after := time.Duration(60-r.now.Unix()%60) * time.Second
	usage, minute := d.member.State.Usage, health.Minute(r.now)
	switch {
	case r.table.rules.enforce:
		what, limit, used := "RPM", d.member.RPM, usage.Requests(minute)
		if limit <= 0 || used < limit {
			what, limit, used = "TPM", d.member.TPM, usage.Tokens(minute)
		}
		return &refusal{class: classRateLimit, err: apierr.New(http.StatusTooManyRequests, apierr.TypeThrottling,
			"litellm.RateLimitError: Model rate limit exceeded. %s limit=%d, current usage=%d", what, limit, used).After(after)}
	case r.table.rules.preCall:
		return &refusal{class: classNone, err: (&apierr.Error{
			Status: http.StatusTooManyRequests, NoneText: true, Message: "No deployments available for selected model. Passed model=" + r.hop.target.Name,
		}).After(after)}
	}
	return r.noneAvailable(after, nil)
}

// allBusy is a group whose deployments have as many calls under way as they
// may have.
func (r *Route) allBusy() *refusal {
	return &refusal{class: classRateLimit, err: apierr.New(http.StatusTooManyRequests, apierr.TypeThrottling,
		"litellm.RateLimitError: Max parallel requests of all deployments reached. Passed model=%s", r.hop.target.Name).After(time.Second)}
}

// Clients match on texts in which LiteLLM prints Python values.
func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func pythonList(items []string) string {
	quoted := slices.Clone(items)
	for i, s := range quoted {
		quoted[i] = pythonText(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func pythonText(s string) string {
	if !strings.Contains(s, "'") {
		q := strconv.Quote(s)
		return "'" + strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`) + "'"
	}
	return strconv.Quote(s)
}

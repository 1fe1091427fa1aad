package pipeline

import (
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// barred is a call that may not be made: the deployment's, its provider's, or
// the group's capacity is used up.
type barred struct {
	public *apierr.Error
	// group says that no other deployment of the group may be called either.
	group bool
}

// enter holds one attempt against what its deployment, the vendor and the group
// can take. What it takes is apart from what the request holds: another attempt
// is another call. The group is that of the deployment, by whatever name it was
// asked for.
func (x *exchange) enter(group string) (*barred, error) {
	a := &x.account
	if x.p.opts.Quota == nil {
		a.called = true
		return nil, nil
	}
	kept := len(a.demands)
	defer func() { a.demands = a.demands[:kept] }()
	if group != "" && x.p.opts.Shares != nil {
		a.demands = x.p.opts.Shares.Demands(a.demands, group, x.priority())
	}
	a.shared = len(a.demands) > kept
	x.demandAll(x.state.held.deployments[x.deployment.ID])
	x.demandAll(x.state.held.providers[x.deployment.Provider])
	if want := a.demands[kept:]; len(want) > 0 {
		if r := x.p.opts.Quota.Admit(x.r.Context(), &a.call, want, x.reservation(want, "")); r != nil {
			if x.r.Context().Err() != nil {
				return nil, errClientGone
			}
			return x.keptOut(r, group), nil
		}
	}
	a.called = true
	return nil, nil
}

func (x *exchange) keptOut(r *quota.Refusal, group string) *barred {
	if s := r.Limit.Scope; s != limits.Group && s != limits.Priority || r.Unavailable {
		return &barred{public: x.refused(r), group: r.Unavailable}
	}
	e := x.p.opts.Shares.Refused(r, x.usage.ModelGroup, x.priority())
	why := &limitError{unit: r.Limit.Unit, scope: r.Limit.Scope, resets: r.Resets, twins: x.state.config.General.LitellmHeaders}
	if r.Limit.Scope == limits.Priority {
		why.saturation = strconv.FormatFloat(100*x.p.opts.Shares.Saturation(group), 'f', 2, 64) + "%"
	}
	// A team's own deployment has its own capacity; another may stand beside it.
	return &barred{public: e.Because(why), group: x.deployment.TeamID == ""}
}

func (x *exchange) priority() string {
	if x.master || x.anonymous {
		return ""
	}
	return x.identity.Priority()
}

// instead is what to try when a call may not be made.
func (x *exchange) instead(r *barred) (route.Attempt, bool) {
	if r.group {
		return x.route.GiveUp(r.public)
	}
	return x.route.Skip(r.public)
}

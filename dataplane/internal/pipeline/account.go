package pipeline

import (
	"net/http"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// close gives back what the request holds of limits and did not use, and
// charges what it used. Every way in which a request can end leads here: it is
// called when the usage is known, before the client has the end of its answer
// and can ask again, and in any case at the end (finish). The first call
// counts.
func (x *exchange) close() {
	a := &x.account
	if a.batch != nil {
		a.batch.settle(a.called)
	}
	if a.grant.Empty() && a.call.Empty() {
		return
	}
	ours, vendors := x.used()
	x.leave(vendors)
	if a.grant.Empty() {
		return
	}
	if !x.headerSent && x.tells() {
		x.stand()
		for i := range a.standings {
			if s := &a.standings[i]; s.Limit.Unit == limits.Tokens {
				s.Remaining = min(max(s.Remaining+a.reserved.Tokens-ours.Tokens, 0), s.Max)
			}
		}
	}
	a.grant.Settle(ours)
}

// leave settles what the present attempt holds.
func (x *exchange) leave(used quota.Cost) { x.account.call.Settle(used) }

// used is what the request is charged for: by its owners' limits, and by those
// of the deployment that served it. One that never reached a deployment is
// charged for nothing, one that failed there is a request.
func (x *exchange) used() (ours, vendors quota.Cost) {
	u, one := &x.usage, quota.Cost{Requests: 1}
	switch {
	case u.CacheHit:
		return one, quota.Cost{}
	case !x.account.called:
		return quota.Cost{}, quota.Cost{}
	case x.account.batch != nil && !x.account.batch.declined:
		ours = x.account.batch.cost
		ours.Nano = u.CostNano
		return ours, one
	case !x.settled || x.free:
		return one, one
	}
	// What the vendor had in its cache counts for the vendor alone.
	ours = quota.Cost{Requests: 1, Tokens: tokensOf(x.state.held.settings.TokenType, max(0, u.InputTokens-u.CachedInputTokens), u.OutputTokens), Nano: u.CostNano}
	return ours, quota.Cost{Requests: 1, Tokens: u.InputTokens + u.OutputTokens, Nano: u.CostNano}
}

// stand looks how the limits stand that the request was admitted under.
func (x *exchange) stand() {
	a := &x.account
	a.standings = a.standings[:0]
	for s := range a.grant.Standings() {
		if s.Limit.Unit != limits.Money {
			a.standings = append(a.standings, s)
		}
	}
}

// failedStatus reports whether a failure counts against the model, for limits
// that hold only while it fails.
func failedStatus(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusNotFound:
		return true
	}
	return status >= http.StatusInternalServerError
}

package health

import "sync/atomic"

// Usage is what a deployment was asked for in the present minute, by this
// replica and, as far as they have told, by the others. It is safe for
// concurrent use.
type Usage struct {
	requests, tokens             counter
	remoteRequests, remoteTokens counter
	slots                        atomic.Int64
}

// Requests returns the requests of a Unix minute.
func (u *Usage) Requests(minute int64) int64 {
	return u.requests.load(minute) + u.remoteRequests.load(minute)
}

// Tokens returns the tokens of a Unix minute.
func (u *Usage) Tokens(minute int64) int64 {
	return u.tokens.load(minute) + u.remoteTokens.load(minute)
}

// Take counts a request, unless that would be more than limit; 0 is no limit.
func (u *Usage) Take(minute, limit int64) bool {
	if limit > 0 {
		return u.requests.take(minute, u.remoteRequests.load(minute), limit)
	}
	u.requests.add(minute, 1)
	return true
}

// Refund takes back a request that was counted and never sent.
func (u *Usage) Refund(minute int64) { u.requests.refund(minute) }

// Spend counts tokens.
func (u *Usage) Spend(minute, tokens int64) {
	if tokens > 0 {
		u.tokens.add(minute, tokens)
	}
}

// Enter takes one of limit places for calls under way on this replica; 0 is no
// limit. Leave gives it back.
func (u *Usage) Enter(limit int64) bool {
	if n := u.slots.Add(1); limit > 0 && n > limit {
		u.slots.Add(-1)
		return false
	}
	return true
}

// Leave gives back a place.
func (u *Usage) Leave() { u.slots.Add(-1) }

// Slots returns how many places are taken.
func (u *Usage) Slots() int64 { return u.slots.Load() }

// Local returns what this replica has counted in a minute.
func (u *Usage) Local(minute int64) (requests, tokens int64) {
	return u.requests.load(minute), u.tokens.load(minute)
}

// AddRemote adds what another replica has counted since it last told.
func (u *Usage) AddRemote(minute, requests, tokens int64) {
	if requests != 0 {
		u.remoteRequests.add(minute, requests)
	}
	if tokens != 0 {
		u.remoteTokens.add(minute, tokens)
	}
}

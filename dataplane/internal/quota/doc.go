// Package quota decides whether a request may go on, and counts what it used:
// requests, tokens, money and calls under way, for everybody whom a request
// concerns, exactly across all replicas and at almost no cost.
//
// # How
//
// Every limit has a counter for each window in a JetStream counter stream,
// which hands out tickets: adding n to it returns the new total, and of the n
// tickets those are good that are not above the limit. A replica takes a lease
// of many tickets with one message, and gives them out by itself. So a unit is
// in one place at a time (the pool, a replica, perhaps another replica, a
// request), whatever is lost on the way is never given out twice, and what one
// replica admits needs no agreement with another.
//
// When the pool has nothing left the others are asked for what they do not need
// (reclaim), so that nobody is refused while units lie idle elsewhere. Half of
// a minute's limit is divided between the replicas beforehand (package seat),
// so that a key which is used now and then costs no message at all. Calls under
// way are counted by slots (package slot).
//
// # What a request sees
//
// Admit reserves everything or nothing, in memory: no NATS call is made on the
// goroutine of a request. One that needs a lease waits for it, until it is
// plain that NATS does not answer. From then on, and until NATS answers again,
// every replica counts alone, up to its part of what was left, and pays the
// debt afterwards (or refuses, with limits_fail: closed).
//
// # Who owns what
//
// An Engine owns its goroutines, all of which Close ends: one that sweeps, one
// that watches the connection, one that asks the others, and a bounded number
// that talk to the pool.
package quota

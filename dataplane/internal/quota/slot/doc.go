// Package slot keeps limits of calls under way exact over all replicas.
//
// A limit of n has n slots. A replica holds some of them, as the limit's record
// in the slots bucket says, and lets its calls use what it holds without asking
// anybody. The record is one key per limit, {"h":{"<holder>":<slots>}}, written
// by compare and set only: the sum is at most the limit, so what is in use is.
// More is taken from what the record has free, or handed over by replicas that
// hold more than they use, or more than their fair part.
//
// # What is true, and what is a hint
//
// Slots are counted up after the record says so and counted down before it
// does: an answer that is lost can only lose slots for a while. After a write
// whose fate is not known, the difference is used by nobody until the record
// has moved on from the revision that the write expected; if need be by writing
// it again unchanged. Messages between replicas (asks, grants, beats) are hints.
// Each ask carries the record as the asker read it, so who missed a grant
// learns of it when somebody next wants the slot; besides, records that hints
// were exchanged about are read again in the next sweeps.
//
// # Replicas that die
//
// Each holder has a lease, the key "lease.<holder>", which it writes every
// quarter of the TTL. It uses what it holds only until TTL less a fifth after
// it sent the last write that was acknowledged, by its own monotonic clock: a
// replica that was paused or cut off has fenced itself before others act.
// Another replica takes a holder for dead when it has known the same revision of
// the lease for a whole TTL of its own clock, and then still could replace that
// very revision by a tombstone. That proves that there was no later renewal, and
// makes a later one fail; clocks need not agree, and a follower's outdated answer
// can do no harm. Only then are the holder's slots taken out of records, by
// whoever wants some. An observer whose own lease lapsed starts its observations
// anew, or all would bury all after the bus was away.
//
// Holders are random and never used twice: a process that is started again, or
// whose lease was buried, is another holder. In the latter case what its calls
// still use is entered into the records again as far as they have room, and what
// is missing is asked for. For a fifth of the TTL, at most a second, it takes
// nothing else, and neither does anybody while the bucket is that young: so after
// the bus has lost its memory all enter what they use before one takes more. For
// the same reason no record is changed after a reconnect until the lease was found
// in the bucket.
//
// What can not be helped: calls of a replica that was cut off go on while their
// slots are given to others, and a machine that was suspended whole may not
// know it.
//
// # Fairness
//
// The fair part is the limit by the number of those who hold, want or lately
// wanted slots. Who has less and wants more is given idle slots at once, and
// from busy holders with more than the fair part their slots as calls end. When
// there are fewer slots than contenders, a slot moves on after a short stay.
//
// # The bucket
//
// The control plane makes it: one message a subject, in memory, AllowDirect and
// AllowMsgTTL (keys nobody uses disappear), no MaxAge, no discarding. The data
// plane publishes to $KV.<bucket>.>, $JS.API.STREAM.INFO.KV_<bucket>,
// $JS.API.DIRECT.GET.KV_<bucket>.> (or $JS.API.STREAM.MSG.GET.KV_<bucket>) and
// <prefix>.slots.>, and subscribes to <prefix>.slots.> and its inbox.
//
// A [Table] owns its goroutines: some workers, which alone talk to NATS, and four
// for time. [Table.Close] ends them and waits. The package decides neither who
// is limited nor what to do while NATS is away; package quota does.
package slot

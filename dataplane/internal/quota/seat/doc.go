// Package seat says, for a window that starts at a given time, between how many
// replicas the half of a limit is divided that is divided beforehand, and
// whether this replica is one of them. All replicas give the same answer, or
// none; that an answer is not known is told apart from that there are no parts.
//
// # The plan
//
// The seating plan is one record, {v, horizon, epochs: [{from, seats}, …]}, times
// in Unix milliseconds. A window belongs to the epoch with the greatest from
// that is not after the window's start. A seat belongs to one process, a
// replica and its boot id: one that was started again has another seat. The
// horizon is a promise: how windows that start before it are divided will not
// change any more. A [Planner] answers for those, and for no others.
//
// # Why it is exact
//
//  1. The record is only ever replaced by compare and set, so all its versions
//     form one chain, and each is made from the one before.
//  2. A version keeps the epochs of the one before it; an epoch that it adds
//     begins at the horizon of the one before it; and no horizon is less than
//     the one before it. So a version says the same as every earlier one about
//     each window that starts before the earlier one's horizon.
//  3. A planner answers from one version, any version, and only about windows
//     that start before that version's horizon. Of the versions that two
//     planners answer from, one is the earlier; by 2 they agree about all that
//     both know. Nothing was said about clocks or about how old an answer of
//     NATS may be: a version that is outdated knows less, and nothing wrong.
//  4. A seat is in an epoch once, and names one process, which owns it. So of
//     the parts of a window at most as many are used as it was divided into.
//  5. Epochs are forgotten from the oldest on. About what is older than the
//     oldest one a version says nothing, as with what is beyond its horizon.
//
// Clocks only decide how useful this is. The horizon is kept some seconds (the
// lead) ahead of the NATS server's clock, by whoever is first of the replicas,
// or by anyone before it is too late. A replica whose clock is ahead of the
// server's by less than half of the lead knows each window when it begins; one
// that is behind knows it anyway. When NATS is away, a replica knows the windows
// that start within the rest of the lead. Replicas that come and go change what
// is after the horizon, so with the lead's delay; or at once, when the horizon
// has passed: about windows since then nobody has said anything. A server's
// clock that was far ahead for a time fixes the plan for as long as it was.
//
// # When NATS loses its memory
//
// The bucket is in memory. When it is lost the chain breaks, and the counters
// of the same windows are lost with it. Whoever has a version writes it again
// as it is. All versions of one chain are beginnings of the last, so if
// somebody has a later one, that replaces it. For a moment (quiet) nobody adds
// anything, so that all who are connected can do so. A process without any
// version begins a new chain only after it has listened for a moment (hush) and
// nobody said that he has one. What is left is who is cut off, or between a read
// and a write, while the memory is lost: he may disagree with a chain that
// others began about windows that start within the lead.
//
// # Who is there
//
// Every replica says each second that it is there (a beat), hears the others,
// and takes for gone whom it has not heard for some seconds, or who said
// goodbye. As long as it does not hear itself it knows nothing new of the
// others, and takes nobody for gone. Replicas in the plan count as present until
// there was time to hear them. All this is a hint; the plan decides.
//
// # Permissions
//
// A data plane publishes to $KV.<bucket>.plan, $JS.API.STREAM.INFO.KV_<bucket>,
// $JS.API.STREAM.MSG.GET.KV_<bucket> and <prefix>.seats.beat, and subscribes to
// the latter and its inbox. The control plane makes the bucket.
//
// A [Planner] owns its two goroutines and its subscription; [Planner.Close] ends
// them and waits. The package does not divide limits; package quota does.
package seat

// Package peer tells the other replicas what this one knows of the deployments,
// and hears what they know: cooldowns, so that one replica's failure spares the
// others theirs, and the use of the minute, so that the limits of a deployment
// are not multiplied by the number of replicas.
//
// Each replica publishes its whole state, a few times a second while there is
// any and at once when a cooldown begins. So nothing depends on a message that
// was lost, and a replica that starts knows after one beat what goes on. While
// NATS is away each replica goes on with what it knows itself.
//
// It decides nothing. A Link owns one goroutine, which Close ends.
package peer

// Package usage gets usage events from requests to the bus without losing one.
//
// An event is appended to a file before the last byte of its answer goes out,
// so a data plane that is killed loses nothing that it answered. A publisher
// reads the file behind the writers, in batches of whole lines, and forgets a
// batch when JetStream has acknowledged it. While NATS is away the file grows;
// when the process starts again it goes on where the acknowledged part ended.
// A batch may so be published twice; the ledger books an event id once.
//
// A spool directory has numbered slots, each locked by the process that uses
// it. A process takes the first free slot, with what an earlier owner left in
// it, and also empties slots that nobody holds: replicas that share a volume
// inherit from each other.
package usage

// Package bucket is the tier of the response cache that all replicas share: a
// JetStream KV bucket, read directly and written in the background.
//
// It is made so that NATS can be slow, full or gone without a request noticing
// more than a miss. No NATS call is made on the caller's goroutine, because one
// can block on the lock of a connection whose server hangs, whatever its
// deadline; the caller waits a few milliseconds for a goroutine that asks, and
// after some failures in a row a breaker spares it even that. Writes wait in a
// bounded queue and are dropped when it is full.
//
// It knows names and bytes; what they mean is the caller's. A Bucket owns its
// writers, the lookups under way and the goroutine that notices what was
// deleted; Close ends them and waits.
package bucket

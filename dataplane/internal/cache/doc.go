// Package cache keeps answers, so that the same question is not paid for twice.
//
// There are two tiers. Each replica has its own memory, bounded in bytes; behind
// it stands a bucket on NATS that all replicas share. A hit in memory costs less
// than a microsecond; a look into the bucket keeps a request for a few
// milliseconds at most, and not at all while NATS is away: then it is a miss.
// What is deleted through one replica is gone from all of them. What a request
// with no-cache refreshes is new in the bucket at once, and in the memory of
// another replica when its own copy has expired.
//
// Answers are found by the hash of what they depend on (see Call), whoever asks:
// as in LiteLLM, keys share answers unless a namespace keeps them apart. An
// answer is stored as it was asked for, a stream as the bytes of a stream and a
// whole answer as a whole; the two are different questions, so nothing is ever
// converted when it is replayed. Embeddings are stored one input at a time (see
// Batch). With a semantic cache a question is also answered with the answer to
// one that means the same (see Similar); those are kept apart by key, team and
// organisation.
//
// Several requests for the same new answer at the same time each go to the
// vendor: they may have different budgets, limits and patience, and the last one
// to finish is stored.
//
// It decides nothing about who may ask, and calls no vendor; the pipeline does
// both. The goroutines belong to the bucket and to lookups under way; Close ends
// them and waits.
package cache

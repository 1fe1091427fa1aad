package contract

import (
	"encoding/hex"
	"time"
)

// CacheSettings say whether and how data planes cache answers.
type CacheSettings struct {
	Head

	Enabled bool `json:"enabled,omitempty"`
	// Kind is what the config file calls the cache, such as redis or local; it
	// is shown, and decides nothing.
	Kind string `json:"kind,omitempty"`
	// Shared adds the bucket that all replicas read to each replica's memory.
	Shared bool `json:"shared,omitempty"`
	// DefaultOff caches only what asks for it.
	DefaultOff bool   `json:"default_off,omitempty"`
	Namespace  string `json:"namespace,omitempty"`
	// TTLMS is how long an answer is kept when the request does not say.
	TTLMS int64 `json:"ttl_ms,omitempty"`
	// CallTypes are LiteLLM's names of the calls that are cached; nil is all of
	// them, and an empty list none.
	CallTypes []string `json:"call_types"`
	// Groups are model groups whose answers stand in for each other.
	Groups [][]string `json:"groups,omitempty"`
	// LocalMaxBytes bounds the memory of one replica; 0 means the default.
	LocalMaxBytes int64 `json:"local_max_bytes,omitempty"`
	// Semantic, when set, also finds answers to questions that mean the same.
	Semantic *SemanticCacheSettings `json:"semantic,omitempty"`
}

// SemanticCacheSettings say when two questions mean the same.
type SemanticCacheSettings struct {
	// EmbeddingModel is the model group that turns a question into a vector.
	EmbeddingModel string `json:"embedding_model"`
	// Threshold is the least cosine similarity of a hit, above 0 up to 1.
	Threshold float64 `json:"threshold"`
	// TimeoutMS bounds the wait for the vector; 0 means the default.
	TimeoutMS int64 `json:"timeout_ms,omitempty"`
	// PerEndUser keeps the end users of a key apart too.
	PerEndUser bool `json:"per_end_user,omitempty"`
}

// Bounds of the bucket of cached answers. What is older, and the oldest of what
// is too much, goes.
const (
	CacheMaxAge   = 7 * 24 * time.Hour
	CacheMaxBytes = 2 << 30
)

// Keys of the cache bucket.
const (
	// CacheEpochKey holds a text that is another one after entries were
	// deleted, for replicas that did not hear of it.
	CacheEpochKey = "meta.epoch"
	// PrefixCacheEntry starts the keys of answers.
	PrefixCacheEntry = "e."
	// PrefixCacheVector starts the keys of questions as vectors.
	PrefixCacheVector = "v."
)

// CacheEntryKey is the cache key of an answer, by the hash of its request.
func CacheEntryKey(sum [32]byte) string { return PrefixCacheEntry + hex.EncodeToString(sum[:]) }

// CacheVectorKey is the cache key of a question: shelf is the hash of all that
// has to be equal for two questions to be compared, sum that of the request.
func CacheVectorKey(shelf, sum [32]byte) string {
	return CacheShelfPrefix(shelf) + hex.EncodeToString(sum[:])
}

// CacheShelfPrefix starts the keys of the questions on a shelf.
func CacheShelfPrefix(shelf [32]byte) string {
	return PrefixCacheVector + hex.EncodeToString(shelf[:]) + "."
}

// CacheChange tells the replicas which entries were deleted.
type CacheChange struct {
	V int `json:"v"`
	// Epoch is what CacheEpochKey holds now.
	Epoch string `json:"epoch"`
	// Keys are hashes of requests in lower-case hex; none means that
	// everything was deleted.
	Keys []string `json:"keys,omitempty"`
}

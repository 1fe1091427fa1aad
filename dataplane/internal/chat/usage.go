package chat

// Usage is what an answer used, in tokens where nothing else is said.
type Usage struct {
	// Input is the whole prompt, what was read from and written to a cache
	// included; Output is the whole answer, thoughts included.
	Input, Output int64

	CachedInput  int64
	CacheWrite   int64 // written to a cache, of any lifetime
	CacheWrite1h int64 // of which for an hour

	Reasoning               int64
	AudioInput, AudioOutput int64
	ImageInput, ImageOutput int64
	AcceptedPrediction      int64
	RejectedPrediction      int64
	WebSearches             int64 // requests, not tokens
}

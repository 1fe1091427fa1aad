package price

import (
	"time"

	"github.com/tianjillm/tianjillm/shared/money"
)

// Usage is what one request used. Totals include their parts: InputTokens
// count cached, audio, image and video tokens, OutputTokens count reasoning.
// Parts that exceed their total are cut down to it.
type Usage struct {
	// Tier is the service that answered; a batch is one.
	Tier Tier
	// At is when the request began; zero is now. It matters for prices that
	// change with the time.
	At time.Time

	InputTokens        int64
	CacheReadTokens    int64
	CacheWriteTokens   int64 // for five minutes and for an hour
	CacheWrite1hTokens int64 // of these, for an hour
	AudioInputTokens   int64
	AudioCachedTokens  int64 // of these, read from the cache
	ImageInputTokens   int64
	ImageCachedTokens  int64
	VideoInputTokens   int64
	// CitationTokens are not among the InputTokens.
	CitationTokens int64

	OutputTokens      int64
	ReasoningTokens   int64
	AudioOutputTokens int64
	ImageOutputTokens int64
	VideoOutputTokens int64

	// Characters are charged where the model has no price for tokens.
	InputCharacters, OutputCharacters int64

	// Durations are charged where their tokens are not counted.
	InputAudio, OutputAudio time.Duration
	InputVideo, OutputVideo time.Duration
	VideoHeight             int // of the answer, in pixels
	// Elapsed is how long the request took, for models that are rented.
	Elapsed time.Duration

	// Images are charged where their tokens are not counted: leave InputImages
	// at zero for chats.
	InputImages, OutputImages int64
	ImageWidth, ImageHeight   int64 // of the answer, in pixels
	PremiumImages             bool

	Pages          int64
	AnnotatedPages int64 // of these, with annotations
	PageCredits    int64

	// Requests is 1 for a request that was answered, and 0 for one that a
	// vendor does not charge.
	Requests     int64
	Queries      int64 // searches and rerankings
	MaxResults   int64 // of a search, whose price may depend on it
	TextMessages int64

	WebSearches  int64
	SearchSize   SearchSize
	MapsSearches int64
	FileSearches int64
	CodeSessions int64
	// Tokens of computer use come beside the others.
	ComputerInputTokens, ComputerOutputTokens int64

	// Residency is "eu" or "us" where the vendor was asked to keep data there.
	Residency string
	// RegionalEndpoint is a Vertex AI endpoint other than the global one.
	RegionalEndpoint bool
	// Fast is Anthropic's fast mode.
	Fast bool
}

// SearchSize is how much context a web search brings in.
type SearchSize uint8

// The sizes of web searches.
const (
	SearchMedium SearchSize = iota
	SearchLow
	SearchHigh
)

// ParseSearchSize reads search_context_size.
func ParseSearchSize(name string) SearchSize {
	switch name {
	case "low":
		return SearchLow
	case "high":
		return SearchHigh
	default:
		return SearchMedium
	}
}

// Breakdown is what a request cost, by kind. The kinds do not overlap.
type Breakdown struct {
	Input      money.Nano
	CacheRead  money.Nano
	CacheWrite money.Nano
	Output     money.Nano
	Reasoning  money.Nano
	Tool       money.Nano // searches, sessions and the like
}

// Total returns the whole cost.
func (b Breakdown) Total() money.Nano {
	return sum(b.Input, b.CacheRead, b.CacheWrite, b.Output, b.Reasoning, b.Tool)
}

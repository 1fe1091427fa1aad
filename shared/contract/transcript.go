package contract

import "encoding/json"

// Transcript is what a request and its answer said, both shortened. ID and
// StartMS are those of its Usage, without which nobody is shown it.
type Transcript struct {
	V       int    `json:"v"`
	ID      string `json:"id"`
	StartMS int64  `json:"start"` // Unix milliseconds
	// Request and Response are JSON in the client's dialect; a stream stands as the
	// answer that it comes to. Either may be missing.
	Request  json.RawMessage `json:"request,omitempty"`
	Response json.RawMessage `json:"response,omitempty"`
}

const (
	// TranscriptsMaxBytes bounds what waits to be stored: the oldest makes room.
	TranscriptsMaxBytes = 512 << 20
	// TranscriptMost bounds one line with a transcript.
	TranscriptMost = 128 << 10
)

// TranscriptStream is the work-queue stream of what requests said.
func (n Names) TranscriptStream() string { return n.prefix + "-TRANSCRIPTS" }

// TranscriptConsumer is its durable consumer.
func (n Names) TranscriptConsumer() string { return "transcripts" }

// TranscriptSubject is where one replica publishes what its requests said: lines,
// each with a Transcript.
func (n Names) TranscriptSubject(replica string) string {
	return n.prefix + ".transcripts." + Token(replica)
}

// TranscriptWildcard matches those of all replicas.
func (n Names) TranscriptWildcard() string { return n.prefix + ".transcripts.*" }

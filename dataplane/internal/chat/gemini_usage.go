package chat

import (
	"bytes"
	"encoding/json"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// The kinds of content that cost something else than text.
const (
	imageShare = "IMAGE"
	audioShare = "AUDIO"
)

// geminiUsage are the counts of Gemini's usageMetadata:
// https://ai.google.dev/api/generate-content#UsageMetadata
type geminiUsage struct {
	prompt, tools      int64 // what tools read is not among the prompt
	candidates, total  int64
	promptShares       []geminiShare
	cacheShares        []geminiShare
	candidateShares    []geminiShare
	found              bool
	thoughts, cacheHit int64
}

// geminiShare is the part of one kind of content.
type geminiShare struct {
	Modality string `json:"modality"`   // TEXT, IMAGE, AUDIO, VIDEO or DOCUMENT
	Tokens   int64  `json:"tokenCount"` //nolint:tagliatelle // Gemini's name
}

// ReadGemini takes the counts of Gemini's usageMetadata, which are complete in
// every event of a stream. It reports whether there was any.
func (u *Usage) ReadGemini(metadata []byte) bool {
	if len(metadata) == 0 || metadata[0] != '{' {
		return false
	}
	var g geminiUsage
	var s jsonx.Scanner
	for s.Reset(metadata); s.Next(); {
		g.read(string(s.Key()), s.Value().Of(metadata))
	}
	if !g.found || s.Err() != nil {
		return false
	}
	u.Input, u.Output = g.prompt+g.tools, g.candidates+g.thoughts
	if g.total > 0 && g.total == u.Input+g.candidates {
		u.Output = g.candidates // some models count their thoughts among the candidates
	}
	u.Reasoning, u.CachedInput = g.thoughts, g.cacheHit
	// What came from a cache is priced as such, whatever kind it is.
	u.AudioInput = max(0, tokensOf(g.promptShares, audioShare)-tokensOf(g.cacheShares, audioShare))
	u.ImageInput = max(0, tokensOf(g.promptShares, imageShare)-tokensOf(g.cacheShares, imageShare))
	u.AudioOutput, u.ImageOutput = tokensOf(g.candidateShares, audioShare), tokensOf(g.candidateShares, imageShare)
	return true
}

func (g *geminiUsage) read(name string, value []byte) {
	switch name {
	case "promptTokenCount":
		g.prompt, g.found = jsonx.Int(value), true
	case "candidatesTokenCount":
		g.candidates, g.found = jsonx.Int(value), true
	case "totalTokenCount":
		g.total, g.found = jsonx.Int(value), true
	case "thoughtsTokenCount":
		g.thoughts = jsonx.Int(value)
	case "toolUsePromptTokenCount":
		g.tools = jsonx.Int(value)
	case "cachedContentTokenCount":
		g.cacheHit = jsonx.Int(value)
	case "promptTokensDetails":
		g.promptShares = shares(value)
	case "candidatesTokensDetails":
		g.candidateShares = shares(value)
	case "cacheTokensDetails":
		g.cacheShares = shares(value)
	}
}

// shares reads a list of shares, of which only two kinds matter.
func shares(value []byte) []geminiShare {
	if !bytes.Contains(value, []byte(imageShare)) && !bytes.Contains(value, []byte(audioShare)) {
		return nil
	}
	var all []geminiShare
	_ = json.Unmarshal(value, &all) // details: a wrong one must not stop an answer
	return all
}

func tokensOf(all []geminiShare, modality string) int64 {
	var sum int64
	for _, s := range all {
		if s.Modality == modality {
			sum += max(0, s.Tokens)
		}
	}
	return sum
}

// AppendGemini writes Gemini's usageMetadata.
func (u *Usage) AppendGemini(b []byte) []byte {
	b = appendCount(b, `{"promptTokenCount":`, u.Input)
	b = appendCount(b, `,"candidatesTokenCount":`, max(0, u.Output-u.Reasoning))
	b = appendCount(b, `,"totalTokenCount":`, u.Input+u.Output)
	b = appendSome(b, `,"cachedContentTokenCount":`, u.CachedInput)
	b = appendSome(b, `,"thoughtsTokenCount":`, u.Reasoning)
	b = appendShares(b, `,"promptTokensDetails":[`, u.Input, u.ImageInput, u.AudioInput)
	b = appendShares(b, `,"candidatesTokensDetails":[`, u.Output-u.Reasoning, u.ImageOutput, u.AudioOutput)
	return append(b, '}')
}

// appendShares writes the shares where there is more than text.
func appendShares(b []byte, name string, all, images, sound int64) []byte {
	if images == 0 && sound == 0 {
		return b
	}
	b = append(b, name...)
	b = appendCount(b, `{"modality":"TEXT","tokenCount":`, max(0, all-images-sound))
	b = appendSome(b, `},{"modality":"IMAGE","tokenCount":`, images)
	b = appendSome(b, `},{"modality":"AUDIO","tokenCount":`, sound)
	return append(b, `}]`...)
}

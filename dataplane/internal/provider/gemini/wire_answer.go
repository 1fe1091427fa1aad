package gemini

import (
	"encoding/json"
)

// What generateContent answers.
//
//nolint:tagliatelle // Google's names
type (
	// answer is what generateContent answers, and each event of its stream.
	answer struct {
		Candidates     []candidate     `json:"candidates"`
		PromptFeedback *promptFeedback `json:"promptFeedback"`
		Usage          json.RawMessage `json:"usageMetadata"`
		ModelVersion   string          `json:"modelVersion"`
		ResponseID     string          `json:"responseId"`
		CreateTime     string          `json:"createTime"`
		Error          json.RawMessage `json:"error"`
	}

	candidate struct {
		Index         *int            `json:"index"`
		Content       content         `json:"content"`
		FinishReason  string          `json:"finishReason"`
		FinishMessage string          `json:"finishMessage"`
		Grounding     json.RawMessage `json:"groundingMetadata"`
		URLContext    json.RawMessage `json:"urlContextMetadata"`
		Safety        json.RawMessage `json:"safetyRatings"`
		Citations     json.RawMessage `json:"citationMetadata"`
		Logprobs      *logprobsResult `json:"logprobsResult"`
	}

	promptFeedback struct {
		BlockReason string          `json:"blockReason"`
		Message     string          `json:"blockReasonMessage,omitempty"`
		Safety      json.RawMessage `json:"safetyRatings,omitempty"`
	}

	logprobsResult struct {
		Chosen []logprob `json:"chosenCandidates"`
		Top    []struct {
			Candidates []logprob `json:"candidates"`
		} `json:"topCandidates"`
	}

	logprob struct {
		Token       string  `json:"token"`
		Probability float64 `json:"logProbability"`
	}

	grounding struct {
		Queries []string `json:"webSearchQueries"`
		Chunks  []struct {
			Web       *source `json:"web"`
			Maps      *source `json:"maps"`
			Retrieved *source `json:"retrievedContext"`
		} `json:"groundingChunks"`
		Supports []struct {
			Segment struct {
				Start int64 `json:"startIndex"`
				End   int64 `json:"endIndex"`
			} `json:"segment"`
			Chunks []int `json:"groundingChunkIndices"`
		} `json:"groundingSupports"`
	}

	source struct {
		URI   string `json:"uri"`
		Title string `json:"title"`
	}
)

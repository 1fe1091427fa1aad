package provider

import (
	"encoding/json"
	"time"
)

// Config is what a backend is made from: a deployment with its secrets in the
// clear. It never leaves the process.
type Config struct {
	DeploymentID string
	Provider     string
	Model        string
	APIBase      string
	APIKey       string
	Organization string
	APIVersion   string
	Timeout      time.Duration
	// StreamTimeout bounds the wait for the head of a streamed response.
	StreamTimeout time.Duration
	Headers       map[string]string
	MockResponse  *string
	Params        map[string]json.RawMessage
	// Getenv reads an environment variable of this data plane; vendors have
	// names for their keys and bases that users expect to work.
	Getenv func(string) string
}

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
	// Secrets are all credentials of the deployment by their names in
	// litellm_params: aws_secret_access_key, vertex_credentials, ….
	Secrets map[string]string
	// Getenv reads an environment variable of this data plane; vendors have
	// names for their keys and bases that users expect to work.
	Getenv func(string) string
}

// Env returns the first of the variables that is set, or "".
func (c *Config) Env(names ...string) string {
	if c.Getenv == nil {
		return ""
	}
	for _, name := range names {
		if v := c.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// Text returns a parameter that is a text: from the credentials, else from
// the other parameters, else from the first variable that is set.
func (c *Config) Text(name string, env ...string) string {
	if v := c.Secrets[name]; v != "" {
		return v
	}
	var s string
	if raw, ok := c.Params[name]; ok && json.Unmarshal(raw, &s) == nil && s != "" {
		return s
	}
	return c.Env(env...)
}

package lab

import (
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
)

// masterKey is the administrator's key of an installation that lives as long
// as the benchmark and listens on loopback only.
const masterKey = "sk-bench-master"

const deployment = `  - model_name: %s
    litellm_params:
      model: %s
      api_base: http://%s
      api_key: sk-upstream-%d
      input_cost_per_token: %.6f
      output_cost_per_token: %.6f
`

// settings turn the cache on for the calls that ask for it alone: it is the
// memory of the data plane, and answers stay for longer than a run takes.
const settings = `litellm_settings:
  cache: true
  cache_params:
    type: local
    mode: default_off
    ttl: 86400
general_settings:
  master_key: ` + masterKey + "\n"

// configuration is the file of an installation whose deployments are all at
// one upstream.
func configuration(upstream string) []byte {
	var b strings.Builder
	b.WriteString("model_list:\n")
	count := 0
	add := func(name, model, base string) {
		count++
		fmt.Fprintf(&b, deployment, name, model, base, count, payload.InputPrice, payload.OutputPrice)
	}
	add(payload.Model, "openai/"+payload.UpstreamModel, upstream+"/v1")
	add(payload.ClaudeModel, "anthropic/"+payload.UpstreamClaude, upstream)
	for range payload.Crowd {
		add(payload.CrowdModel, "openai/"+payload.UpstreamModel, upstream+"/v1")
	}
	b.WriteString(settings)
	return []byte(b.String())
}

func models() []string {
	return []string{payload.Model, payload.ClaudeModel, payload.CrowdModel}
}

package suite

import (
	"strings"
	"testing"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakebedrock"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakecohere"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakegemini"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeollama"
)

// Upstream is a vendor behind a gateway.
type Upstream struct {
	Name      string
	Vendor    *fakevendor.Vendor
	Abilities Abilities

	model  string
	models map[string]string // those of a kind that need another name
	entry  func(name, model string, params ...string) string
}

// Entry is an entry of model_list that leads to the vendor's model; params are
// further lines of litellm_params.
func (u *Upstream) Entry(name, model string, params ...string) string {
	return u.entry(name, model, params...)
}

// Upstreams runs the vendors that the dialects are held against.
func Upstreams(tb testing.TB) []*Upstream {
	tb.Helper()
	all := []*Upstream{
		{
			Name: "openai", Vendor: fakevendor.Start(tb), Abilities: Abilities{Reasoning: true, Embeddings: true},
			model: "gpt-4.1-mini", models: map[string]string{Thinks: "gpt-5-mini", Embeds: "text-embedding-3-small"},
		},
		{Name: "anthropic", Vendor: fakeanthropic.Start(tb), Abilities: Abilities{Thoughts: true}, model: claude},
		{
			Name: "gemini", Vendor: fakegemini.Start(tb), Abilities: Abilities{Thoughts: true, Embeddings: true},
			model: "gemini-2.5-flash", models: map[string]string{Embeds: "gemini-embedding-001"},
		},
		{
			Name: "bedrock", Vendor: fakebedrock.Start(tb), Abilities: Abilities{Thoughts: true, Embeddings: true},
			model: "us.anthropic." + claude + "-v1:0", models: map[string]string{Embeds: "amazon.titan-embed-text-v2:0"},
		},
	}
	return scripted(all)
}

const claude = "claude-sonnet-4-5-20250929"

// Others runs vendors that have a wire of their own too, or another's in a
// place of their own.
func Others(tb testing.TB) []*Upstream {
	tb.Helper()
	azure, vertex, vertexClaude := fakevendor.Start(tb), fakegemini.StartVertex(tb), fakegemini.StartVertex(tb)
	all := []*Upstream{
		{
			Name: "azure", Vendor: azure, Abilities: Abilities{Reasoning: true, Embeddings: true},
			model: "gpt-4.1-mini", models: map[string]string{Thinks: "gpt-5-mini", Embeds: "text-embedding-3-small"},
			entry: func(name, model string, params ...string) string {
				own := []string{"api_base: " + azure.Host(), "api_key: " + fakevendor.Key, "api_version: 2025-04-01-preview"}
				return fakevendor.Entry(name, "azure/"+model, append(own, params...)...)
			},
		},
		{
			Name: "vertex", Vendor: vertex.Vendor, Abilities: Abilities{Thoughts: true, Embeddings: true},
			model: "gemini-2.5-flash", models: map[string]string{Embeds: "text-embedding-005"},
		},
		{Name: "vertex-claude", Vendor: vertexClaude.Vendor, Abilities: Abilities{Thoughts: true}, model: "claude-sonnet-4-5@20250929"},
		{Name: "cohere", Vendor: fakecohere.Start(tb), Abilities: Abilities{Embeddings: true}, model: "command-a-03-2025"},
		{Name: "ollama", Vendor: fakeollama.Start(tb), Abilities: Abilities{Thoughts: true, Embeddings: true}, model: "qwen3"},
	}
	return scripted(all)
}

func scripted(all []*Upstream) []*Upstream {
	for _, u := range all {
		if u.entry == nil {
			u.entry = u.Vendor.Deployment
		}
		Script(u.Vendor, u.Native)
	}
	return all
}

// Native is what the vendor calls the model of a kind.
func (u *Upstream) Native(kind string) string {
	if name, ok := u.models[kind]; ok {
		return name
	}
	if kind == Good {
		return u.model
	}
	return u.model + "-" + kind
}

// Model is what clients of a gateway call the model of a kind.
func (u *Upstream) Model(kind string) string {
	if kind == Good {
		return "m-" + u.Name
	}
	return "m-" + u.Name + "-" + kind
}

// Unexpected returns the calls that the vendor refused for another reason than
// that a case asks for what is not there.
func (u *Upstream) Unexpected() []*fakevendor.Call {
	var all []*fakevendor.Call
	for _, c := range u.Vendor.Refused() {
		if !strings.Contains(c.Refusal, "not found.") && !strings.Contains(c.Refusal, "Cached content is too small") {
			all = append(all, c)
		}
	}
	return all
}

// Config is the config.yaml of a gateway in front of vendors. It does not try
// again: the cases look at the first answer.
func Config(upstreams []*Upstream) string {
	var b strings.Builder
	b.WriteString("model_list:\n")
	for _, u := range upstreams {
		for _, kind := range Kinds() {
			b.WriteString(u.entry(u.Model(kind), u.Native(kind)))
		}
	}
	b.WriteString("router_settings: {num_retries: 0, disable_cooldowns: true}\n")
	return b.String()
}

// Target is a gateway that has the upstream behind it.
func (u *Upstream) Target(base, key string) Target {
	return Target{Base: base, Key: key, Model: u.Model, Abilities: u.Abilities}
}

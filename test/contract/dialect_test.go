package contract_test

import (
	"testing"

	"github.com/tianjillm/tianjillm/test/sdk/suite"
	"github.com/tianjillm/tianjillm/test/stack"
)

type dialects map[string]func(*testing.T, suite.Target)

// TestDialects: what the official Go SDKs do works in every dialect on every
// vendor, and no vendor is asked for what it refuses.
//
//nolint:tparallel // what was refused is looked at when all is done
func TestDialects(t *testing.T) {
	t.Parallel()
	dialects{"openai": suite.OpenAI, "responses": suite.Responses, "anthropic": suite.Anthropic, "gemini": suite.Gemini}.run(t, suite.Upstreams(t))
}

// TestDialects_of_others is the same for the other vendors with a wire of their
// own, in the dialects that have most users.
//
//nolint:tparallel // see above
func TestDialects_of_others(t *testing.T) {
	t.Parallel()
	dialects{"openai": suite.OpenAI, "anthropic": suite.Anthropic}.run(t, suite.Others(t))
}

func (d dialects) run(t *testing.T, upstreams []*suite.Upstream) {
	t.Helper()
	s := stack.Start(t, stack.Options{Config: suite.Config(upstreams)})
	key := s.NewKey(t, nil)
	for _, u := range upstreams {
		for name, dialect := range d {
			t.Run(name+" on "+u.Name, func(t *testing.T) { dialect(t, u.Target(s.DataPlane(0), key)) })
		}
		for _, c := range u.Unexpected() {
			t.Errorf("%s refused %s %s: %s\n%s", u.Name, c.Method, c.Path, c.Refusal, c.Body)
		}
	}
}

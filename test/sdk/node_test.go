package sdk_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/sdk/suite"
	"github.com/tianjillm/tianjillm/test/stack"
)

// target is what the cases in node/ are told.
type target struct {
	Base      string         `json:"base"`
	Key       string         `json:"key"`
	Upstreams []nodeUpstream `json:"upstreams"`
	Vendor    map[string]any `json:"vendor"`
}

type nodeUpstream struct {
	Name       string            `json:"name"`
	Models     map[string]string `json:"models"`
	Thoughts   bool              `json:"thoughts"`
	Embeddings bool              `json:"embeddings"`
}

func newTarget(base, key string) *target {
	return &target{Base: base, Key: key, Vendor: map[string]any{
		"text": fakevendor.Text(), "first": fakevendor.Pieces()[0], "arguments": fakevendor.Arguments, "thought": fakevendor.Thought,
		"report": fakevendor.ReportPrompt, "pixel": fakevendor.Pixel, "seen": suite.Seen(), "vector": fakevendor.Vector(),
		"promptTokens": fakevendor.PromptTokens, "completionTokens": fakevendor.CompletionTokens,
		"busy": suite.BusyMessage, "refuses": suite.RefusesMessage, "retryAfter": suite.RetryAfter,
	}}
}

func (n *target) add(u *suite.Upstream, name func(kind string) string) {
	models := map[string]string{}
	for _, kind := range suite.Kinds() {
		models[kind] = name(kind)
	}
	n.Upstreams = append(n.Upstreams, nodeUpstream{u.Name, models, u.Abilities.Thoughts, u.Abilities.Embeddings})
}

// runNode runs the cases of one SDK.
func runNode(t *testing.T, sdk string, told *target) {
	t.Helper()
	// Outside of the source tree, with the packages beside.
	dir := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(installed(t), "node_modules"), filepath.Join(dir, "node_modules")))
	for _, name := range []string{"target.mjs", sdk + ".test.mjs"} {
		b, err := os.ReadFile(filepath.Join("node", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	b, err := json.Marshal(told)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", sdk+".test.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TIANJI_SDK_TARGET="+string(b), "NO_PROXY=127.0.0.1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)
}

// TestVendors: the cases hold for the vendors themselves, each in its own
// dialect, and so say something about what is between.
//
//nolint:tparallel,paralleltest // what was refused is looked at when all is done
func TestVendors(t *testing.T) {
	t.Parallel()
	for sdk, vendor := range map[string]string{"openai": "openai", "langchain": "openai", "anthropic": "anthropic", "gemini": "gemini"} {
		t.Run(sdk, func(t *testing.T) {
			for _, u := range suite.Upstreams(t) {
				if u.Name != vendor {
					continue
				}
				told := newTarget(u.Vendor.Host(), fakevendor.Key)
				told.add(u, u.Native)
				runNode(t, sdk, told)
				for _, c := range u.Vendor.Refused() {
					require.Regexp(t, "(?i)api.key", c.Refusal, "%s\n%s", c.Path, c.Body)
				}
			}
		})
	}
}

// TestWays: clients of OpenAI find their endpoint in every way that they have.
func TestWays(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	v.Script("gpt-busy", fakevendor.FailLater(http.StatusTooManyRequests, suite.BusyMessage, suite.RetryAfter))
	s := stack.Start(t, stack.Options{Config: `model_list:
  - model_name: mock
    litellm_params: {model: mock/echo, input_cost_per_token: 0.000001, output_cost_per_token: 0.000002}
` + v.Deployment("gpt", "gpt-4o") + v.Deployment("instruct", "gpt-3.5-turbo-instruct") + v.Deployment("embed", "text-embedding-3-small") +
		v.Deployment("busy", "gpt-busy") + v.Deployment("house/local-model", "gpt-local") + "router_settings: {num_retries: 0}\n"})
	runNode(t, "ways", newTarget(s.DataPlane(0), s.NewKey(t, nil)))
}

// TestGateway: the cases hold for every dialect on every vendor, and no vendor
// is asked for what it refuses.
//
//nolint:tparallel,paralleltest // what was refused is looked at when all is done
func TestGateway(t *testing.T) {
	t.Parallel()
	upstreams := suite.Upstreams(t)
	s := stack.Start(t, stack.Options{Config: suite.Config(upstreams)})
	told := newTarget(s.DataPlane(0), s.NewKey(t, nil))
	for _, u := range upstreams {
		told.add(u, u.Model)
	}
	for _, sdk := range []string{"openai", "langchain", "anthropic", "gemini"} {
		t.Run(sdk, func(t *testing.T) { runNode(t, sdk, told) })
	}
	for _, u := range upstreams {
		for _, c := range u.Unexpected() {
			t.Errorf("%s refused %s %s: %s\n%s", u.Name, c.Method, c.Path, c.Refusal, c.Body)
		}
	}
}

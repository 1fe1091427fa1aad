package route_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/seal"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	box, err := seal.New("salt")
	require.NoError(t, err)
	secrets := func(id string, s contract.Secrets) []byte {
		b, err := json.Marshal(s)
		require.NoError(t, err)
		return box.Seal(string(b), contract.SealPurpose(id))
	}
	var log bytes.Buffer
	b := &builder{}
	env := route.Environment{
		Builder: b, Opener: box, Logger: slog.New(slog.NewJSONHandler(&log, nil)),
		Getenv: func(name string) string { return map[string]string{"HERE": "from-env"}[name] },
	}
	records := []*contract.Deployment{
		{ID: "1", ModelName: "m", Provider: "openai", APIBase: "https://user:pw@host/v1?token=x", Sealed: secrets("1", contract.Secrets{"api_key": "sk-1", contract.SecretHeader + "X-A": "b"})},
		{ID: "2", ModelName: "m", Provider: "openai", Sealed: secrets("2", contract.Secrets{"api_key": contract.EnvReference + "HERE"})},
		{ID: "3", ModelName: "n", Provider: "openai", Sealed: secrets("3", contract.Secrets{"api_key": contract.EnvReference + "ELSEWHERE"})},
		{ID: "4", ModelName: "o", Provider: "broken"},
		{ID: "5", ModelName: "p", Provider: "openai", Sealed: secrets("1", contract.Secrets{"api_key": "stolen"})},
		{ID: "6", ModelName: "q", Provider: "openai", Routing: contract.Routing{TagRegex: []string{"("}}},
	}
	table := route.Build(env, records, nil, nil)
	require.Equal(t, []string{"m"}, table.Names())
	target, ok := table.Resolve("m")
	require.True(t, ok)
	first := target.Group.Deployments
	require.Len(t, first, 2)
	require.Equal(t, "sk-1", b.built[0].APIKey)
	require.Equal(t, "sk-1", b.built[0].Secrets["api_key"])
	require.Equal(t, map[string]string{"X-A": "b"}, b.built[0].Headers)
	require.Equal(t, "from-env", b.built[1].APIKey)
	require.Equal(t, "https://host/v1", first[0].APIBase, "what is shown holds no credentials")
	require.Contains(t, log.String(), "ELSEWHERE")
	require.NotContains(t, log.String(), "sk-1")
	require.NotContains(t, log.String(), "stolen")

	// What did not change is kept; what changed is built anew.
	records[1] = &contract.Deployment{ID: "2", ModelName: "m", Provider: "openai", Model: "other", Sealed: records[1].Sealed}
	again, ok := route.Build(env, records, nil, table).Resolve("m")
	require.True(t, ok)
	require.Same(t, first[0], again.Group.Deployments[0])
	require.NotSame(t, first[1], again.Group.Deployments[1])
}

// A deployment that no proxy admin has written is called at public addresses
// only, whatever name it is asked for by.
func TestBuild_guarded(t *testing.T) {
	t.Parallel()
	k, guarded := newKit(t, nil), &builder{}
	k.env.Guarded = guarded
	of := func(d *contract.Deployment) { d.Guarded = true }
	k.configure(nil, dep("admin's", "m"), dep("team's", "n", of), dep("pattern", "openai/*", of, func(d *contract.Deployment) { d.Model = "*" }))
	require.Len(t, guarded.built, 1)
	require.Equal(t, "team's", guarded.built[0].DeploymentID)
	for _, name := range []string{"m", "n", "openai/gpt"} {
		_, _, err := k.begin(name)
		require.NoError(t, err)
	}
	require.Len(t, guarded.built, 2)
	require.Equal(t, "pattern", guarded.built[1].DeploymentID)
	require.False(t, k.table.Deployment("admin's").Guarded())
	require.True(t, k.table.Deployment("team's").Guarded())
}

// What a router knows of a deployment outlives a configuration.
func TestBuild_keeps_state(t *testing.T) {
	t.Parallel()
	k := newKit(t, &contract.RouterSettings{Strategy: "least-busy"}, dep("a", "m"), dep("b", "m"))
	busy, id, err := k.begin("m")
	require.NoError(t, err)
	other := map[string]string{"a": "b", "b": "a"}[id]
	k.configure(&contract.RouterSettings{Strategy: "least-busy"}, dep("a", "m", func(d *contract.Deployment) { d.APIVersion = "2" }), dep("b", "m", func(d *contract.Deployment) { d.APIVersion = "2" }))
	require.Equal(t, map[string]int{other: 10}, k.picks(10, "m"))

	busy.Started()
	f := failure(429, "RateLimitError")
	busy.Finished(route.Outcome{Failure: &f}) // of the table before
	k.configure(nil, dep("a", "m"), dep("b", "m"))
	require.Equal(t, map[string]int{other: 10}, k.picks(10, "m"))

	// What is no longer configured is forgotten.
	k.configure(nil)
	k.configure(nil, dep(id, "m"))
	require.Equal(t, map[string]int{id: 10}, k.picks(10, "m"))
}

func TestResolve(t *testing.T) {
	t.Parallel()
	team := func(public string) func(*contract.Deployment) {
		return func(d *contract.Deployment) { d.TeamID, d.TeamPublicName = "t", public }
	}
	vendor := func(provider, model string) func(*contract.Deployment) {
		return func(d *contract.Deployment) { d.Provider, d.Model = provider, model }
	}
	access := func(groups ...string) func(*contract.Deployment) {
		return func(d *contract.Deployment) { d.AccessGroups = groups }
	}
	k := newKit(t, &contract.RouterSettings{Aliases: map[string]contract.GroupAlias{
		"alias": {Model: "gpt"}, "hidden": {Model: "gpt", Hidden: true}, "starred": {Model: "openai/gpt-9"}, "dangling": {Model: "nothing"},
	}},
		dep("1", "gpt", access("beta", "alpha")), dep("2", "gpt", vendor("azure", "x"), access("beta")), dep("3", "openai/*", vendor("openai", "*")),
		dep("4", "openai/gpt-9*", vendor("openai", "gpt-9*")), dep("5", "bedrock/us.*", vendor("bedrock", "us.*")), dep("6", "bedrock/*", vendor("bedrock", "*")),
		dep("7", "internal-1", team("mine")), dep("8", "gpt", team("")), dep("9", "internal-*", team("anthropic/*"), vendor("anthropic", "*")),
		dep("a", "*:x:*", vendor("openai", "*-and-*")), dep("b", "cat/*", vendor("openai", "cat")),
	)
	for _, c := range []struct{ team, name, group, ids, model string }{
		{name: "gpt", group: "gpt", ids: "1 2", model: "model-of-1"},
		{name: "alias", group: "gpt", ids: "1 2", model: "model-of-1"},
		{name: "hidden", group: "gpt", ids: "1 2", model: "model-of-1"},
		{name: "starred", group: "openai/gpt-9*", ids: "4", model: "gpt-9"},
		{name: "2", group: "gpt", ids: "2", model: "x"},
		{name: "openai/gpt-4o", group: "openai/*", ids: "3", model: "gpt-4o"},
		{name: "openai/gpt-9-mini", group: "openai/gpt-9*", ids: "4", model: "gpt-9-mini"},
		{name: "gpt-9-mini", group: "openai/gpt-9*", ids: "4", model: "gpt-9-mini"},
		{name: "bedrock/us.claude", group: "bedrock/us.*", ids: "5", model: "us.claude"},
		{name: "bedrock/eu.claude", group: "bedrock/*", ids: "6", model: "eu.claude"},
		{name: "a:x:b", group: "*:x:*", ids: "a", model: "a-and-b"},
		{name: "cat/anything", group: "cat/*", ids: "b", model: "cat"},
		{name: "azure/x", group: "gpt", ids: "2", model: "x"},
		{team: "t", name: "mine", group: "mine", ids: "7", model: "model-of-7"},
		{team: "t", name: "internal-1", group: "internal-1", ids: "7", model: "model-of-7"},
		{team: "t", name: "gpt", group: "gpt", ids: "1 2 8", model: "model-of-1"},
		{team: "t", name: "8", group: "gpt", ids: "8", model: "model-of-8"},
		{team: "t", name: "anthropic/claude", group: "anthropic/*", ids: "9", model: "claude"},
		{team: "u", name: "gpt", group: "gpt", ids: "1 2", model: "model-of-1"},
	} {
		to, ok := k.table.ResolveFor(c.team, c.name)
		require.True(t, ok, c)
		require.Equal(t, c.group, to.Group.Name, c)
		ids := ""
		for _, d := range to.Group.Deployments {
			ids += " " + d.ID
		}
		require.Equal(t, " "+c.ids, ids, c)
		r := &route.Route{}
		models := map[string]bool{}
		for range 100 {
			d, err := r.Begin(k.router, k.table, route.Ask{Target: to, TeamID: c.team})
			require.NoError(t, err)
			models[d.Model] = true
		}
		require.Contains(t, models, c.model, c)
	}
	for _, c := range [][2]string{{"", "nothing"}, {"", ""}, {"", "dangling"}, {"", "mine"}, {"u", "mine"}, {"", "8"}, {"u", "internal-1"}, {"", "claude-3"}, {"", "anthropic/claude"}, {"t", "internal-2"}} {
		_, ok := k.table.ResolveFor(c[0], c[1])
		require.False(t, ok, c)
	}
	public := []string{"*:x:*", "alias", "bedrock/*", "bedrock/us.*", "cat/*", "gpt", "openai/*", "openai/gpt-9*", "starred"}
	require.Equal(t, public, k.table.Names())
	require.Equal(t, public, k.table.NamesFor("u"))
	require.Equal(t, []string{"*:x:*", "alias", "anthropic/*", "bedrock/*", "bedrock/us.*", "cat/*", "gpt", "mine", "openai/*", "openai/gpt-9*", "starred"}, k.table.NamesFor("t"))
	for _, name := range k.table.NamesFor("t") {
		_, ok := k.table.ResolveFor("t", name)
		require.True(t, ok, "what is listed can be called: %s", name)
	}
	require.Equal(t, []string{"alpha", "beta"}, k.table.AccessGroups())
	alias, _ := k.table.Resolve("alias")
	require.Equal(t, [2]string{"alias", "gpt"}, [2]string{alias.Asked, alias.Name})
	star, _ := k.table.Resolve("gpt-9-mini")
	require.Equal(t, [3]string{"gpt-9-mini", "gpt-9-mini", "-mini"}, [3]string{star.Asked, star.Name, star.Star})
	gpt, _ := k.table.Resolve("gpt")
	require.Equal(t, []string{"alpha", "beta"}, gpt.Group.AccessGroups())
}

func TestResolve_of_any_name(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil,
		dep("any", "*", func(d *contract.Deployment) { d.Provider, d.Model = "", "*" }), dep("o", "openai/*", func(d *contract.Deployment) { d.Model = "*" }))
	for name, want := range map[string][2]string{
		"openai/gpt-4o": {"openai", "gpt-4o"}, "gpt-4o": {"openai", "gpt-4o"}, "groq/llama": {"groq", "llama"}, "mistral/large": {"mistral", "large"},
	} {
		r := &route.Route{}
		d, err := r.Begin(k.router, k.table, k.ask(name))
		require.NoError(t, err, name)
		require.Equal(t, want, [2]string{d.Provider, d.Model}, name)
	}
	// Nobody knows whose model this is.
	_, _, err := k.begin("mystery")
	require.EqualError(t, err, "litellm.BadRequestError: You passed in model=mystery. There are no healthy deployments for this model. Received Model Group=mystery\nAvailable Model Group Fallbacks=None")

	k = newKit(t, nil, dep("any", "*", func(d *contract.Deployment) { d.Provider, d.Model = "openrouter", "*" }))
	for _, name := range []string{"openrouter/qwen", "qwen"} {
		r := &route.Route{}
		d, err := r.Begin(k.router, k.table, k.ask(name))
		require.NoError(t, err)
		require.Equal(t, "qwen", d.Model)
	}
}

// Names come from clients: neither the models that are kept nor the backends
// that are built grow with them without bound.
func TestPattern_is_bounded(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil, dep("o", "openai/*", func(d *contract.Deployment) { d.Model = "*" }))
	for i := range 2000 {
		k.picks(1, fmt.Sprintf("openai/random-%d", i))
		k.picks(1, "openai/popular")
	}
	before := k.builder.count()
	k.picks(100, "openai/popular")
	require.Equal(t, before, k.builder.count(), "what is asked for often is kept")
	require.Equal(t, 2001, before)
	k.picks(1, "openai/random-1")
	require.Equal(t, before+1, k.builder.count(), "what was asked for once is not")
}

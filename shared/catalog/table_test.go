package catalog_test

import (
	"net"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/catalog"
)

func TestTable_rows_are_well_formed(t *testing.T) {
	t.Parallel()
	var (
		slug     = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
		variable = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
		header   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
		member   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
		path     = regexp.MustCompile(`^(/([a-z0-9_:]+|\{model\}))+/?$`)
		suffix   = regexp.MustCompile(`^(/[a-z0-9-]+)+$`)
	)
	require.GreaterOrEqual(t, len(catalog.Table()), 80)
	for _, v := range catalog.Table() {
		require.Regexp(t, slug, v.Slug)
		for _, alias := range v.Aliases {
			require.Regexp(t, slug, alias, v.Slug)
		}
		for _, name := range append(append([]string(nil), v.KeyEnv...), v.BaseEnv...) {
			require.Regexp(t, variable, name, v.Slug)
		}
		for _, h := range v.Headers {
			require.Regexp(t, header, h.Name, v.Slug)
			require.NotEmpty(t, h.Value+h.Env, "%s: %s is never sent", v.Slug, h.Name)
			if h.Env != "" {
				require.Regexp(t, variable, h.Env, v.Slug)
			}
		}
		for _, a := range v.Auth {
			require.Regexp(t, header, a.Header, v.Slug)
		}
		require.NotEqual(t, catalog.Paths{}, v.Paths, "%s offers nothing", v.Slug)
		for _, p := range operations(&v.Paths) {
			require.Regexp(t, path, p, v.Slug)
		}
		if v.BaseSuffix != "" {
			require.Regexp(t, suffix, v.BaseSuffix, v.Slug)
		}
		edits := []catalog.Edits{v.Edits}
		for _, r := range v.Rules {
			require.NotNil(t, r.Match, v.Slug)
			edits = append(edits, r.Edits)
		}
		for _, e := range edits {
			for _, r := range e.Renames {
				require.Regexp(t, member, r.From, v.Slug)
				require.Regexp(t, member, r.To, v.Slug)
				require.NotEqual(t, r.From, r.To, v.Slug)
			}
			for _, name := range append(append([]string(nil), e.Drops...), e.Unsupported...) {
				require.Regexp(t, member, name, v.Slug)
			}
		}
		requireBase(t, v)
	}
}

func requireBase(t *testing.T, v catalog.Vendor) {
	t.Helper()
	if v.BaseURL == "" {
		return
	}
	base, err := v.Base("", "model", func(string) string { return "x1" })
	if len(v.BaseEnv) > 0 { // the base of the row alone
		row := v
		row.BaseEnv = nil
		base, err = row.Base("", "model", func(string) string { return "x1" })
	}
	require.NoError(t, err, v.Slug)
	u, err := url.Parse(base)
	require.NoError(t, err, v.Slug)
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if local {
		require.Equal(t, "http", u.Scheme, v.Slug)
		require.True(t, v.KeyOptional, "%s runs here and still wants a key", v.Slug)
	} else {
		require.Equal(t, "https", u.Scheme, v.Slug)
		require.NotEmpty(t, v.KeyEnv, "%s: no variable for the key", v.Slug)
	}
	require.False(t, strings.HasSuffix(v.BaseURL, "/"), v.Slug)
	require.Empty(t, u.RawQuery+u.Fragment, v.Slug)

	for _, p := range operations(&v.Paths) {
		if strings.Contains(p, "{model}") {
			continue
		}
		got, err := v.URL(base, p)
		require.NoError(t, err, v.Slug)
		require.Equal(t, base+p, got, "the default base is complete")
	}
}

// operations are the paths that are offered.
func operations(p *catalog.Paths) []string {
	var all []string
	for _, field := range reflect.ValueOf(p).Elem().Fields() {
		if s := field.String(); s != "" {
			all = append(all, s)
		}
	}
	return all
}

func TestTable_names_lead_to_one_row(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, n := range catalog.Natives() {
		seen[n] = "a native provider"
	}
	for _, v := range catalog.Table() {
		for _, name := range append([]string{v.Slug}, v.Aliases...) {
			require.Empty(t, seen[name], "%s names %s and %s", name, seen[name], v.Slug)
			seen[name] = v.Slug
			got, ok := catalog.Lookup(name)
			require.True(t, ok, name)
			require.Equal(t, v.Slug, got.Slug, name)
		}
	}
	_, ok := catalog.Lookup("nobody")
	require.False(t, ok)
	_, ok = catalog.Lookup("")
	require.False(t, ok)
}

// TestTable_holds_what_the_specification_names: each provider that the
// specification wants is a row, or has a wire of its own.
func TestTable_holds_what_the_specification_names(t *testing.T) {
	t.Parallel()
	const row, ownWire = true, false
	for name, isRow := range map[string]bool{
		"ollama": ownWire, "vllm": row, "lm_studio": row, "llamafile": row, "xinference": row, "triton": ownWire, "oobabooga": row,
		"lemonade": row, "docker_model_runner": row, "heroku": row,
		"datarobot": row, "novita": row, "hyperbolic": row, "featherless_ai": row,
		"aiml": row, "empower": row, "gradient_ai": row, "petals": ownWire, "bytez": ownWire, "zai": row, "parallel_ai": row,
		"galadriel": row, "morph": row, "cometapi": row, "compactifai": row, "maritalk": row, "nlp_cloud": ownWire,
		"predibase": ownWire, "clarifai": row,
		"runwayml": ownWire, "topaz": ownWire, "linkup": ownWire, "firecrawl": ownWire,
	} {
		v, ok := catalog.Lookup(name)
		require.Equal(t, isRow, ok, name)
		if ok {
			require.NotEmpty(t, v.Paths.Chat, name)
			slug, model, err := catalog.Split(name+"/some/model", "")
			require.NoError(t, err, name)
			require.Equal(t, v.Slug, slug, name)
			require.Equal(t, "some/model", model, name)
		}
	}
}

// TestTable_holds_the_openai_compatible_list holds the table against the list
// of vendors that LiteLLM reaches over this wire.
func TestTable_holds_the_openai_compatible_list(t *testing.T) {
	t.Parallel()
	for name := range strings.FieldsSeq(`
		openai custom custom_openai openai_like text-completion-openai litellm_proxy aiohttp_openai
		ai21_chat ai21 aiml amazon_nova anyscale baseten bedrock_mantle cerebras clarifai codestral cometapi compactifai dashscope
		datarobot deepinfra deepseek docker_model_runner empower featherless_ai fireworks_ai friendliai galadriel github gradient_ai
		groq heroku hosted_vllm hyperbolic inception jina_ai lambda_ai lemonade llamafile lm_studio maritalk meta_llama minimax
		mistral modelscope moonshot morph nebius novita nscale nvidia_nim oobabooga openrouter ovhcloud
		parallel_ai perplexity sambanova together_ai v0 vercel_ai_gateway vllm volcengine voyage wandb xai xinference zai
		publicai helicone veniceai xiaomi_mimo scaleway synthetic apertis nano-gpt poe chutes abliteration llamagate gmi sarvam
		assemblyai charity_engine aihubmix salad_cloud crusoe
		cloudflare databricks huggingface infinity manus ragflow snowflake text-completion-codestral text-completion-inception`) {
		_, ok := catalog.Lookup(name)
		require.True(t, ok, name)
	}
}

package price_test

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/price"
)

func TestTable_is_understood_to_its_last_line(t *testing.T) {
	t.Parallel()
	sections, err := price.ReadTable()
	require.NoError(t, err)
	require.Greater(t, len(sections), 40)
	models, later := 0, 0
	for name, list := range sections {
		require.NotEmpty(t, list, name)
		for _, m := range list {
			models++
			require.Equal(t, strings.ToLower(m.Name), m.Name)
			require.False(t, m.Rate.Empty(), "%s %s", name, m.Name)
			if m.Rate.Changes() {
				later++
			}
		}
	}
	require.Greater(t, models, 1600)
	require.Greater(t, later, 20)
	licence, err := os.ReadFile("table/LICENSE")
	require.NoError(t, err)
	require.Contains(t, string(licence), "MIT License")
}

// The package that the table is made from answered the same questions.
func TestTable_prices_as_its_source_does(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/answers.tsv")
	require.NoError(t, err)
	defer f.Close()
	book := price.New()
	asked := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		c := strings.Split(s.Text(), "\t")
		require.Len(t, c, 8, s.Text())
		m := book.Lookup(price.Query{Provider: c[0], Model: c[1]})
		require.NotNil(t, m, s.Text())
		require.Equal(t, strings.ToLower(c[2]), m.Name, s.Text())
		at, err := time.Parse(time.RFC3339, c[3])
		require.NoError(t, err)
		cost := m.Rate.Cost(&price.Usage{
			Requests: 1, InputTokens: whole(t, c[4]), OutputTokens: whole(t, c[5]), CacheReadTokens: whole(t, c[6]), At: at,
		})
		require.InDelta(t, float64(usd(t, c[7])), float64(cost), 3, s.Text()) // each of three parts is rounded to a nano-dollar
		asked++
	}
	require.Greater(t, asked, 500)
}

func whole(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	require.NoError(t, err)
	return n
}

func TestLookup_finds_what_deployments_name(t *testing.T) {
	t.Parallel()
	book := price.New()
	for _, c := range []struct {
		query price.Query
		want  string // provider and name, or "" for none
	}{
		{price.Query{Provider: "openai", Model: "gpt-4o"}, "openai gpt-4o"},
		{price.Query{Provider: "openai", Model: "GPT-4o"}, "openai gpt-4o"},
		{price.Query{Provider: "openai", Model: "gpt-5.6-luna-2026-08-01"}, "openai gpt-5.6-luna"},
		{price.Query{Provider: "openai", Model: "gpt-5.6-luna-20260801"}, "openai gpt-5.6-luna"},
		{price.Query{Provider: "openai", Model: "ft:gpt-4o-mini-2024-07-18:org::id"}, "openai ft:gpt-4o-mini"},
		{price.Query{Provider: "text-completion-openai", Model: "davinci"}, "openai davinci"},
		{price.Query{Provider: "anthropic", Model: "claude-sonnet-4-5-20250929"}, "anthropic claude-sonnet-4-5"},
		{price.Query{Provider: "azure", Model: "my-deployment", BaseModel: "azure/gpt-4o"}, "openai gpt-4o"},
		{price.Query{Provider: "azure", Model: "eu/o1"}, "azure o1"},
		{price.Query{Provider: "azure", Model: "our-model", BaseModel: "unheard-of", Reported: "gpt-4o"}, "openai gpt-4o"},
		{price.Query{Provider: "azure_ai", Model: "claude-opus-4-5"}, "anthropic claude-opus-4-5"},
		{price.Query{Provider: "bedrock", Model: "amazon.nova-lite-v1:0"}, "aws amazon.nova-lite-v1:0"},
		{price.Query{Provider: "bedrock", Model: "us.amazon.nova-lite-v1:0"}, "aws amazon.nova-lite-v1:0"},
		{price.Query{Provider: "bedrock", Model: "converse/eu-west-1/eu.amazon.nova-lite-v1:0"}, "aws amazon.nova-lite-v1:0"},
		{price.Query{Provider: "bedrock", Model: "global.anthropic.claude-opus-4-5-20251101-v1:0"}, "aws global.anthropic.claude-opus-4-5-v1:0"},
		{price.Query{Provider: "bedrock", Model: "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0"}, "aws amazon.nova-pro-v1:0"},
		{price.Query{Provider: "gemini", Model: "gemini-2.5-pro"}, "google gemini-2.5-pro"},
		{price.Query{Provider: "gemini", Model: "models/gemini-2.5-pro-preview-tts"}, "google gemini-2.5-pro-tts"},
		{price.Query{Provider: "vertex_ai", Model: "publishers/google/models/gemini-2.5-pro"}, "google gemini-2.5-pro"},
		{price.Query{Provider: "vertex_ai", Model: "claude-3-5-haiku@20241022"}, "google claude-3-5-haiku"},
		{price.Query{Provider: "xai", Model: "grok-3"}, "x-ai grok-3"},
		{price.Query{Provider: "fireworks_ai", Model: "deepseek-v3p2"}, "fireworks deepseek-v3p2"},
		{price.Query{Provider: "fireworks_ai", Model: "accounts/fireworks/models/deepseek-v3p2"}, "fireworks deepseek-v3p2"},
		{price.Query{Provider: "huggingface", Model: "groq/openai/gpt-oss-120b"}, "huggingface_groq openai/gpt-oss-120b"},
		{price.Query{Provider: "together_ai", Model: "Qwen/Qwen1.5-0.5B-Chat"}, "together qwen/qwen1.5-0.5b"},
		{price.Query{Provider: "moonshot", Model: "kimi-k2-0905-preview"}, "moonshotai kimi-k2-0905-preview"},
		{price.Query{Provider: "ollama", Model: "llama3"}, ""},
		{price.Query{Provider: "hosted_vllm", Model: "gpt-4o"}, ""},
		{price.Query{Provider: "openai", Model: "somebody-else"}, ""},
		{price.Query{Model: "claude-opus-4-5"}, "anthropic claude-opus-4-5"},
		{price.Query{BaseModel: "gemini/gemini-2.5-pro"}, "google gemini-2.5-pro"},
		{price.Query{}, ""},
	} {
		m := book.Lookup(c.query)
		if c.want == "" {
			require.Nil(t, m, "%+v", c.query)
			continue
		}
		require.NotNil(t, m, "%+v", c.query)
		require.Equal(t, c.want, m.Provider+" "+m.Name, "%+v", c.query)
		require.Equal(t, price.Table, m.Source)
	}
	require.EqualValues(t, 200_000, book.Lookup(price.Query{Provider: "anthropic", Model: "claude-3-haiku"}).MaxInputTokens)
}

// Every part of the table is reached from a provider, or stands in the list of
// those that no provider of ours is: an upgrade that brings a new one fails
// here.
func TestLookup_reaches_every_part_of_the_table(t *testing.T) {
	t.Parallel()
	sections, err := price.ReadTable()
	require.NoError(t, err)
	book := price.New()
	reached := map[string]bool{}
	reach := func(section, provider, prefix string) {
		reached[section] = true
		require.NotEmpty(t, sections[section], section)
		found := 0
		for _, m := range sections[section] {
			if at := book.Lookup(price.Query{Provider: provider, Model: prefix + m.Name}); at != nil && at.Provider == section {
				found++
			}
		}
		require.Greater(t, 2*found, len(sections[section]), "%s: most names lead to themselves", provider)
	}
	for provider, section := range map[string]string{
		"anthropic": "anthropic", "azure": "azure", "azure_ai": "azure", "azure_text": "azure", "baseten": "baseten", "bedrock": "aws", "bedrock_converse": "aws",
		"cerebras": "cerebras", "cloudflare": "cloudflare", "cohere": "cohere", "codestral": "mistral", "deepseek": "deepseek", "fireworks_ai": "fireworks",
		"gemini": "google", "github_copilot": "github-copilot", "groq": "groq", "hyperbolic": "huggingface_hyperbolic", "minimax": "minimax", "mistral": "mistral",
		"moonshot": "moonshotai", "nebius": "huggingface_nebius", "novita": "novita", "nscale": "huggingface_nscale", "openai": "openai",
		"openrouter": "openrouter", "ovhcloud": "ovhcloud", "perplexity": "perplexity", "sambanova": "huggingface_sambanova",
		"text-completion-openai": "openai", "together_ai": "together", "vertex_ai": "google", "vertex_ai-anthropic_models": "google", "voyage": "voyageai",
		"xai": "x-ai", "zai": "zai",
	} {
		reach(section, provider, "")
	}
	for _, router := range []string{"cerebras", "fireworks-ai", "groq", "hyperbolic", "nebius", "novita", "nscale", "ovhcloud", "publicai", "sambanova", "together"} {
		reach("huggingface_"+router, "huggingface", router+"/")
	}
	for _, nobody := range []string{"arcee", "avian", "cursor", "doubleword", "modal", "quicksilverpro", "typesafe", "zhipuai"} {
		reached[nobody] = true
	}
	for section := range sections {
		require.True(t, reached[section], "no provider leads to %s", section)
	}
}

func TestLookup_prices_change_with_the_day_and_the_hour(t *testing.T) {
	t.Parallel()
	book := price.New()
	o3 := book.Lookup(price.Query{Provider: "openai", Model: "o3"})
	use := price.Usage{InputTokens: 1_000_000}
	use.At = time.Date(2025, 6, 9, 23, 59, 59, 0, time.UTC)
	require.Equal(t, usd(t, "10"), o3.Rate.Cost(&use))
	use.At = use.At.Add(time.Second)
	require.Equal(t, usd(t, "2"), o3.Rate.Cost(&use))

	chat := book.Lookup(price.Query{Provider: "deepseek", Model: "deepseek-v4-flash"})
	for hour, want := range map[int]string{0: "0.22", 1: "0.44", 4: "0.22", 6: "0.44", 10: "0.22"} {
		use.At = time.Date(2026, 11, 22, hour, 0, 0, 0, time.UTC)
		require.Equal(t, usd(t, want), chat.Rate.Cost(&use), hour)
	}
	use.At = time.Date(2026, 11, 22, 2, 0, 0, 0, time.FixedZone("", -5*60*60))
	require.Equal(t, usd(t, "0.44"), chat.Rate.Cost(&use), "7:00 UTC")
	use.At = time.Time{}
	require.NotZero(t, chat.Rate.Cost(&use), "now")
}

func TestLookup_Groq_bills_ten_seconds_of_audio(t *testing.T) {
	t.Parallel()
	m := price.New().Lookup(price.Query{Provider: "groq", Model: "whisper-large-v3"})
	require.NotNil(t, m)
	ten := m.Rate.Cost(&price.Usage{InputAudio: 10 * time.Second})
	require.Positive(t, ten)
	require.Equal(t, ten, m.Rate.Cost(&price.Usage{InputAudio: time.Second}))
	require.InDelta(t, 2*float64(ten), float64(m.Rate.Cost(&price.Usage{InputAudio: 20 * time.Second})), 1)
	require.Zero(t, m.Rate.Cost(&price.Usage{}))
}

//nolint:paralleltest // it counts allocations
func TestLookup_and_cost_allocate_nothing(t *testing.T) {
	book := price.New()
	query := price.Query{Provider: "bedrock", Model: "us.anthropic.claude-sonnet-4-20250514-v1:0"}
	m := book.Lookup(query)
	require.NotNil(t, m)
	use := price.Usage{InputTokens: 1000, CacheReadTokens: 10, OutputTokens: 100, ReasoningTokens: 5, OutputImages: 1, PremiumImages: true, ImageWidth: 2000, ImageHeight: 2000}
	require.Zero(t, testing.AllocsPerRun(100, func() { book.Lookup(query) }))
	require.Zero(t, testing.AllocsPerRun(100, func() { m.Rate.Cost(&use) }))
}

func BenchmarkLookup(b *testing.B) {
	book := price.New()
	for name, query := range map[string]price.Query{
		"openai": {Provider: "openai", Model: "gpt-5.6-luna-2026-08-01"}, "openrouter": {Provider: "openrouter", Model: "anthropic/claude-sonnet-4.5"},
		"bedrock": {Provider: "bedrock", Model: "us.anthropic.claude-sonnet-4-20250514-v1:0"}, "vertex": {Provider: "vertex_ai", Model: "gemini-3.8-flash"},
		"miss": {Provider: "openai", Model: "nobody-knows"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				book.Lookup(query)
			}
		})
	}
}

func BenchmarkCost(b *testing.B) {
	m := price.New().Lookup(price.Query{Provider: "anthropic", Model: "claude-sonnet-4-5"})
	use := price.Usage{InputTokens: 1000, CacheReadTokens: 100, OutputTokens: 200}
	b.ReportAllocs()
	for b.Loop() {
		m.Rate.Cost(&use)
	}
}

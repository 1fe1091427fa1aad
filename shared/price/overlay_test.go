package price_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/price"
)

func overlaid(t *testing.T, files ...string) *price.Book {
	t.Helper()
	book := price.New()
	for _, f := range files {
		next, report, err := book.Overlay([]byte(f))
		require.NoError(t, err)
		require.Empty(t, report.Problems)
		book = next
	}
	return book
}

func TestOverlay_comes_before_the_table(t *testing.T) {
	t.Parallel()
	const file = `{
		"sample_spec": {"input_cost_per_token": "a price"},
		"gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 7e-6},
		"azure/gpt-4o": {"litellm_provider": "azure", "input_cost_per_token": 8e-6},
		"azure/eu/gpt-4o": {"litellm_provider": "azure", "input_cost_per_token": 9e-6},
		"gemini-2.5-pro": {"litellm_provider": "vertex_ai-language-models", "input_cost_per_token": 1e-6},
		"gemini/gemini-2.5-pro": {"litellm_provider": "gemini", "input_cost_per_token": 2e-6},
		"anthropic.claude-v9": {"litellm_provider": "bedrock_converse", "input_cost_per_token": 3e-6},
		"us.anthropic.claude-v9": {"litellm_provider": "bedrock_converse", "input_cost_per_token": 4e-6},
		"bedrock/us-west-2/anthropic.claude-v9": {"litellm_provider": "bedrock", "input_cost_per_token": 5e-6},
		"command-x": {"litellm_provider": "cohere_chat", "input_cost_per_token": 6e-6},
		"hd/1024-x-1792/dall-e-3": {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_image": 0.12},
		"claude-haiku-4-5": {"litellm_provider": "anthropic", "max_output_tokens": 5, "supports_vision": false, "supports_reasoning": true},
		"house-model": {"litellm_provider": "hosted_vllm", "input_cost_per_token": 0, "output_cost_per_token": 0}
	}`
	book := overlaid(t, file)
	for _, c := range []struct {
		query price.Query
		want  string // of a million tokens
	}{
		{price.Query{Provider: "openai", Model: "gpt-4o"}, "7"},
		{price.Query{Provider: "azure", Model: "gpt-4o"}, "8"},
		{price.Query{Provider: "azure", Model: "eu/gpt-4o"}, "9"},
		{price.Query{Provider: "azure", Model: "us/gpt-4o"}, "8"},
		{price.Query{Provider: "azure", Model: "x", BaseModel: "azure/eu/gpt-4o"}, "9"},
		{price.Query{Provider: "openrouter", Model: "x", BaseModel: "gpt-4o"}, "7"},
		{price.Query{Provider: "vertex_ai", Model: "gemini-2.5-pro"}, "1"},
		{price.Query{Provider: "gemini", Model: "gemini-2.5-pro"}, "2"},
		{price.Query{Provider: "bedrock", Model: "us.anthropic.claude-v9"}, "4"},
		{price.Query{Provider: "bedrock", Model: "eu.anthropic.claude-v9"}, "3"},
		{price.Query{Provider: "bedrock", Model: "us-west-2/anthropic.claude-v9"}, "5"},
		{price.Query{Provider: "bedrock", Model: "us-east-1/anthropic.claude-v9"}, "3"},
		{price.Query{Provider: "cohere", Model: "command-x"}, "6"},
	} {
		m := book.Lookup(c.query)
		require.NotNil(t, m, "%+v", c.query)
		require.Equal(t, price.Overlay, m.Source)
		require.Equal(t, usd(t, c.want), m.Rate.Cost(&price.Usage{InputTokens: 1_000_000}), "%+v", c.query)
	}
	require.Equal(t, usd(t, "0.12"), book.Lookup(price.Query{Provider: "openai", Model: "hd/1024-x-1792/dall-e-3"}).Rate.Cost(&price.Usage{OutputImages: 1}))
	require.True(t, book.Lookup(price.Query{Provider: "hosted_vllm", Model: "house-model"}).Rate.Free())
	require.Nil(t, book.Lookup(price.Query{Provider: "hosted_vllm", Model: "gpt-4o"}), "another vendor's price is none")
	require.Nil(t, book.Lookup(price.Query{Provider: "openai", Model: "sample_spec"}))

	described := book.Lookup(price.Query{Provider: "anthropic", Model: "claude-haiku-4-5"})
	require.Equal(t, usd(t, "1"), described.Rate.Cost(&price.Usage{InputTokens: 1_000_000}), "no price in the file: the table's")
	require.EqualValues(t, 5, described.MaxOutputTokens)
	require.EqualValues(t, 200_000, described.MaxInputTokens)
	able, known := described.Supports(price.Vision)
	require.True(t, known && !able)
	able, known = described.Supports(price.ReasoningAbility)
	require.True(t, known && able)
	_, known = described.Supports(price.PDFIn)
	require.False(t, known)
}

func TestOverlay_later_files_win(t *testing.T) {
	t.Parallel()
	book := overlaid(t,
		`{"gpt-4o":{"litellm_provider":"openai","input_cost_per_token":1e-6},"gpt-x":{"litellm_provider":"openai","input_cost_per_token":1e-6}}`,
		`{"openai/gpt-4o":{"litellm_provider":"openai","input_cost_per_token":3e-6},"gpt-x":{"litellm_provider":"openai","mode":"chat"}}`)
	use := &price.Usage{InputTokens: 1_000_000}
	require.Equal(t, usd(t, "3"), book.Lookup(price.Query{Provider: "openai", Model: "gpt-4o"}).Rate.Cost(use))
	require.Equal(t, usd(t, "1"), book.Lookup(price.Query{Provider: "openai", Model: "gpt-x"}).Rate.Cost(use), "a price stays where the next file has none")
	require.Equal(t, usd(t, "2.5"), price.New().Lookup(price.Query{Provider: "openai", Model: "gpt-4o"}).Rate.Cost(use), "books do not change")
}

func TestOverlay_leaves_out_what_it_does_not_understand(t *testing.T) {
	t.Parallel()
	_, report, err := price.New().Overlay([]byte(`{"a":{"litellm_provider":"openai","input_cost_per_token":-1,"output_cost_per_token":1e-6,"output_cost_per_smile":1},
		"b":7,"":{},"` + strings.Repeat("k", 600) + `":{},"c":{"litellm_provider":"openai","input_dbu_cost_per_token":1,"source":"x"}}`))
	require.NoError(t, err)
	require.Equal(t, 2, report.Models)
	require.Equal(t, 1, report.Priced)
	require.Equal(t, 4, report.Left)
	require.Len(t, report.Problems, 4)
	require.Contains(t, report.Problems[0].Error(), "a: input_cost_per_token")
	require.Equal(t, []string{"output_cost_per_smile"}, report.Unknown)

	for _, file := range []string{"", "[]", "null", `{"a":{}`, `{"a":{"b":01}}`, `{"a":{}} trailing`} {
		_, _, err := price.New().Overlay([]byte(file))
		require.ErrorIs(t, err, price.ErrOverlay, file)
	}
	var many bytes.Buffer
	for i := range 50_001 {
		fmt.Fprintf(&many, `%c"m%d":{}`, "{,"[min(i, 1)], i)
	}
	_, _, err = price.New().Overlay(append(many.Bytes(), '}'))
	require.ErrorIs(t, err, price.ErrOverlay)
	_, _, err = price.New().Overlay(make([]byte, price.MaxOverlay+1))
	require.ErrorIs(t, err, price.ErrOverlay)
}

// priceCheck names a price file in LiteLLM's format that the table is compared
// with. Without one a small file of our own stands in.
const priceCheck = "TIANJI_PRICE_CHECK"

const sample = `{
	"gpt-4o": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06},
	"azure/gpt-4o": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 3e-06, "output_cost_per_token": 1e-05},
	"claude-sonnet-4-5": {"litellm_provider": "anthropic", "mode": "chat", "input_cost_per_token": 3e-06, "input_cost_per_token_above_200k_tokens": 6e-06,
		"output_cost_per_token": 1.5e-05, "output_cost_per_token_above_200k_tokens": 2.25e-05},
	"dashscope/nobody": {"litellm_provider": "dashscope", "mode": "chat", "input_cost_per_token": 1e-06}
}`

// TestPrice_check lays a whole file over the table, holds that every price
// rule in it is understood, and prints where the two sources differ.
func TestPrice_check(t *testing.T) {
	t.Parallel()
	file := []byte(sample)
	if name := os.Getenv(priceCheck); name != "" {
		var err error
		file, err = os.ReadFile(name)
		require.NoError(t, err)
	}
	table := price.New()
	book, report, err := table.Overlay(file)
	require.NoError(t, err)
	require.Empty(t, report.Problems)
	require.Empty(t, report.Unknown, "fields that look like prices")
	var keys map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(file, &keys))
	delete(keys, "sample_spec")
	require.Equal(t, len(keys), report.Models)

	var rows []difference
	both := 0
	for key := range keys {
		theirs := book.Lookup(price.Query{BaseModel: key})
		require.NotNil(t, theirs, key)
		require.Equal(t, key, theirs.Name, "a whole key leads to itself")
		ours := table.Lookup(price.Query{Provider: theirs.Provider, Model: strings.TrimPrefix(key, theirs.Provider+"/")})
		if ours == nil || theirs.Rate.Empty() {
			continue
		}
		both++
		rows = append(rows, differences(key, ours, theirs)...)
	}
	slices.SortFunc(rows, func(a, b difference) int { return cmp.Or(cmp.Compare(a.model, b.model), cmp.Compare(a.field, b.field)) })
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "model\tfield\tours\ttheirs")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.model, r.field, r.ours, r.theirs)
	}
	require.NoError(t, w.Flush())
	t.Logf("%d models in the file, %d priced, %d in both sources, %d prices differ\n%s", report.Models, report.Priced, both, len(rows), out.String())
	if os.Getenv(priceCheck) == "" {
		require.Equal(t, 3, both)
		require.Equal(t, []difference{{"azure/gpt-4o", "input", "2.5", "3"}}, rows)
	}
}

type difference struct{ model, field, ours, theirs string }

// differences compares the prices that both sources have, in USD for a
// million.
func differences(key string, ours, theirs *price.Model) []difference {
	var rows []difference
	for _, size := range []int64{0, 300_000} {
		for _, unit := range []price.Unit{
			price.Input, price.Output, price.CacheRead, price.CacheWrite, price.CacheWrite1h, price.AudioInput, price.AudioOutput, price.ImageInput,
			price.ImageOutput, price.Page, price.WebSearch,
		} {
			a, inOurs := ours.Rate.Price(unit, price.Standard, size)
			b, inTheirs := theirs.Rate.Price(unit, price.Standard, size)
			if !inOurs || !inTheirs || a == b {
				continue
			}
			field := unit.String()
			if size > 0 {
				if c, _ := ours.Rate.Price(unit, price.Standard, 0); c == a {
					if d, _ := theirs.Rate.Price(unit, price.Standard, 0); d == b {
						continue // said already
					}
				}
				field += ">300k"
			}
			rows = append(rows, difference{key, field, a.String(), b.String()})
		}
	}
	return rows
}

func FuzzOverlay(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"a":{"litellm_provider":"x","tiered_pricing":[{"range":[0,1e3],"input_cost_per_token":1e-6}],"search_context_cost_per_query":{"search_context_size_low":1}}}`))
	f.Add([]byte(`{"a":{"off_peak_pricing":{"hours_utc":["01:00-02:00"],"input_cost_per_token":1},"input_cost_per_token":"2e-6","provider_specific_entry":{"fast":2}}}`))
	f.Add([]byte(`{"bedrock/us-east-1/x":{"litellm_provider":"bedrock","mode":"image_generation","input_cost_per_pixel":1e-8,"output_cost_per_token_above_9k_tokens_flex":1}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		book, _, err := price.New().Overlay(file)
		if err != nil {
			return
		}
		var keys map[string]json.RawMessage
		if json.Unmarshal(file, &keys) != nil {
			return
		}
		for key := range keys {
			m := book.Lookup(price.Query{BaseModel: key})
			if m == nil || m.Rate == nil {
				continue
			}
			cost := m.Rate.Cost(&price.Usage{Tier: price.Flex, InputTokens: 1 << 40, OutputTokens: 5, OutputImages: 3, ImageWidth: 1 << 40, ImageHeight: 7, WebSearches: 1, Fast: true})
			require.GreaterOrEqual(t, int64(cost), int64(0))
			encoded, err := json.Marshal(m.Rate)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(encoded, &price.Rate{}))
		}
	})
}

func FuzzRate(f *testing.F) {
	f.Add([]byte(`{"prices":{"input":5,"output>200000/priority":7},"then":[{"from":1,"prices":{"input":1}},{"start":60,"end":30,"prices":{}}]}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		var r price.Rate
		if json.Unmarshal(record, &r) != nil {
			return
		}
		require.GreaterOrEqual(t, int64(r.Cost(&price.Usage{InputTokens: 300_000, OutputTokens: 10, Tier: price.Priority})), int64(0))
	})
}

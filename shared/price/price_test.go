package price_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/price"
)

// rate makes one from LiteLLM's fields, which every field must be.
func rate(t *testing.T, fields string) *price.Rate {
	t.Helper()
	r, _, problems := price.ParseLiteLLM([]byte(fields))
	require.Empty(t, problems)
	return r
}

func usd(t *testing.T, decimal string) money.Nano {
	t.Helper()
	n, err := money.ParseUSD(decimal)
	require.NoError(t, err)
	return n
}

func TestCost(t *testing.T) {
	t.Parallel()
	const chat = `{"input_cost_per_token":1e-6,"output_cost_per_token":2e-6,"cache_read_input_token_cost":1e-7,"cache_creation_input_token_cost":1.25e-6,
		"cache_creation_input_token_cost_above_1hr":2e-6,"output_cost_per_reasoning_token":3e-6,"input_cost_per_audio_token":1e-5,
		"output_cost_per_audio_token":2e-5,"cache_read_input_audio_token_cost":1e-6,"output_cost_per_image_token":4e-5}`
	const steps = `{"input_cost_per_token":1e-6,"input_cost_per_token_above_128k_tokens":2e-6,"input_cost_per_token_above_200k_tokens":4e-6,
		"output_cost_per_token":2e-6,"output_cost_per_token_above_200k_tokens":6e-6,"cache_read_input_token_cost":1e-7,
		"cache_read_input_token_cost_above_200k_tokens":4e-7,"input_cost_per_token_priority":3e-6,"input_cost_per_token_above_200k_tokens_priority":9e-6,
		"input_cost_per_token_flex":5e-7,"output_cost_per_token_batches":1.5e-6,"search_context_cost_per_query":{"search_context_size_medium":0.01}}`
	for name, c := range map[string]struct {
		fields string
		usage  price.Usage
		want   string
	}{
		"nothing used":           {chat, price.Usage{}, "0"},
		"text":                   {chat, price.Usage{InputTokens: 1000, OutputTokens: 500}, "0.002"},
		"cached":                 {chat, price.Usage{InputTokens: 1000, CacheReadTokens: 400}, "0.00064"},
		"cache writes":           {chat, price.Usage{InputTokens: 1000, CacheWriteTokens: 600, CacheWrite1hTokens: 200}, "0.0013"},
		"reasoning":              {chat, price.Usage{OutputTokens: 1000, ReasoningTokens: 400}, "0.0024"},
		"audio":                  {chat, price.Usage{InputTokens: 1000, AudioInputTokens: 100, OutputTokens: 10, AudioOutputTokens: 10}, "0.0021"},
		"cached audio":           {chat, price.Usage{InputTokens: 1000, CacheReadTokens: 500, AudioInputTokens: 300, AudioCachedTokens: 200}, "0.00163"},
		"images in the answer":   {chat, price.Usage{OutputTokens: 1100, ImageOutputTokens: 1000, OutputImages: 1}, "0.0402"},
		"parts beyond the total": {chat, price.Usage{InputTokens: 100, CacheReadTokens: 400, AudioInputTokens: 9}, "0.00001"},
		"negative counts":        {chat, price.Usage{InputTokens: -5, OutputTokens: -1, CacheReadTokens: -2, InputCharacters: -4, WebSearches: -1}, "0"},

		"at a step":                        {steps, price.Usage{InputTokens: 128_000}, "0.128"},
		"above a step":                     {steps, price.Usage{InputTokens: 128_001}, "0.256002"},
		"above two steps":                  {steps, price.Usage{InputTokens: 300_000, CacheReadTokens: 100_000, OutputTokens: 1000}, "0.846"},
		"priority":                         {steps, price.Usage{Tier: price.Priority, InputTokens: 1000, OutputTokens: 1000}, "0.005"},
		"priority above a step":            {steps, price.Usage{Tier: price.Priority, InputTokens: 200_001}, "1.800009"},
		"a step beats the tier's own":      {steps, price.Usage{Tier: price.Flex, InputTokens: 150_000}, "0.3"},
		"flex":                             {steps, price.Usage{Tier: price.Flex, InputTokens: 1000, OutputTokens: 1000}, "0.0025"},
		"batch, priced or half":            {steps, price.Usage{Tier: price.Batch, InputTokens: 1000, OutputTokens: 1000}, "0.002"},
		"batch above a step":               {steps, price.Usage{Tier: price.Batch, InputTokens: 200_001}, "0.400002"},
		"searches are not halved":          {steps, price.Usage{Tier: price.Batch, WebSearches: 3, SearchSize: price.SearchHigh}, "0.03"},
		"ranges":                           {`{"tiered_pricing":[{"range":[0,32000],"input_cost_per_token":3e-7},{"range":[32000.0,1000000],"input_cost_per_token":5e-7}]}`, price.Usage{InputTokens: 40_000}, "0.02"},
		"in the first range":               {`{"tiered_pricing":[{"range":[0,32000],"input_cost_per_token":3e-7},{"range":[32000,1000000],"input_cost_per_token":5e-7}]}`, price.Usage{InputTokens: 32_000}, "0.0096"},
		"results":                          {`{"tiered_pricing":[{"max_results_range":[0,25],"input_cost_per_query":0.005},{"max_results_range":[26,100],"input_cost_per_query":0.025}]}`, price.Usage{Queries: 2, MaxResults: 26}, "0.05"},
		"few results":                      {`{"tiered_pricing":[{"max_results_range":[0,25],"input_cost_per_query":0.005},{"max_results_range":[26,100],"input_cost_per_query":0.025}]}`, price.Usage{Queries: 1, MaxResults: 25}, "0.005"},
		"search sizes":                     {`{"search_context_cost_per_query":{"search_context_size_low":0.03,"search_context_size_medium":0.035,"search_context_size_high":0.05}}`, price.Usage{WebSearches: 2, SearchSize: price.ParseSearchSize("low")}, "0.06"},
		"medium search":                    {`{"search_context_cost_per_query":{"search_context_size_low":0.03,"search_context_size_medium":0.035}}`, price.Usage{WebSearches: 1}, "0.035"},
		"citations":                        {`{"input_cost_per_token":2e-6,"citation_cost_per_token":1e-6}`, price.Usage{InputTokens: 10, CitationTokens: 100}, "0.00012"},
		"a request and its tokens":         {`{"input_cost_per_request":0.005,"input_cost_per_token":1e-6}`, price.Usage{Requests: 1, InputTokens: 1000}, "0.006"},
		"rerank":                           {`{"input_cost_per_query":0.002,"input_cost_per_token":0}`, price.Usage{Queries: 1, InputTokens: 900}, "0.002"},
		"speech by character":              {`{"mode":"audio_speech","input_cost_per_character":1.5e-5}`, price.Usage{InputCharacters: 100}, "0.0015"},
		"characters or tokens":             {`{"input_cost_per_character":1.5e-5,"input_cost_per_token":1e-6}`, price.Usage{InputCharacters: 100, InputTokens: 25}, "0.000025"},
		"transcription by second":          {`{"input_cost_per_second":0.0001,"output_cost_per_second":0.0001}`, price.Usage{InputAudio: 12500 * time.Millisecond}, "0.00125"},
		"transcription priced as output":   {`{"input_cost_per_second":0,"output_cost_per_second":0.0001}`, price.Usage{InputAudio: 10 * time.Second}, "0.001"},
		"transcription by token":           {`{"input_cost_per_second":0.0001,"input_cost_per_token":1e-6}`, price.Usage{InputAudio: time.Minute, InputTokens: 100}, "0.0001"},
		"audio beside text":                {`{"input_cost_per_token":1e-6,"input_cost_per_audio_per_second":0.00014,"input_cost_per_video_per_second":0.0007,"input_cost_per_image":0.00006}`, price.Usage{InputTokens: 100, InputAudio: time.Second, InputVideo: time.Second, InputImages: 2}, "0.00106"},
		"video clips by length":            {`{"input_cost_per_video_per_second":0.0005,"input_cost_per_video_per_second_above_8s_interval":0.001,"input_cost_per_video_per_second_above_15s_interval":0.002}`, price.Usage{InputVideo: 16 * time.Second}, "0.032"},
		"rented by the second":             {`{"input_cost_per_second":0.0001,"output_cost_per_second":0.0003}`, price.Usage{InputTokens: 10, OutputTokens: 10, Elapsed: 10 * time.Second}, "0.004"},
		"tokens are not rented":            {`{"input_cost_per_second":0.0001,"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}`, price.Usage{InputTokens: 10, OutputTokens: 10, Elapsed: 10 * time.Second}, "0.00002"},
		"generated images":                 {`{"mode":"image_generation","input_cost_per_image":0.04}`, price.Usage{OutputImages: 2}, "0.08"},
		"images by token":                  {`{"input_cost_per_token":5e-6,"output_cost_per_image_token":4e-5,"output_cost_per_image":0.039}`, price.Usage{InputTokens: 100, OutputTokens: 1000, OutputImages: 1}, "0.0405"},
		"images by pixel":                  {`{"mode":"image_generation","input_cost_per_pixel":1.9e-8,"output_cost_per_pixel":0}`, price.Usage{OutputImages: 1, ImageWidth: 1024, ImageHeight: 1024}, "0.019922944"},
		"premium images":                   {`{"mode":"image_generation","output_cost_per_image":0.008,"output_cost_per_image_premium_image":0.01,"output_cost_per_image_above_512_and_512_pixels":0.01,"output_cost_per_image_above_512_and_512_pixels_and_premium_image":0.012}`, price.Usage{OutputImages: 1, ImageWidth: 1024, ImageHeight: 1024, PremiumImages: true}, "0.012"},
		"images by size":                   {`{"output_cost_per_image":0.04,"output_cost_per_image_1024":0.03}`, price.Usage{OutputImages: 1, ImageWidth: 1024, ImageHeight: 768}, "0.03"},
		"videos":                           {`{"output_cost_per_video_per_second":0.1}`, price.Usage{OutputVideo: 8 * time.Second, VideoHeight: 720}, "0.8"},
		"videos by resolution":             {`{"output_cost_per_second":0.1,"output_cost_per_second_1080p":0.2}`, price.Usage{OutputVideo: 8 * time.Second, VideoHeight: 1080}, "1.6"},
		"pages":                            {`{"ocr_cost_per_page":0.001,"annotation_cost_per_page":0.003}`, price.Usage{Pages: 10, AnnotatedPages: 4}, "0.018"},
		"pages in a batch":                 {`{"ocr_cost_per_page":0.001}`, price.Usage{Tier: price.Batch, Pages: 10}, "0.005"},
		"tools":                            {`{"code_interpreter_cost_per_session":0.03,"file_search_cost_per_1k_calls":2.5,"computer_use_input_cost_per_1k_tokens":0.003,"google_maps_grounding_cost_per_query":0.025}`, price.Usage{CodeSessions: 1, FileSearches: 2, ComputerInputTokens: 1000, MapsSearches: 1}, "0.063"},
		"kept in the EU":                   {`{"input_cost_per_token":1e-6,"regional_processing_uplift_multiplier_eu":1.1,"search_context_cost_per_query":{"search_context_size_medium":0.01}}`, price.Usage{InputTokens: 1000, WebSearches: 1, Residency: "eu"}, "0.0111"},
		"not kept in the EU":               {`{"input_cost_per_token":1e-6,"regional_processing_uplift_multiplier_eu":1.1}`, price.Usage{InputTokens: 1000, Residency: "us"}, "0.001"},
		"fast":                             {`{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6,"provider_specific_entry":{"fast":6.0,"us":1.1}}`, price.Usage{InputTokens: 500, OutputTokens: 500, Fast: true}, "0.006"},
		"a text that YAML or Python wrote": {`{"input_cost_per_token":"3e-7","output_cost_per_token":null}`, price.Usage{InputTokens: 10, OutputTokens: 10}, "0.000003"},
		"off peak":                         {`{"input_cost_per_token":2e-6,"output_cost_per_token":4e-6,"off_peak_pricing":{"hours_utc":"16:30-00:30","output_cost_per_token":1e-6}}`, price.Usage{InputTokens: 1000, OutputTokens: 1000, At: time.Date(2026, 1, 2, 0, 29, 59, 0, time.UTC)}, "0.003"},
		"peak":                             {`{"input_cost_per_token":2e-6,"output_cost_per_token":4e-6,"off_peak_pricing":{"hours_utc":"16:30-00:30","output_cost_per_token":1e-6}}`, price.Usage{InputTokens: 1000, OutputTokens: 1000, At: time.Date(2026, 1, 2, 0, 30, 0, 0, time.UTC)}, "0.006"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, usd(t, c.want), rate(t, c.fields).Cost(&c.usage))
		})
	}
}

func TestBreakdown(t *testing.T) {
	t.Parallel()
	r := rate(t, `{"input_cost_per_token":1e-6,"output_cost_per_token":2e-6,"cache_read_input_token_cost":1e-7,"cache_creation_input_token_cost":1.25e-6,
		"output_cost_per_reasoning_token":3e-6,"search_context_cost_per_query":{"search_context_size_medium":0.01}}`)
	b := r.Breakdown(&price.Usage{InputTokens: 1000, CacheReadTokens: 300, CacheWriteTokens: 200, OutputTokens: 100, ReasoningTokens: 40, WebSearches: 1})
	require.Equal(t, price.Breakdown{
		Input: usd(t, "0.0005"), CacheRead: usd(t, "0.00003"), CacheWrite: usd(t, "0.00025"), Output: usd(t, "0.00012"),
		Reasoning: usd(t, "0.00012"), Tool: usd(t, "0.01"),
	}, b)
	require.Equal(t, usd(t, "0.01102"), b.Total())
}

func TestRate_without_prices_costs_nothing(t *testing.T) {
	t.Parallel()
	var none *price.Rate
	require.Zero(t, none.Cost(&price.Usage{InputTokens: 5}))
	require.True(t, none.Empty())
	require.False(t, none.Free())
	none, _, problems := price.ParseLiteLLM([]byte(`{"mode":"chat"}`))
	require.Nil(t, none)
	require.Empty(t, problems)
	require.True(t, rate(t, `{"input_cost_per_token":0,"output_cost_per_token":0}`).Free())
	require.False(t, rate(t, `{"input_cost_per_token":0}`).Free(), "only what is explicitly free is")
}

func TestCost_does_not_overflow(t *testing.T) {
	t.Parallel()
	r := rate(t, `{"input_cost_per_token":9000,"output_cost_per_token":9000,"input_cost_per_request":9000}`)
	require.Equal(t, money.Nano(math.MaxInt64), r.Cost(&price.Usage{InputTokens: math.MaxInt64, OutputTokens: math.MaxInt64, Requests: 1}))
}

func TestParseLiteLLM_reports_what_it_leaves_out(t *testing.T) {
	t.Parallel()
	for _, fields := range []string{
		`{"input_cost_per_token":-1}`, `{"input_cost_per_token":"free"}`, `{"input_cost_per_token":true}`, `{"input_cost_per_token":[1]}`,
		`{"input_cost_per_token":1e30}`, `{"tiered_pricing":{}}`, `{"tiered_pricing":[{"input_cost_per_token":1}]}`, `{"tiered_pricing":[{"range":["x"]}]}`,
		`{"search_context_cost_per_query":{"search_context_size_low":"x"}}`, `{"search_context_cost_per_query":5}`,
		`{"input_cost_per_token":1e-6,"off_peak_pricing":{"hours_utc":"4pm"}}`, `{"input_cost_per_token":1e-6,"off_peak_pricing":7}`, `[]`, `{"a":`,
	} {
		_, _, problems := price.ParseLiteLLM([]byte(fields))
		require.Len(t, problems, 1, fields)
		require.NotEmpty(t, problems[0].Error())
	}
}

func TestIsField(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"input_cost_per_token", "output_cost_per_token_above_272k_tokens_flex", "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
		"input_cost_per_token_priority_above_200k_tokens", "ocr_cost_per_page_batches", "tiered_pricing", "input_cost_per_token_batch_requests",
	} {
		require.True(t, price.IsField(name), name)
	}
	for _, name := range []string{"", "model", "max_tokens", "input_cost_per_token_above_k_tokens", "input_cost_per_token_priority_flex", "input_dbu_cost_per_token", "_tokens"} {
		require.False(t, price.IsField(name), name)
	}
}

func TestRate_survives_its_journey(t *testing.T) {
	t.Parallel()
	names := []string{
		"input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost", "input_cost_per_token_above_200k_tokens",
		"output_cost_per_token_above_200k_tokens_priority", "output_cost_per_token_batches", "input_cost_per_query", "output_cost_per_second_4k",
	}
	rapid.Check(t, func(t *rapid.T) {
		fields := map[string]any{}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, len(names), rapid.ID[string]).Draw(t, "names") {
			fields[name] = json.Number(rapid.StringMatching(`[1-9]e-[4-9]`).Draw(t, name))
		}
		if rapid.Bool().Draw(t, "off peak") {
			fields["off_peak_pricing"] = map[string]any{"hours_utc": []string{"01:00-04:00", "22:15-03:00"}, "input_cost_per_token": 1e-9}
		}
		object, err := json.Marshal(fields)
		require.NoError(t, err)
		before, _, problems := price.ParseLiteLLM(object)
		require.Empty(t, problems)
		encoded, err := json.Marshal(before)
		require.NoError(t, err)
		after := &price.Rate{}
		require.NoError(t, json.Unmarshal(encoded, after))
		require.Equal(t, before, after)
		again, err := json.Marshal(after)
		require.NoError(t, err)
		require.Equal(t, encoded, again, "the same rate is the same bytes")
	})
	var r price.Rate
	require.NoError(t, json.Unmarshal([]byte(`{"prices":{"input":5,"from_the_future":7,"input/later":3}}`), &r))
	p, ok := r.Price(price.Input, price.Standard, 0)
	require.True(t, ok)
	require.Equal(t, money.Nano(5), p)
	require.Error(t, json.Unmarshal([]byte(`{"prices":{"input":-5}}`), &r))
	require.Error(t, json.Unmarshal([]byte(`{"prices":[]}`), &r))
}

func TestParseTier(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]price.Tier{
		"priority": price.Priority, "flex": price.Flex, "batch": price.Batch, "": price.Standard, "default": price.Standard, "auto": price.Standard,
		"ON_DEMAND_PRIORITY": price.Priority, "ON_DEMAND": price.Standard,
	} {
		require.Equal(t, want, price.ParseTier(name), name)
	}
}

func TestNames_are_their_own(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, a := range price.Abilities() {
		require.False(t, seen[a.String()], a.String())
		seen[a.String()] = true
		_, info, problems := price.ParseLiteLLM([]byte(`{"supports_` + a.String() + `":true}`))
		require.Empty(t, problems)
		able, known := info.Supports(a)
		require.True(t, able && known, a.String())
	}
	for u := price.Input; u.String() != "unknown"; u++ {
		require.NotEmpty(t, u.String())
		require.False(t, seen["unit "+u.String()], u.String())
		seen["unit "+u.String()] = true
		var r price.Rate
		require.NoError(t, json.Unmarshal([]byte(`{"prices":{"`+u.String()+`":5}}`), &r))
		_, ok := r.Price(u, price.Standard, 0)
		require.True(t, ok, u.String())
	}
	require.Equal(t, "flex", price.Flex.String())
	require.Equal(t, "unknown", price.Tier(9).String())
}

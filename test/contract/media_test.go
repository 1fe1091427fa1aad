package contract_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakecohere"
	"github.com/tianjillm/tianjillm/test/stack"
)

// media is one call of a surface that is not text, and what is booked of it.
type media struct {
	name  string
	model string // as the vendor knows it
	// params are the deployment's prices.
	params []string
	call   func(t *testing.T, c *stack.Client) stack.Reply
	check  func(t *testing.T, r stack.Reply, sent *fakevendor.Call)
	typ    string
	tokens int64 // in and out
	spend  int64 // in nano-dollars
}

func png() []upload { return []upload{{"image", "a.png", string(fakevendor.PixelBytes())}} }

func post(path, body string) func(*testing.T, *stack.Client) stack.Reply {
	return func(t *testing.T, c *stack.Client) stack.Reply {
		t.Helper()
		return c.Post(t, path, body)
	}
}

func form(path string, files []upload, fields ...string) func(*testing.T, *stack.Client) stack.Reply {
	return func(t *testing.T, c *stack.Client) stack.Reply {
		t.Helper()
		return postForm(t, c, path, files, fields...)
	}
}

// textTokens is what an answer with the vendor's usual usage costs.
const (
	textTokens = fakevendor.PromptTokens + fakevendor.CompletionTokens
	textSpend  = fakevendor.PromptTokens*1000 + fakevendor.CompletionTokens*2000
)

func pictures(n int) func(*testing.T, stack.Reply, *fakevendor.Call) {
	return func(t *testing.T, r stack.Reply, _ *fakevendor.Call) {
		t.Helper()
		data, _ := r.OK(t)["data"].([]any)
		require.Len(t, data, n)
		image, _ := data[0].(map[string]any)
		require.Equal(t, fakevendor.Pixel, image["b64_json"])
	}
}

func says(text string) func(*testing.T, stack.Reply, *fakevendor.Call) {
	return func(t *testing.T, r stack.Reply, _ *fakevendor.Call) {
		t.Helper()
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
		require.Equal(t, text, string(r.Body))
	}
}

func transcribed(t *testing.T, r stack.Reply, _ *fakevendor.Call) {
	t.Helper()
	require.Equal(t, "I hear 10 bytes.", r.OK(t)["text"])
}

func imageCalls() []media {
	perImage := []string{"output_cost_per_image: 0.04"}
	return []media{
		{
			name: "image generation", model: "gpt-image-1", call: post("/v1/images/generations", `{"model":"image-generation","prompt":"A pixel","n":2}`),
			check: pictures(2), typ: "application/json", tokens: textTokens, spend: textSpend,
		},
		{
			name: "image by the piece", model: "dall-e-3", params: perImage, typ: "application/json", spend: 2 * 40_000_000,
			call: post("/images/generations", `{"model":"image-by-the-piece","prompt":"A pixel","n":2,"response_format":"url"}`),
			check: func(t *testing.T, r stack.Reply, _ *fakevendor.Call) {
				t.Helper()
				require.Contains(t, string(r.Body), "https://images.vendor.example/1.png")
			},
		},
		{
			name: "image edit", model: "gpt-image-1-edit", typ: "application/json", tokens: textTokens, spend: textSpend, check: pictures(1),
			call: form("/v1/images/edits", append(png(), upload{"mask", "m.png", "mask"}), "model", "image-edit", "prompt", "Bluer", "num_retries", "2"),
		},
		{
			name: "image variation", model: "dall-e-2", typ: "application/json", tokens: textTokens, spend: textSpend, check: pictures(1),
			call: form("/v1/images/variations", png(), "n", "1", "model", "image-variation"),
		},
		{
			name: "image edit of a deployment", model: "gpt-image-1-azure", typ: "application/json", tokens: textTokens, spend: textSpend, check: pictures(1),
			call: form("/openai/deployments/image-edit-of-a-deployment/images/edits?api-version=2025-04-01-preview", png(), "prompt", "Bluer"),
		},
	}
}

func soundCalls() []media {
	recording := []upload{{"file", "a.mp3", "0123456789"}}
	return []media{
		{
			name: "speech", model: "tts-1", params: []string{"input_cost_per_character: 0.00001"}, typ: "audio/mpeg", spend: 5 * 10_000,
			call: post("/v1/audio/speech", `{"model":"speech","input":"Héllo","voice":"alloy"}`), check: says(fakevendor.Sound),
		},
		{
			name: "transcription", model: "gpt-4o-transcribe", typ: "application/json", tokens: textTokens, spend: textSpend, check: transcribed,
			call: form("/v1/audio/transcriptions", recording, "model", "transcription", "language", "en"),
		},
		{
			name: "transcription as text", model: "whisper-text", typ: "text/plain; charset=utf-8", check: says("I hear 10 bytes.\n"),
			call: form("/audio/transcriptions", recording, "model", "transcription-as-text", "response_format", "text"),
		},
		{
			name: "long transcription", model: "whisper-1", params: []string{"input_cost_per_second: 0.0001"}, typ: "application/json", spend: 150_000, check: transcribed,
			call: form("/v1/audio/transcriptions", recording, "response_format", "verbose_json", "model", "long-transcription"),
		},
		{
			name: "translation", model: "whisper-translates", typ: "application/json", tokens: textTokens, spend: textSpend, check: transcribed,
			call: form("/v1/audio/translations", recording, "model", "translation"),
		},
	}
}

func otherCalls() []media {
	return []media{{
		name: "judge the texts", model: "omni-moderation-latest", typ: "application/json",
		call: post("/v1/moderations", `{"model":"judge-the-texts","input":["peace","violence"]}`),
		check: func(t *testing.T, r stack.Reply, _ *fakevendor.Call) {
			t.Helper()
			o := r.OK(t)
			require.Equal(t, "judge-the-texts", o["model"])
			results, _ := o["results"].([]any)
			require.Len(t, results, 2)
			second, _ := results[1].(map[string]any)
			require.Equal(t, true, second["flagged"])
		},
	}}
}

// TestMedia calls every surface that is not text over HTTP: the vendor gets what
// the client sent under its own name of the model, the client gets what the
// vendor answered, and what was used is booked once.
func TestMedia(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	config := "model_list:\n"
	all := append(append(imageCalls(), soundCalls()...), otherCalls()...)
	for _, m := range all {
		config += v.Deployment(slug(m.name), m.model, m.params...)
	}
	s := stack.Start(t, stack.Options{Config: config})
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			key := s.NewKey(t, map[string]any{"models": []string{slug(m.name)}})
			r := m.call(t, s.Client(key))
			require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
			require.Equal(t, m.typ, r.Header.Get("Content-Type"))
			sent := v.Last(t, m.model)
			require.Empty(t, sent.Refusal)
			require.NotContains(t, string(sent.Body), "num_retries")
			require.NotContains(t, string(sent.Body), slug(m.name))
			m.check(t, r, sent)
			row := s.WaitBooked(t, key, 1)[0]
			require.Equal(t, slug(m.name), row.ModelGroup)
			require.Equal(t, m.model, row.Model)
			require.Equal(t, m.tokens, row.PromptTokens+row.CompletionTokens)
			require.Equal(t, m.spend, row.SpendNano)
			require.False(t, row.UsageEstimated)
		})
	}
}

// TestMedia_refusals: what a form says is held against the same rules as what
// JSON says.
func TestMedia_refusals(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	v.Script("whisper-1", fakevendor.FailLater(http.StatusTooManyRequests, "Slow down.", "3"))
	s := stack.Start(t, stack.Options{Config: "model_list:\n" + v.Deployment("listen", "whisper-1") + v.Deployment("draw", "gpt-image-1") +
		"router_settings: {num_retries: 0}\n"})
	key := s.NewKey(t, map[string]any{"models": []string{"listen"}})
	c := s.Client(key)
	recording := []upload{{"file", "a.mp3", "0123456789"}}

	r := postForm(t, c, "/v1/audio/transcriptions", recording, "model", "draw")
	refusal{http.StatusForbidden, "key_model_access_denied", "draw", "The requested model 'draw' is not available"}.check(t, r)
	r = postForm(t, c, "/v1/audio/transcriptions", recording, "model", "listen", "model", "draw")
	refusal{http.StatusBadRequest, "invalid_request_error", nil, "field 'model' stands twice"}.check(t, r)
	r = c.With("Content-Type", "multipart/form-data; boundary=x").Post(t, "/v1/audio/transcriptions", `{"model":"listen"}`)
	refusal{http.StatusBadRequest, "invalid_request_error", nil, "Invalid multipart form"}.check(t, r)
	r = postForm(t, c, "/v1/audio/transcriptions", recording, "model", "listen")
	refusal{http.StatusTooManyRequests, "throttling_error", nil, "RateLimitError: OpenAIException - Slow down."}.check(t, r)
	require.Equal(t, "3", r.Header.Get("Retry-After"))
	require.Empty(t, v.Calls("gpt-image-1"))
}

// TestRerank: in Cohere's shape on every path, at a vendor of that shape.
func TestRerank(t *testing.T) {
	t.Parallel()
	v := fakecohere.Start(t)
	s := stack.Start(t, stack.Options{Config: "model_list:\n" + v.Deployment("rank", "rerank-v3.5", "input_cost_per_query: 0.002")})
	for _, path := range []string{"/rerank", "/v1/rerank", "/v2/rerank"} {
		key := s.NewKey(t, nil)
		o := s.Client(key).Post(t, path, `{"model":"rank","query":"b","documents":["a","b"],"top_n":1}`).OK(t)
		results, _ := o["results"].([]any)
		require.Len(t, results, 1)
		first, _ := results[0].(map[string]any)
		require.InDelta(t, 1, first["index"], 0)
		require.Positive(t, first["relevance_score"])
		row := s.WaitBooked(t, key, 1)[0]
		require.Equal(t, "arerank", row.CallType)
		require.EqualValues(t, 2_000_000, row.SpendNano)
	}
}

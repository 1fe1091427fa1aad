package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/tianjillm/tianjillm/dataplane/app"
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

var update = flag.Bool("update", false, "write docs/providers.md anew")

const (
	providersDoc = "../../docs/providers.md"
	goldenFiles  = "../internal/provider/*/testdata/golden/*.txtar"
)

// TestProvidersDoc holds docs/providers.md against what the providers offer
// and what their golden files show; -update writes it.
func TestProvidersDoc(t *testing.T) {
	t.Parallel()
	doc := writeDoc(t)
	if *update {
		require.NoError(t, os.WriteFile(providersDoc, doc, 0o644))
		return
	}
	have, err := os.ReadFile(providersDoc)
	require.NoError(t, err)
	require.Equal(t, string(doc), string(have), "docs/providers.md is stale: go test ./app -run TestProvidersDoc -update")
}

// TestProviders_are_named_alike: what the control plane takes for a provider
// is one here, and the other way round.
func TestProviders_are_named_alike(t *testing.T) {
	t.Parallel()
	constructors := app.Natives()
	for _, slug := range catalog.Natives() {
		require.Contains(t, constructors, slug)
	}
	for slug := range constructors {
		if _, row := catalog.Lookup(slug); !row {
			require.Contains(t, catalog.Natives(), slug)
		}
	}
}

var errNobody = errors.New("nobody is there")

// nobody answers no request: offers are asked for, not used.
type nobody struct{}

func (nobody) Do(context.Context, *upstream.Request) (*upstream.Response, error) {
	return nil, errNobody
}

func (nobody) Fetch(context.Context, string) (content []byte, mediaType string, err error) {
	return nil, "", errNobody
}

// offers is what a provider can be asked.
type offers struct {
	chat, realtime bool
	surfaces       [provider.SurfaceCount]bool
}

func offersOf(t *testing.T, b provider.Backend) offers {
	t.Helper()
	var o offers
	for s := range o.surfaces {
		o.surfaces[s] = b.Offers(provider.Surface(s))
	}
	if r, ok := b.(provider.Realtime); ok {
		_, _, err := r.Realtime(t.Context())
		o.realtime = err == nil
	}
	req, err := chat.Decode([]byte(`{"model":"m","messages":[{"role":"user","content":"hi"}]}`))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a, err := b.Chat(ctx, &provider.Call{}, req)
	if a != nil {
		_ = a.Close()
	}
	o.chat = !errors.Is(err, provider.ErrUnsupported)
	return o
}

// list says what is offered, in words.
func (o *offers) list() string {
	var all []string
	say := func(name string, yes bool) {
		if yes {
			all = append(all, name)
		}
	}
	some := func(surfaces ...provider.Surface) bool {
		return slices.ContainsFunc(surfaces, func(s provider.Surface) bool { return o.surfaces[s] })
	}
	say("chat", o.chat)
	say("text", some(provider.Completions))
	say("embeddings", some(provider.Embeddings))
	say("responses", some(provider.Responses))
	say("Anthropic messages", some(provider.Messages))
	say("Gemini generateContent", some(provider.GenerateContent))
	say("images", some(provider.ImageGenerations))
	say("image edits", some(provider.ImageEdits, provider.ImageVariations))
	say("speech", some(provider.Speech))
	say("transcription", some(provider.Transcriptions, provider.Translations))
	say("moderation", some(provider.Moderations))
	say("rerank", some(provider.Rerank))
	say("realtime", o.realtime)
	return strings.Join(all, ", ")
}

func writeDoc(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(`# Providers

<!-- Written by 'go test ./app -run TestProvidersDoc -update' in dataplane. DO NOT EDIT. -->

A model is named ` + "`provider/model`" + `. The operations are those that the provider has in that wire; an operation that it does not have is
translated to one that it has, where that can be done: text completions, responses, Anthropic messages and Gemini's generateContent reach every
provider that chats. Keys and bases are read from the deployment, else from the first variable that is set.

## Providers with a wire of their own, or more than a key

What they do in a chat is what their golden files show.

`)
	writeNatives(t, &b)
	b.WriteString(`
## Providers that speak OpenAI's wire

Requests pass as they come, with the model's name put in. Parameters that a provider is known to refuse are refused here with their names, or cut
where ` + "`drop_params`" + ` is set; what else is done for a provider stands behind its parameters.

`)
	writeRows(t, &b)
	return b.Bytes()
}

func writeNatives(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	shown := goldenShows(t)
	writeRow(b, []string{"provider", "operations", "in a chat"})
	writeRow(b, []string{"---", "---", "---"})
	constructors := app.Natives()
	slugs := make([]string, 0, len(constructors))
	for slug := range constructors {
		slugs = append(slugs, slug)
	}
	slices.Sort(slugs)
	for _, slug := range slugs {
		var o offers
		for _, cfg := range samples(slug) {
			backend, err := constructors[slug](cfg, nobody{}, nobody{})
			require.NoError(t, err, slug)
			o.add(offersOf(t, backend))
		}
		inChat := strings.Join(shown[slug], ", ")
		if inChat == "" {
			inChat = "what OpenAI's wire has"
		}
		writeRow(b, []string{code(slug), o.list(), inChat})
	}
}

// add is for providers whose models differ in what they offer.
func (o *offers) add(more offers) {
	o.chat, o.realtime = o.chat || more.chat, o.realtime || more.realtime
	for s, has := range more.surfaces {
		o.surfaces[s] = o.surfaces[s] || has
	}
}

// samples are deployments of each kind of model that a provider has.
func samples(slug string) []provider.Config {
	cfg := provider.Config{
		DeploymentID: "doc", Provider: slug, Model: "model", APIBase: "https://vendor.example", APIKey: "key",
		Secrets: map[string]string{
			"api_key": "key", "tenant_id": "t", "aws_access_key_id": "a", "aws_secret_access_key": "s",
			"vertex_credentials": serviceAccount,
		},
		Params: map[string]json.RawMessage{
			"aws_region_name": json.RawMessage(`"us-east-1"`), "vertex_project": json.RawMessage(`"p"`), "vertex_location": json.RawMessage(`"l"`),
		},
		Getenv: func(string) string { return "" },
	}
	models := map[string][]string{
		"azure_ai":  {"gpt-4o", "claude-sonnet-4-5"},
		"bedrock":   {"anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.titan-embed-text-v2:0", "cohere.rerank-v3-5:0", "amazon.nova-canvas-v1:0"},
		"vertex_ai": {"gemini-2.5-pro", "claude-sonnet-4-5", "text-embedding-005", "imagen-4.0-generate-001"},
		"gemini":    {"gemini-2.5-pro", "gemini-embedding-001", "imagen-4.0-generate-001"},
	}[slug]
	if models == nil {
		models = []string{"model"}
	}
	bases := []string{cfg.APIBase}
	if slug == "triton" {
		bases = []string{"https://vendor.example/v2/models/m/generate", "https://vendor.example/v2/models/m/embeddings"}
	}
	var all []provider.Config
	for _, model := range models {
		for _, base := range bases {
			one := cfg
			one.Model, one.APIBase = model, base
			all = append(all, one)
		}
	}
	return all
}

const serviceAccount = `{"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r"}`

func writeRows(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	writeRow(b, []string{"provider", "base", "key", "operations", "refuses", "adapted"})
	writeRow(b, []string{"---", "---", "---", "---", "---", "---"})
	for _, v := range catalog.Table() {
		backend, err := compat.New(&v, provider.Config{Model: "model", APIBase: "https://vendor.example", APIKey: "key", Getenv: func(string) string { return "" }}, nobody{})
		require.NoError(t, err, v.Slug)
		o := offersOf(t, backend)
		names := append([]string{v.Slug}, v.Aliases...)
		writeRow(b, []string{
			code(names...), code(slices.Concat([]string{v.BaseURL}, v.BaseEnv)...), code(v.KeyEnv...), o.list(), code(v.Edits.Unsupported...), strings.Join(adapted(&v), "; "),
		})
	}
}

// adapted says in words what a row's edits and quirks do.
func adapted(v *catalog.Vendor) []string {
	var all []string
	say := func(yes bool, format string, args ...any) {
		if yes {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	for _, r := range slices.Concat(v.Edits.Renames, v.Embedding.Renames) {
		say(true, "`%s` is `%s`", r.From, r.To)
	}
	q := v.Quirks.Request
	say(len(q.FlattenText) > 0, "lists of texts are one text")
	say(len(q.CutMessage) > 0, "marks of other vendors in messages are cut")
	say(len(q.CutSchema) > 0, "%s in tools are cut", code(q.CutSchema...))
	for _, r := range q.ToolChoice {
		say(true, "tool choice `%s` is `%s`", r.From, r.To)
	}
	say(len(q.ToolChoiceOnly) > 0, "tool choices other than %s are refused", code(q.ToolChoiceOnly...))
	say(q.ToolChoiceNudge != "", "tool choice `required` is a message")
	say(q.Temperature != nil, "temperature is bounded")
	say(q.StructuredOutput != catalog.StructuredNative, "`response_format` is adapted")
	say(q.StructuredWhole, "structured output is not streamed by the vendor and replayed")
	say(q.VideoFiles, "files that are films are `video_url`")
	say(q.Thinking != catalog.ThinkingNative, "`thinking` is adapted")
	a := v.Quirks.Answer
	say(a.Reasoning != "", "`%s` is `reasoning_content`", a.Reasoning)
	say(a.ThinkingParts, "thoughts among the content are `reasoning_content`")
	say(len(a.FinishReasons) > 0 || a.ToolCallsEndWithStop, "finish reasons are OpenAI's")
	say(a.ReasoningBesideCompletion || a.TotalTokensOnly, "usage is OpenAI's")
	say(a.Citations, "citations are annotations")
	say(a.ChatForText, "chat answers are text completions")
	say(v.RerankShape != catalog.RerankCohere, "ranking is translated")
	say(len(v.Rules) > 0, "some models have more rules")
	return all
}

// feature is something that a golden file may show.
type feature struct {
	name  string
	signs []string // one of which the request has
}

func features() []feature {
	return []feature{
		{"streams", []string{`"stream": true`, `"stream":true`}},
		{"tools", []string{`"tools"`}},
		{"pictures", []string{`"image_url"`}},
		{"files", []string{`"file"`}},
		{"audio", []string{`"input_audio"`}},
		{"video", []string{`"video_url"`}},
		{"structured output", []string{`"json_schema"`}},
		{"reasoning", []string{`"thinking"`, `"reasoning_effort"`}},
	}
}

// goldenShows returns for each provider the features of requests in golden
// files that succeed.
func goldenShows(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(goldenFiles)
	require.NoError(t, err)
	shown := map[string]map[string]bool{}
	for _, file := range files {
		slug, request, ok := readGolden(t, file)
		if !ok {
			continue
		}
		if shown[slug] == nil {
			shown[slug] = map[string]bool{}
		}
		for _, f := range features() {
			if slices.ContainsFunc(f.signs, func(s string) bool { return strings.Contains(request, s) }) {
				shown[slug][f.name] = true
			}
		}
	}
	all := map[string][]string{}
	for slug, has := range shown {
		for _, f := range features() {
			if has[f.name] {
				all[slug] = append(all[slug], f.name)
			}
		}
	}
	return all
}

// readGolden returns whose golden file it is and what is asked in it. It is
// not ok when the answer is a failure, or parameters are dropped.
func readGolden(t *testing.T, file string) (slug, request string, ok bool) {
	t.Helper()
	a, err := txtar.ParseFile(file)
	require.NoError(t, err)
	var config struct {
		Provider   string `json:"provider"`
		Surface    string `json:"surface"`
		DropParams bool   `json:"drop_params"`
	}
	for _, f := range a.Files {
		switch f.Name {
		case "config.json":
			require.NoError(t, json.Unmarshal(f.Data, &config), file)
		case "request.json":
			request = string(f.Data)
		case "failure":
			return "", "", false
		case "response.sse":
			if bytes.Contains(f.Data, []byte("broken: ")) {
				return "", "", false
			}
		}
	}
	if config.Provider == "" { // a package of one provider
		config.Provider = filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(file))))
	}
	return config.Provider, request, !config.DropParams && config.Surface == ""
}

func writeRow(b *bytes.Buffer, cells []string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

func code(names ...string) string {
	var all []string
	for _, n := range names {
		if n != "" {
			all = append(all, "`"+strings.ReplaceAll(n, "|", "\\|")+"`")
		}
	}
	return strings.Join(all, " ")
}

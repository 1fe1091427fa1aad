package compat_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/conformance"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

func build(cfg provider.Config, client *upstream.Client) (provider.Backend, error) {
	row, ok := catalog.Lookup(cfg.Provider)
	if !ok {
		return nil, fmt.Errorf("no row %q", cfg.Provider)
	}
	return compat.New(&row, cfg, client)
}

// TestGolden_quirks shows what rows do beyond their base, key and renames.
func TestGolden_quirks(t *testing.T) {
	t.Parallel()
	conformance.Run(t, "testdata/quirks", build)
}

const rowsDir = "testdata/golden"

// TestGolden_rows holds each row of the table against its golden file. A row
// without one fails; with -update it gets one, from the template of what it
// offers, which has something for every quirk to work on.
func TestGolden_rows(t *testing.T) {
	t.Parallel()
	slugs := map[string]bool{}
	for _, v := range catalog.Table() {
		slugs[v.Slug] = true
		file := filepath.Join(rowsDir, v.Slug+".txtar")
		if _, err := os.Stat(file); err == nil {
			continue
		}
		require.Equal(t, "true", flag.Lookup("update").Value.String(), "no golden file for %s: run this test with -update and read what it writes", v.Slug)
		require.NoError(t, os.WriteFile(file, fromTemplate(t, &v), 0o600))
	}
	files, err := filepath.Glob(filepath.Join(rowsDir, "*.txtar"))
	require.NoError(t, err)
	for _, file := range files {
		require.True(t, slugs[strings.TrimSuffix(filepath.Base(file), ".txtar")], "%s is no row's", file)
	}
	conformance.Run(t, rowsDir, build)
}

func fromTemplate(t *testing.T, v *catalog.Vendor) []byte {
	t.Helper()
	config := map[string]any{"provider": v.Slug, "model": modelOf(v.Slug), "drop_params": true, "base_path": basePath(t, v)}
	template := "chat"
	switch p := v.Paths; {
	case p.Chat != "":
	case p.Completions != "":
		template = "text"
	case p.Embeddings != "":
		template, config["surface"] = "embedding", provider.Embeddings.String()
	default:
		template, config["surface"] = "response", provider.Responses.String()
	}
	headers := []string{}
	for _, h := range append(v.Credentials("key"), v.Headers...) {
		headers = append(headers, h.Name)
	}
	config["headers"] = headers
	written, err := json.Marshal(config)
	require.NoError(t, err)
	a, err := txtar.ParseFile(filepath.Join("testdata/template", template+".txtar"))
	require.NoError(t, err)
	a.Files = append([]txtar.File{{Name: "config.json", Data: append(written, '\n')}}, a.Files...)
	return txtar.Format(a)
}

// modelOf returns a model for which the rules of a row hold.
func modelOf(slug string) string {
	models := map[string]string{
		"openai": "o4-mini", "xai": "grok-4", "deepinfra": "mistralai/Mistral-7B-Instruct-v0.3", "groq": "llama-3.1-8b-instant",
		"fireworks_ai": "llama-v3p1-8b-instruct", "clarifai": "openai.chat-completion.gpt-4o", "ragflow": "chat/c0ffee/kb",
		"huggingface": "together/deepseek-ai/DeepSeek-R1", "mistral": "magistral-small-latest",
	}
	if m, ok := models[slug]; ok {
		return m
	}
	return "vendor-model"
}

// basePath is the path of the row's own base, so that the golden file shows
// the whole path of a call.
func basePath(t *testing.T, v *catalog.Vendor) string {
	t.Helper()
	base, err := v.Base("", "vendor-model", func(name string) string {
		if strings.HasSuffix(name, "_BASE") || strings.HasSuffix(name, "ENDPOINT") || strings.HasSuffix(name, "_URL") {
			return ""
		}
		return "account-1"
	})
	if err != nil {
		return ""
	}
	u, err := url.Parse(base)
	require.NoError(t, err)
	return u.Path
}

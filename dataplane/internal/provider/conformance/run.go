package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

//nolint:gochecknoglobals // a flag of the test binary
var update = flag.Bool("update", false, "write the golden sections anew")

// Build makes the backend of a case. The config's APIBase leads to the vendor
// of the test, its credentials are fit to be shown.
type Build func(cfg provider.Config, client *upstream.Client) (provider.Backend, error)

// Run checks all cases of a folder. It fails when there are none.
func Run(t *testing.T, dir string, build Build) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no golden files in %s", dir)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c := load(t, file)
			c.run(t, build)
			c.save(t)
		})
	}
}

// golden is one case.
type golden struct {
	file    string
	archive *txtar.Archive
	config  config
	changed bool
}

type config struct {
	Provider   string                     `json:"provider"`
	Model      string                     `json:"model"`
	APIKey     *string                    `json:"api_key"`
	APIVersion string                     `json:"api_version"`
	BasePath   string                     `json:"base_path"`
	Surface    string                     `json:"surface"`
	Params     map[string]json.RawMessage `json:"params"`
	Secrets    map[string]string          `json:"secrets"`
	Env        map[string]string          `json:"env"`
	DropParams bool                       `json:"drop_params"`
	Stream     bool                       `json:"stream"`
	Headers    []string                   `json:"headers"` // of the upstream request that are shown
}

func load(t *testing.T, file string) *golden {
	t.Helper()
	a, err := txtar.ParseFile(file)
	require.NoError(t, err)
	g := &golden{file: file, archive: a}
	require.NoError(t, json.Unmarshal(g.section("config.json"), &g.config))
	return g
}

func (g *golden) section(name string) []byte {
	for _, f := range g.archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// want compares a section, or writes it.
func (g *golden) want(t *testing.T, name string, got []byte) {
	t.Helper()
	if len(got) > 0 && got[len(got)-1] != '\n' {
		got = append(got, '\n')
	}
	i := slices.IndexFunc(g.archive.Files, func(f txtar.File) bool { return f.Name == name })
	if !*update {
		require.GreaterOrEqual(t, i, 0, "no section %s: it would be\n%s", name, got)
		require.Equal(t, string(g.archive.Files[i].Data), string(got), "section %s", name)
		return
	}
	if i < 0 {
		g.archive.Files = append(g.archive.Files, txtar.File{Name: name, Data: got})
	} else {
		g.archive.Files[i].Data = got
	}
	g.changed = true
}

func (g *golden) save(t *testing.T) {
	t.Helper()
	if g.changed {
		require.NoError(t, os.WriteFile(g.file, txtar.Format(g.archive), 0o600))
	}
}

// received is what came to the vendor.
type received struct {
	method, uri string
	header      http.Header
	body        []byte
}

func (g *golden) run(t *testing.T, build Build) {
	t.Helper()
	var got *received
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = &received{r.Method, r.RequestURI, r.Header, body}
		g.answer(w)
	}))
	t.Cleanup(vendor.Close)
	client, err := upstream.New(upstream.Options{UserAgent: "tianjillm"})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	backend, err := build(g.deployment(vendor.URL), client)
	require.NoError(t, err)
	response := g.call(t.Context(), t, backend)
	if got != nil {
		g.want(t, "upstream", got.show(g.config.Headers, vendor.URL))
	}
	g.want(t, response.section, response.body)
}

func (g *golden) deployment(url string) provider.Config {
	key := "test-key"
	if g.config.APIKey != nil {
		key = *g.config.APIKey
	}
	secrets := g.config.Secrets
	if secrets == nil {
		secrets = map[string]string{}
	}
	if key != "" {
		secrets["api_key"] = key
	}
	return provider.Config{
		DeploymentID: "golden", Provider: g.config.Provider, Model: g.config.Model, APIBase: url + g.config.BasePath, APIKey: key, APIVersion: g.config.APIVersion,
		Params: g.config.Params, Secrets: secrets, Getenv: func(name string) string { return g.config.Env[name] },
	}
}

// answer plays the vendor.
func (g *golden) answer(w http.ResponseWriter) {
	status, contentType := http.StatusOK, ""
	var body []byte
	for _, f := range g.archive.Files {
		switch f.Name {
		case "answer.json":
			body, contentType = f.Data, "application/json"
		case "answer.sse":
			body, contentType = f.Data, "text/event-stream"
		case "answer.lines":
			body, contentType = f.Data, "application/x-ndjson"
		case "answer.aws":
			body, contentType = awsMessages(f.Data), "application/vnd.amazon.eventstream"
		}
	}
	w.Header().Set("Content-Type", contentType)
	for i, line := range strings.Split(strings.TrimSpace(string(g.section("answer.head"))), "\n") {
		name, value, ok := strings.Cut(line, ": ")
		if ok {
			w.Header().Set(name, value)
		} else if n, err := strconv.Atoi(line); err == nil && i == 0 {
			status = n
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// show writes a request as the golden file has it: its JSON indented, and of
// its headers those that prove or matter.
func (r *received) show(headers []string, host string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n", r.method, r.uri)
	if headers == nil {
		headers = []string{"Authorization", "Api-Key", "X-Api-Key", "X-Goog-Api-Key", "Anthropic-Version", "Anthropic-Beta"}
	}
	for _, name := range headers {
		for _, value := range r.header.Values(name) {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	b.WriteByte('\n')
	b.Write(indented(bytes.ReplaceAll(r.body, []byte(host), []byte("http://vendor"))))
	return b.Bytes()
}

func indented(body []byte) []byte {
	var b bytes.Buffer
	if json.Indent(&b, bytes.TrimSpace(body), "", "  ") != nil {
		return body
	}
	return b.Bytes()
}

// shown is what the client got.
type shown struct {
	section string
	body    []byte
}

func failure(err error) shown {
	return shown{"failure", []byte(describe(err))}
}

func (g *golden) call(ctx context.Context, t *testing.T, b provider.Backend) shown {
	t.Helper()
	if g.config.Surface != "" {
		return g.callSurface(ctx, t, b)
	}
	return g.chat(ctx, t, b)
}

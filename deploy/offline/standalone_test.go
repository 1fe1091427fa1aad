package offline_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/deploy/offline"
	"github.com/tianjillm/tianjillm/deploy/standalone"
	"github.com/tianjillm/tianjillm/testkit/litellmtest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// ours is what the installation was told to seal with, and not what was made up
// for it.
const ours = "it's a salt of ours"

const (
	patience = 20 * time.Second
	pause    = 10 * time.Millisecond
)

// output tells the first address in what is written.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	told  bool
	ready chan string
}

var readyLine = regexp.MustCompile(`(?m)^ready api=(\S+) `)

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	if found := readyLine.FindSubmatch(o.text.Bytes()); found != nil && !o.told {
		o.told = true
		o.ready <- string(found[1])
	}
	return n, err
}

// start runs an installation and returns its address, and what ends it.
func start(t *testing.T, dir string) (api string, stop func()) {
	t.Helper()
	o, err := standalone.Parse([]string{
		"--data-dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0", "--salt-key", ours,
	}, io.Discard, nothing)
	require.NoError(t, err)
	out := &output{ready: make(chan string, 1)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- standalone.Run(ctx, o, out, io.Discard) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	select {
	case api := <-out.ready:
		return api, stop
	case err := <-ended:
		cancel()
		require.NoError(t, err, out.text.String())
		return "", nil
	}
}

func nothing(string) (string, bool) { return "", false }

// move imports into the installation of a data directory.
func move(t *testing.T, dir, from string, more ...string) (out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err := offline.ImportLiteLLM(t.Context(), &offline.Terminal{Out: &stdout, Err: &stderr, Lookup: nothing}, append([]string{
		"--from", from, "--salt-key", litellmtest.SaltKey, "--master-key", litellmtest.MasterKey, "--data-dir", dir,
	}, more...))
	require.NoError(t, err, stderr.String())
	return stdout.String(), stderr.String()
}

func models(t *testing.T, api, key string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api+"/v1/models", http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

func TestImport_into_standalone_that_runs_and_that_does_not(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(dir)), 0o755)) // Postgres is another user and has to come through
	from := litellmtest.New(t, litellmtest.Options{})
	api, stop := start(t, dir)
	status, _ := models(t, api, litellmtest.KeyTwin)
	require.Equal(t, http.StatusUnauthorized, status)

	out, errs := move(t, dir, from)
	require.Regexp(t, `keys +9 +7 +0 +2\n`, out)
	require.Contains(t, errs, "Moved in ")
	require.Eventually(t, func() bool {
		status, body := models(t, api, litellmtest.KeyTwin)
		return status == http.StatusOK && strings.Contains(body, `"gpt-a"`) && strings.Contains(body, `"gpt-c"`)
	}, patience, pause, "the data plane knows the key and the models, which are sealed with what it was given")

	stop()
	out, errs = move(t, dir, from)
	require.Regexp(t, `keys +9 +0 +7 +2\n`, out)
	require.Contains(t, errs, "Moved in ")

	api, _ = start(t, dir)
	status, body := models(t, api, litellmtest.KeyTwin)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"gpt-b"`)
}

// A command may make the installation that is started later.
func TestImport_before_the_first_start(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(dir)), 0o755)) // Postgres is another user and has to come through
	config := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(config, []byte(`
general_settings: {database_url: os.environ/NOT_SET_HERE, master_key: `+litellmtest.MasterKey+`}
environment_variables: {LITELLM_SALT_KEY: `+litellmtest.SaltKey+`}
credential_list: [{credential_name: lost, credential_values: {api_key: sk-x}}]
`), 0o600))
	var stdout, stderr bytes.Buffer
	terminal := &offline.Terminal{Out: &stdout, Err: &stderr, Lookup: nothing, Width: 60}
	require.ErrorContains(t, offline.ImportLiteLLM(t.Context(), terminal, []string{"--config", config, "--data-dir", dir}), "--from is missing")
	err := offline.ImportLiteLLM(t.Context(), terminal, []string{"--config", config, "--data-dir", dir, "--from", litellmtest.New(t, litellmtest.Options{})})
	require.NoError(t, err, stderr.String())
	require.Regexp(t, `models +10 +8 +0 +2\n`, stdout.String())
	require.NotContains(t, stdout.String(), `"lost"`, "it is in the file")
	require.Contains(t, stderr.String(), "\r\x1b[K[")
	_, bars, _ := strings.Cut(stderr.String(), "\r\x1b[K")
	for line := range strings.SplitSeq(bars, "\r\x1b[K") {
		bar, _, _ := strings.Cut(line, "\n")
		require.Less(t, len(bar), terminal.Width, "a bar does not wrap")
	}
	out, _ := move(t, dir, litellmtest.New(t, litellmtest.Options{}))
	require.Regexp(t, `models +10 +0 +8 +2\n`, out)
}

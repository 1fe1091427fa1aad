package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/deploy/standalone"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type dashboard struct {
	UID    string
	Panels []struct {
		ID         int
		Type       string
		Title      string
		Datasource struct{ UID string }
		GridPos    struct{ X, Y, W, H int }
		Targets    []struct{ Expr, LegendFormat string }
	}
	Templating struct {
		List []struct {
			Name       string
			Datasource struct{ UID string }
			Definition string
		}
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	require.NoError(t, json.Unmarshal([]byte(read(t, "deploy/compose/grafana/dashboards/tianjillm.json")), &d))
	require.NotEmpty(t, d.Panels)
	return d
}

const master = "sk-1234"

// Every metric and label that the dashboard shows is exported by planes that
// served some requests.
func TestDashboardShowsWhatThePlanesExport(t *testing.T) {
	t.Parallel()
	api, admin := startInstallation(t)
	post := func(url, key, body string, want int) []byte {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, want, resp.StatusCode, string(b))
		return b
	}
	const chat = `{"model":"mock","messages":[{"role":"user","content":"Hello"}]`
	post(api+"/v1/chat/completions", master, chat+`}`, http.StatusOK)
	post(api+"/v1/chat/completions", master, chat+`,"stream":true}`, http.StatusOK)
	post(api+"/v1/chat/completions", "sk-nobody", chat+`}`, http.StatusUnauthorized)
	var limited struct{ Key string }
	require.NoError(t, json.Unmarshal(post(api+"/key/generate", master, `{"rph_limit":1}`, http.StatusOK), &limited))
	post(api+"/v1/chat/completions", limited.Key, chat+`}`, http.StatusOK)
	post(api+"/v1/chat/completions", limited.Key, chat+`}`, http.StatusTooManyRequests)

	d := readDashboard(t)
	var found exported
	require.Eventually(t, func() bool { // usage is booked a moment after the answer
		var err error
		if found, err = scrape(t.Context(), api, admin); err != nil {
			return false
		}
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				for _, name := range metrics(target.Expr) {
					if _, ok := found[name]; !ok {
						return false
					}
				}
			}
		}
		return true
	}, 20*time.Second, 50*time.Millisecond, "not exported: %v", &missing{d, &found})
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			checkLabels(t, found, p.Title, target.Expr, target.LegendFormat)
		}
	}
	for _, v := range d.Templating.List {
		m := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`).FindStringSubmatch(v.Definition)
		require.NotNil(t, m)
		require.Contains(t, found, m[1])
		require.True(t, found[m[1]][m[2]], "%s has no label %s", m[1], m[2])
	}
}

// missing names what is not exported, when it is asked at the end.
type missing struct {
	d     dashboard
	found *exported
}

func (m *missing) String() string {
	var names []string
	for _, p := range m.d.Panels {
		for _, target := range p.Targets {
			for _, name := range metrics(target.Expr) {
				if _, ok := (*m.found)[name]; !ok {
					names = append(names, name)
				}
			}
		}
	}
	return strings.Join(names, " ")
}

// startInstallation runs both planes and returns the addresses of their APIs.
func startInstallation(t *testing.T) (api, admin string) {
	t.Helper()
	environment := map[string]string{"DATABASE_URL": pgtest.New(t, "empty", nil)}
	o, err := standalone.Parse([]string{
		"--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0",
	}, io.Discard, func(name string) (string, bool) { v, ok := environment[name]; return v, ok })
	require.NoError(t, err)
	out := &output{ready: make(chan [2]string, 1)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- standalone.Run(ctx, o, out, io.Discard) }()
	select {
	case addresses := <-out.ready:
		t.Cleanup(func() {
			cancel()
			require.NoError(t, <-ended)
		})
		return addresses[0], addresses[1]
	case err := <-ended:
		cancel()
		t.Fatal(err)
		return "", ""
	}
}

// output finds the line that says where the planes listen.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	told  bool
	ready chan [2]string
}

var readyLine = regexp.MustCompile(`(?m)^ready api=(\S+) admin=(\S+) `)

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	if m := readyLine.FindSubmatch(o.text.Bytes()); m != nil && !o.told {
		o.told = true
		o.ready <- [2]string{string(m[1]), string(m[2])}
	}
	return n, err
}

// exported are metrics with the names of their labels.
type exported map[string]map[string]bool

func scrape(ctx context.Context, planes ...string) (exported, error) {
	all := exported{"up": {"job": true, "instance": true}}
	series := regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+$`)
	label := regexp.MustCompile(`([a-z_]+)="(?:[^"\\]|\\.)*"`)
	for _, plane := range planes {
		text, err := get(ctx, plane+"/metrics")
		if err != nil {
			return nil, err
		}
		for _, m := range series.FindAllStringSubmatch(text, -1) {
			if all[m[1]] == nil {
				all[m[1]] = map[string]bool{"job": true, "instance": true} // Prometheus adds them
			}
			for _, l := range label.FindAllStringSubmatch(m[2], -1) {
				all[m[1]][l[1]] = true
			}
		}
	}
	return all, nil
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// metrics are the metrics of an expression.
func metrics(expr string) []string {
	expr = regexp.MustCompile(`\{[^}]*\}|\[[^]]*\]|\b(by|without) \([^)]*\)`).ReplaceAllString(expr, "")
	return regexp.MustCompile(`\b(?:(?:tianji|go|process)_[a-z_]+|up)\b`).FindAllString(expr, -1)
}

// checkLabels fails for a label that no metric of the expression has.
func checkLabels(t *testing.T, found exported, title, expr, legend string) {
	t.Helper()
	has := map[string]bool{}
	for _, name := range metrics(expr) {
		for l := range found[name] {
			has[l] = true
		}
	}
	for _, block := range regexp.MustCompile(`\{([^}]*)\}`).FindAllStringSubmatch(expr, -1) {
		for _, m := range regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"`).FindAllStringSubmatch(block[1], -1) {
			require.True(t, has[m[1]], "%s: %s has no label %s", title, expr, m[1])
		}
	}
	for _, m := range regexp.MustCompile(`by \(([^)]*)\)`).FindAllStringSubmatch(expr, -1) {
		for l := range strings.SplitSeq(m[1], ", ") {
			require.True(t, has[l], "%s: %s has no label %s", title, expr, l)
		}
	}
	for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(legend, -1) {
		require.True(t, has[m[1]], "%s: the legend shows %s, which %s has not", title, m[1], expr)
	}
}

// The dashboard is drawn without overlaps, on the data source that is
// provisioned, from the folder that is mounted.
func TestDashboardIsProvisioned(t *testing.T) {
	t.Parallel()
	var sources struct {
		Datasources []struct{ UID, URL, Type string }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/compose/grafana/provisioning/datasources/prometheus.yaml")), &sources))
	require.Len(t, sources.Datasources, 1)
	f := compose(t, "docker-compose.yml")
	host := strings.TrimSuffix(strings.TrimPrefix(sources.Datasources[0].URL, "http://"), ":9090")
	require.Contains(t, f.Services, host)

	var providers struct {
		Providers []struct{ Options struct{ Path string } }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/compose/grafana/provisioning/dashboards/tianjillm.yaml")), &providers))
	folder := providers.Providers[0].Options.Path
	require.Contains(t, f.Services["grafana"].Volumes, "./deploy/compose/grafana/dashboards:"+folder+":ro")
	require.Equal(t, folder+"/tianjillm.json", f.Services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])

	d := readDashboard(t)
	require.Equal(t, "tianjillm", d.UID)
	cells, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range d.Panels {
		require.False(t, ids[p.ID], p.Title)
		ids[p.ID] = true
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				require.Empty(t, cells[cell], "%s lies on it", p.Title)
				cells[cell] = p.Title
			}
		}
		if p.Type != "row" {
			require.Equal(t, sources.Datasources[0].UID, p.Datasource.UID, p.Title)
			require.NotEmpty(t, p.Targets, p.Title)
		}
	}
}

// Prometheus finds every replica of both planes.
func TestPrometheusFindsThePlanes(t *testing.T) {
	t.Parallel()
	var conf struct {
		ScrapeConfigs []struct {
			JobName      string `yaml:"job_name"`
			DNSSDConfigs []struct {
				Names []string
				Type  string
				Port  string
			} `yaml:"dns_sd_configs"`
		} `yaml:"scrape_configs"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/compose/prometheus.yml")), &conf))
	f := compose(t, "docker-compose.yml")
	found := map[string]string{}
	for _, s := range conf.ScrapeConfigs {
		for _, d := range s.DNSSDConfigs {
			require.Equal(t, "A", d.Type)
			require.Equal(t, []string{s.JobName}, d.Names, "the dashboard tells planes apart by job")
			found[s.JobName] = "0.0.0.0:" + d.Port
		}
	}
	require.Equal(t, map[string]string{
		"dataplane":    f.Services["dataplane"].Environment["TIANJI_LISTEN"],
		"controlplane": f.Services["controlplane"].Environment["TIANJI_LISTEN"],
	}, found)
	require.FileExists(t, filepath.Join(root, "deploy/compose/prometheus.yml"))
}

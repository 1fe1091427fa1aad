package chaos_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

const (
	masterKey = "sk-chaos-master-key"
	requests  = 10_000
	perSecond = 500
	// costNano is what one answered request costs by the prices below: 10
	// tokens in at 1e-6 and 5 out at 2e-6 dollars.
	costNano = 20_000
	answer   = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m-upstream","choices":[{"index":0,` +
		`"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}`
	question = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
)

// installation is one bus, one database, one control plane and two data planes.
type installation struct {
	t            *testing.T
	bus, control *process
	data         [2]*process
	urls         [2]string
	adminURL     string
	database     *pgtest.Private
	key          string
}

func start(t *testing.T) *installation {
	t.Helper()
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(vendor.Close)
	dataBin, controlBin := build(t)
	in := &installation{t: t, database: pgtest.Cluster(t)}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, "model_list:\n- model_name: m\n  litellm_params: {model: openai/m-upstream, api_base: %s/v1, api_key: x, input_cost_per_token: 0.000001, output_cost_per_token: 0.000002}\n", vendor.URL), 0o600))

	busPort := freePort(t)
	self, err := os.Executable()
	require.NoError(t, err)
	in.bus = &process{t: t, name: "bus", path: self, ready: "bus listens", env: []string{natsDir + "=" + filepath.Join(dir, "nats"), fmt.Sprintf("%s=%d", natsPort, busPort)}}
	in.bus.start()
	busURL := func(user string) string { return fmt.Sprintf("nats://%s:%s@127.0.0.1:%d", user, natsPassword, busPort) }

	adminPort := freePort(t)
	in.adminURL = fmt.Sprintf("http://127.0.0.1:%d", adminPort)
	in.control = &process{t: t, name: "control plane", path: controlBin, ready: "control plane listens", env: []string{
		fmt.Sprintf("TIANJI_LISTEN=127.0.0.1:%d", adminPort), "TIANJI_DEBUG_LISTEN=", "TIANJI_MASTER_KEY=" + masterKey, "TIANJI_SALT_KEY=salt", "TIANJI_CONFIG=" + config,
		"NATS_URL=" + busURL(controlUser), "DATABASE_URL=" + in.database.URL("postgres"),
	}}
	in.control.start()
	for i := range in.data {
		port := freePort(t)
		in.urls[i] = fmt.Sprintf("http://127.0.0.1:%d", port)
		in.data[i] = &process{t: t, name: fmt.Sprintf("data plane %d", i), path: dataBin, ready: "data plane listens", env: []string{
			fmt.Sprintf("TIANJI_LISTEN=127.0.0.1:%d", port), "TIANJI_DEBUG_LISTEN=", "TIANJI_SALT_KEY=salt", "NATS_URL=" + busURL(dataUser),
			"TIANJI_CONTROL_PLANE_URL=" + in.adminURL, "TIANJI_DATA_DIR=" + filepath.Join(dir, "dataplane"),
		}}
		in.data[i].start()
		in.awaitReady(i)
	}
	t.Cleanup(in.stop)
	in.key = in.generateKey()
	return in
}

// stop kills what still runs, and shows what it said when the test failed.
func (in *installation) stop() {
	for _, p := range []*process{in.data[0], in.data[1], in.control, in.bus} {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		if in.t.Failed() {
			in.t.Logf("%s:\n%s", p.name, p.out)
		}
	}
}

func (in *installation) readiness(i int) string {
	resp, err := http.Get(in.urls[i] + "/health/readiness")
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

func (in *installation) awaitReady(i int) {
	in.t.Helper()
	eventually(in.t, 30*time.Second, "data plane ready", func() bool { return strings.Contains(in.readiness(i), `"healthy"`) })
}

func (in *installation) awaitDegraded(part string) {
	in.t.Helper()
	eventually(in.t, 15*time.Second, "readiness names "+part, func() bool {
		return strings.Contains(in.readiness(1), `"status":"degraded"`) && strings.Contains(in.readiness(1), part)
	})
}

// call sends a request and returns its status, its Retry-After and the type of
// its error.
func (in *installation) call(method, url, key, body string) (status int, retryAfter, errorType string) {
	in.t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(in.t, err)
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(in.t, err)
	defer func() { _ = resp.Body.Close() }()
	var envelope struct {
		Error struct {
			Type string `json:"type"`
			Code string `json:"code"`
		} `json:"error"`
	}
	require.NoError(in.t, json.NewDecoder(resp.Body).Decode(&envelope))
	require.Equal(in.t, fmt.Sprint(resp.StatusCode), envelope.Error.Code)
	return resp.StatusCode, resp.Header.Get("Retry-After"), envelope.Error.Type
}

func (in *installation) requireManagementAway() {
	in.t.Helper()
	status, _, _ := in.call(http.MethodGet, in.urls[1]+"/key/list", masterKey, "")
	require.Equal(in.t, http.StatusServiceUnavailable, status)
}

func (in *installation) requireUnknownKeyToWait() {
	in.t.Helper()
	status, retryAfter, kind := in.call(http.MethodPost, in.urls[1]+"/v1/chat/completions", "sk-never-seen-before", question)
	require.Equal(in.t, http.StatusServiceUnavailable, status)
	require.NotEmpty(in.t, retryAfter)
	require.Equal(in.t, "no_db_connection", kind)
}

func (in *installation) generateKey() string {
	in.t.Helper()
	req, err := http.NewRequest(http.MethodPost, in.adminURL+"/key/generate", strings.NewReader(`{"key_alias":"chaos"}`))
	require.NoError(in.t, err)
	req.Header.Set("Authorization", "Bearer "+masterKey)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(in.t, err)
	defer func() { _ = resp.Body.Close() }()
	var made struct {
		Key string `json:"key"`
	}
	require.NoError(in.t, json.NewDecoder(resp.Body).Decode(&made))
	require.NotEmpty(in.t, made.Key)
	return made.Key
}

// load sends requests at a steady rate and remembers which were answered.
type load struct {
	in       *installation
	client   *http.Client
	down     [2]atomic.Bool // a data plane that is being killed or started
	mu       sync.Mutex
	answered map[string]bool
	failed   []string
	excused  int
}

// send asks one data plane, and the other one when the first has just been
// killed, as a load balancer would.
func (l *load) send(i int) {
	for attempt := range 2 {
		plane := (i + attempt) % 2
		wasDown := l.down[plane].Load()
		id, err := l.ask(l.in.urls[plane])
		if err == nil {
			l.mu.Lock()
			l.answered[id] = true
			l.mu.Unlock()
			return
		}
		if !wasDown && !l.down[plane].Load() {
			l.mu.Lock()
			l.failed = append(l.failed, err.Error())
			l.mu.Unlock()
			return
		}
		l.mu.Lock()
		l.excused++
		l.mu.Unlock()
	}
}

func (l *load) ask(url string) (id string, err error) {
	req, err := http.NewRequest(http.MethodPost, url+"/v1/chat/completions", strings.NewReader(question))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+l.in.key)
	resp, err := l.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"ok"`)) {
		return "", fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return resp.Header.Get("X-Tianji-Call-Id"), nil
}

// run sends all requests, and calls each step when its share has been sent.
func (l *load) run(steps []func()) {
	var wg sync.WaitGroup
	begin := time.Now()
	var stepping sync.WaitGroup
	next := make(chan func(), len(steps))
	stepping.Go(func() {
		for step := range next {
			step()
		}
	})
	for i := range requests {
		if share := requests / (len(steps) + 1); i%share == share-1 && i/share < len(steps) {
			next <- steps[i/share]
		}
		due := begin.Add(time.Duration(i) * time.Second / perSecond)
		timer := time.NewTimer(time.Until(due))
		<-timer.C
		wg.Go(func() { l.send(i) })
	}
	close(next)
	stepping.Wait()
	wg.Wait()
}

func TestEveryAnsweredRequestIsBookedOnceWhateverIsKilled(t *testing.T) {
	t.Parallel()
	in := start(t)
	l := &load{in: in, answered: map[string]bool{}, client: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	}}
	for i := range in.data { // both have seen the key once
		_, err := l.ask(in.urls[i])
		require.NoError(t, err)
	}
	l.run([]func(){
		func() { in.control.kill(); in.awaitDegraded("control_plane"); in.requireManagementAway() },
		in.control.restart,
		func() { in.database.Kill(); in.requireManagementAway() },
		in.database.Restart,
		func() { in.bus.kill(); in.awaitDegraded("nats"); in.requireUnknownKeyToWait() },
		in.bus.restart,
		func() { l.down[0].Store(true); in.data[0].kill() },
		func() { in.data[0].restart(); in.awaitReady(0); l.down[0].Store(false) },
	})
	require.Empty(t, l.failed, "requests failed that were not on a killed data plane")
	t.Logf("%d answered, %d sent again because their data plane was killed", len(l.answered), l.excused)
	require.Len(t, l.answered, requests)

	db, err := pgx.Connect(t.Context(), in.database.URL("postgres"))
	require.NoError(t, err)
	defer func() { _ = db.Close(t.Context()) }()
	eventually(t, time.Minute, "every answered request has a spend row", func() bool {
		return len(l.missing(t, db)) == 0
	})
	var rows, sum, keySpend int64
	require.NoError(t, db.QueryRow(t.Context(), "SELECT count(*), sum(spend_nano) FROM spend_logs").Scan(&rows, &sum))
	require.NoError(t, db.QueryRow(t.Context(), "SELECT spend_nano FROM verification_token").Scan(&keySpend))
	require.Equal(t, rows*costNano, sum, "each row holds the cost of one request")
	require.Equal(t, sum, keySpend, "the key's spend is the sum of its rows")
	// Rows without an answer are requests that reached the vendor on the data
	// plane that was killed: at most those that were sent again, and the two
	// that warmed up.
	require.LessOrEqual(t, rows, int64(requests+2+l.excused))
}

func (l *load) missing(t *testing.T, db *pgx.Conn) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT request_id FROM spend_logs")
	require.NoError(t, err)
	booked := map[string]bool{}
	for rows.Next() {
		var id string
		require.NoError(t, rows.Scan(&id))
		require.False(t, booked[id])
		booked[id] = true
	}
	require.NoError(t, rows.Err())
	var missing []string
	for id := range l.answered {
		if !booked[id] {
			missing = append(missing, id)
		}
	}
	return missing
}

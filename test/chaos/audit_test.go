package chaos_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

const (
	auditKills = 4
	admins     = 8
	// betweenKills is how many changes succeed before the database is killed
	// while others are under way.
	betweenKills = 60
)

// desk is one control plane whose database is killed.
type desk struct {
	t        *testing.T
	database *pgtest.Private
	url      string
	client   *http.Client

	done atomic.Int64 // changes that were answered with success
	mu   sync.Mutex
	// made, changed and gone are what the replies promised: keys by their
	// hash, with the value that was set last.
	made    map[string]bool
	changed map[string]string
	gone    map[string]bool
	refused map[int]int // other replies by status, 0 for none
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	_, control := build(t)
	d := &desk{
		t: t, database: pgtest.Cluster(t), client: &http.Client{Timeout: 30 * time.Second}, made: map[string]bool{}, changed: map[string]string{},
		gone: map[string]bool{}, refused: map[int]int{},
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(config, []byte("litellm_settings: {store_audit_logs: true}\ngeneral_settings: {audit_chain: true}\n"), 0o600))
	busPort, adminPort := freePort(t), freePort(t)
	self, err := os.Executable()
	require.NoError(t, err)
	bus := &process{t: t, name: "bus", path: self, ready: "bus listens", env: []string{natsDir + "=" + filepath.Join(dir, "nats"), fmt.Sprintf("%s=%d", natsPort, busPort)}}
	bus.start()
	t.Cleanup(bus.kill)
	d.url = fmt.Sprintf("http://127.0.0.1:%d", adminPort)
	plane := &process{t: t, name: "control plane", path: control, ready: "control plane listens", env: []string{
		fmt.Sprintf("TIANJI_LISTEN=127.0.0.1:%d", adminPort), "TIANJI_DEBUG_LISTEN=", "TIANJI_MASTER_KEY=" + masterKey, "TIANJI_SALT_KEY=salt", "TIANJI_CONFIG=" + config,
		fmt.Sprintf("NATS_URL=nats://%s:%s@127.0.0.1:%d", controlUser, natsPassword, busPort), "DATABASE_URL=" + d.database.URL("postgres"),
	}}
	plane.start()
	t.Cleanup(plane.kill)
	return d
}

// post reports whether a change was answered with success. What was not may
// have happened all the same: the reply was lost, not the change.
func (d *desk) post(path, body string) bool {
	status := 0
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Error(err)
		return false
	}
	req.Header.Set("Authorization", "Bearer "+masterKey)
	if resp, err := d.client.Do(req); err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err == nil {
			status = resp.StatusCode
		}
	}
	if status == http.StatusOK {
		d.done.Add(1)
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refused[status]++
	return false
}

// life makes a key, changes it and deletes every other one.
func (d *desk) life(admin, n int) {
	key := fmt.Sprintf("sk-audited-%d-%d-0123456789", admin, n)
	hash := ident.HashKey(key)
	if !d.post("/key/generate", `{"key":"`+key+`"}`) {
		return
	}
	d.note(func() { d.made[hash] = true })
	alias := fmt.Sprintf("alias-%d-%d", admin, n)
	if !d.post("/key/update", `{"key":"`+key+`","key_alias":"`+alias+`"}`) {
		return
	}
	d.note(func() { d.changed[hash] = alias })
	if n%2 == 0 && d.post("/key/delete", `{"keys":["`+key+`"]}`) {
		d.note(func() { d.gone[hash] = true })
	}
}

func (d *desk) note(what func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	what()
}

// Postgres is killed while admins change keys: there is no change without its
// entry in the audit trail, no entry without its change, and what was answered
// is there.
func TestNoChangeWithoutItsAuditWhateverTheDatabaseDoes(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	var all sync.WaitGroup
	stop := make(chan struct{})
	for admin := range admins {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					d.life(admin, n)
				}
			}
		})
	}
	for range auditKills {
		until := d.done.Load() + betweenKills
		eventually(t, time.Minute, "changes go on", func() bool { return d.done.Load() >= until })
		d.database.Kill()
		d.database.Restart()
	}
	until := d.done.Load() + betweenKills
	eventually(t, time.Minute, "changes go on after the last kill", func() bool { return d.done.Load() >= until })
	close(stop)
	all.Wait()
	t.Logf("%d changes answered, other replies by status: %v", d.done.Load(), d.refused)
	d.compare()
}

func (d *desk) compare() {
	t := d.t
	db, err := pgx.Connect(t.Context(), d.database.URL("postgres"))
	require.NoError(t, err)
	defer func() { _ = db.Close(t.Context()) }()
	for what, query := range map[string]string{
		"a key that nobody recorded":   `SELECT count(*) FROM verification_token k WHERE 1 <> (SELECT count(*) FROM audit_log a WHERE a.object_id = k.token AND a.action = 'created')`,
		"a record of no key":           `SELECT count(*) FROM audit_log a WHERE a.action = 'created' AND NOT EXISTS (SELECT 1 FROM verification_token k WHERE k.token = a.object_id) AND NOT EXISTS (SELECT 1 FROM deleted_verification_token k WHERE k.token = a.object_id)`,
		"a deletion without a record":  `SELECT count(*) FROM deleted_verification_token k WHERE 1 <> (SELECT count(*) FROM audit_log a WHERE a.object_id = k.token AND a.action = 'deleted')`,
		"a record of no deletion":      `SELECT count(*) FROM audit_log a WHERE a.action = 'deleted' AND (NOT EXISTS (SELECT 1 FROM deleted_verification_token k WHERE k.token = a.object_id) OR EXISTS (SELECT 1 FROM verification_token k WHERE k.token = a.object_id))`,
		"an update without its record": `SELECT count(*) FROM verification_token k WHERE k.key_alias IS DISTINCT FROM (SELECT a.updated_values->>'key_alias' FROM audit_log a WHERE a.object_id = k.token AND a.action = 'updated' ORDER BY a.seq DESC LIMIT 1)`,
	} {
		var n int64
		require.NoError(t, db.QueryRow(t.Context(), query).Scan(&n), what)
		require.Zero(t, n, what)
	}
	for _, promised := range []struct {
		query  string
		hashes int
		args   any
	}{
		{"SELECT count(DISTINCT object_id) FROM audit_log WHERE action = 'created' AND object_id = ANY($1)", len(d.made), keysOf(d.made)},
		{"SELECT count(DISTINCT object_id) FROM audit_log WHERE action = 'updated' AND object_id = ANY($1)", len(d.changed), keysOf(d.changed)},
		{"SELECT count(DISTINCT object_id) FROM audit_log WHERE action = 'deleted' AND object_id = ANY($1)", len(d.gone), keysOf(d.gone)},
	} {
		var n int
		require.NoError(t, db.QueryRow(t.Context(), promised.query, promised.args).Scan(&n))
		require.Equal(t, promised.hashes, n, "what was answered is there")
	}
	require.NotEmpty(t, d.gone)
}

func keysOf[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

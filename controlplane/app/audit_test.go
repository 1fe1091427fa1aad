package app_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

// vault is S3 as far as an archive needs it. That signatures are right is shown
// where they are made.
type vault struct {
	mu      sync.Mutex
	objects map[string]string
	put     http.Header
}

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	defer v.mu.Unlock()
	if r.Method == http.MethodPut {
		v.objects[r.URL.Path], v.put = string(body), r.Header
		return
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(v.objects[r.URL.Path]))
}

func (v *vault) has() (all map[string]string, put http.Header) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.objects), v.put
}

// What the configuration does not say of a bucket is in the environment.
func TestAudit_that_is_too_old_goes_to_the_bucket(t *testing.T) {
	t.Parallel()
	v := &vault{objects: map[string]string{}}
	s3 := httptest.NewServer(v)
	t.Cleanup(s3.Close)
	database := pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	})
	st, err := store.Open(t.Context(), database, 1)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	old := time.Now().UTC().AddDate(0, 0, -40)
	for object, at := range map[string]time.Time{"old": old, "new": time.Now()} {
		_, err = st.DB().Exec(t.Context(), `INSERT INTO audit_log (id, updated_at, action, table_name, object_id)
			VALUES (gen_random_uuid(), $1, 'created', 'LiteLLM_TeamTable', $2)`, at, object)
		require.NoError(t, err)
	}

	environment := map[string]string{
		"AWS_ENDPOINT_URL_S3": s3.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
	}
	startedOn(t, database, "{general_settings: {audit_retention: 30d, audit_archive: s3://vault/trail}}", func(name string) (string, bool) {
		value, ok := environment[name]
		return value, ok
	})
	left := func() (n int) {
		require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT count(*) FROM audit_log WHERE object_id IN ('old', 'new')").Scan(&n))
		return n
	}
	require.Eventually(t, func() bool { return left() == 1 }, 20*time.Second, 10*time.Millisecond)
	objects, put := v.has()
	require.Len(t, objects, 1)
	for name, lines := range objects {
		require.True(t, strings.HasPrefix(name, "/vault/trail/audit_logs/"+old.Format(time.DateOnly)+"/"), name)
		require.Contains(t, lines, `"object_id":"old"`)
		require.NotContains(t, lines, `"object_id":"new"`)
	}
	require.Contains(t, put.Get("Authorization"), "Credential=AKIDEXAMPLE/")
	require.Contains(t, put.Get("Authorization"), "/eu-west-1/s3/aws4_request")
	require.Equal(t, "session", put.Get("X-Amz-Security-Token"))
}

package entra_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/azure/entra"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// jwt is a JSON web token in form.
const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwb2QifQ.c2ln"

// issuer plays Entra ID.
type issuer struct {
	*httptest.Server

	lifetime int // seconds
	failing  atomic.Bool
	asked    atomic.Int32
	mu       sync.Mutex
	form     url.Values
	path     string
}

func newIssuer(t *testing.T, lifetime int) *issuer {
	t.Helper()
	i := &issuer{lifetime: lifetime}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := i.asked.Add(1)
		_ = r.ParseForm()
		i.mu.Lock()
		i.form, i.path = r.PostForm, r.URL.Path
		i.mu.Unlock()
		if i.failing.Load() || r.PostForm.Get("client_secret") == "wrong-secret" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"}`)
			return
		}
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":%d,"access_token":"token-%d"}`, i.lifetime, n)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) find(t *testing.T, params, env map[string]string, environment bool) (entra.Proof, error) {
	t.Helper()
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	cfg := &provider.Config{Secrets: params, Getenv: func(name string) string {
		if name == "AZURE_AUTHORITY_HOST" {
			return i.URL + "/"
		}
		return env[name]
	}}
	return entra.Find(cfg, client, environment)
}

func token(t *testing.T, p entra.Proof) string {
	t.Helper()
	fields, err := p.Authorize(t.Context(), http.MethodPost, "https://r.openai.azure.com", nil)
	require.NoError(t, err)
	require.Len(t, fields, 1)
	require.Equal(t, "Authorization", fields[0].Name)
	return fields[0].Value
}

func TestFind(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(jwt+"\n"), 0o600))
	const scope = "https://cognitiveservices.azure.com/.default"
	for name, c := range map[string]struct {
		params, env map[string]string
		environment bool
		path        string
		form        url.Values
	}{
		"secret": {
			params: map[string]string{"tenant_id": "t1", "client_id": "c1", "client_secret": "s1"}, path: "/t1/oauth2/v2.0/token",
			form: url.Values{"client_id": {"c1"}, "client_secret": {"s1"}, "grant_type": {"client_credentials"}, "scope": {scope}},
		},
		"secret of the environment": {
			env:         map[string]string{"AZURE_TENANT_ID": "t2", "AZURE_CLIENT_ID": "c2", "AZURE_CLIENT_SECRET": "s2", "AZURE_SCOPE": "other"},
			environment: true, path: "/t2/oauth2/v2.0/token",
			form: url.Values{"client_id": {"c2"}, "client_secret": {"s2"}, "grant_type": {"client_credentials"}, "scope": {"other"}},
		},
		"password": {
			params: map[string]string{"client_id": "c1", "azure_username": "u", "azure_password": "p"}, path: "/organizations/oauth2/v2.0/token",
			form: url.Values{"client_id": {"c1"}, "username": {"u"}, "password": {"p"}, "grant_type": {"password"}, "scope": {scope}},
		},
		"workload identity": {
			env: map[string]string{"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_FEDERATED_TOKEN_FILE": file}, environment: true, path: "/t/oauth2/v2.0/token",
			form: url.Values{
				"client_id": {"c"}, "grant_type": {"client_credentials"}, "scope": {scope}, "client_assertion": {jwt},
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			},
		},
		"token of another issuer": {
			params: map[string]string{"tenant_id": "t", "client_id": "c", "azure_ad_token": "oidc/file/" + file}, path: "/t/oauth2/v2.0/token",
			form: url.Values{
				"client_id": {"c"}, "grant_type": {"client_credentials"}, "scope": {scope}, "client_assertion": {jwt},
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := newIssuer(t, 3600)
			proof, err := issuer.find(t, c.params, c.env, c.environment)
			require.NoError(t, err)
			require.Equal(t, "Bearer token-1", token(t, proof))
			require.Equal(t, c.path, issuer.path)
			require.Equal(t, c.form, issuer.form)
		})
	}
}

func TestFind_takes_a_token_as_it_is_and_knows_when_there_is_nothing(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, 3600)
	proof, err := issuer.find(t, map[string]string{"azure_ad_token": "given"}, nil, false)
	require.NoError(t, err)
	require.Equal(t, "Bearer given", token(t, proof))
	env := map[string]string{"AZURE_AD_TOKEN": "of the environment"}
	proof, err = issuer.find(t, nil, env, false)
	require.NoError(t, err)
	require.Nil(t, proof, "the environment was not asked")
	proof, err = issuer.find(t, nil, env, true)
	require.NoError(t, err)
	require.Equal(t, "Bearer of the environment", token(t, proof))
	_, err = issuer.find(t, map[string]string{"azure_ad_token": "oidc/file/x"}, nil, false)
	require.ErrorContains(t, err, "client_id and tenant_id")
}

func TestSource_keeps_a_token_and_fetches_it_once_for_all(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, 3600)
	proof, err := issuer.find(t, map[string]string{"tenant_id": "t", "client_id": "c", "client_secret": "s"}, nil, false)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			fields, err := proof.Authorize(t.Context(), http.MethodPost, "", nil)
			if err != nil || fields[0].Value != "Bearer token-1" {
				t.Errorf("got %v, %v", fields, err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, issuer.asked.Load())
}

func TestSource_outlives_a_refresh_that_fails(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, 3600)
	proof, err := issuer.find(t, map[string]string{"tenant_id": "t", "client_id": "c", "client_secret": "s"}, nil, false)
	require.NoError(t, err)
	later := entra.Later(proof)
	require.Equal(t, "Bearer token-1", token(t, proof))
	issuer.failing.Store(true)
	later(3400) // it is time to refresh, and the token is still good
	require.Equal(t, "Bearer token-1", token(t, proof))
	require.Equal(t, "Bearer token-1", token(t, proof))
	require.EqualValues(t, 2, issuer.asked.Load(), "the issuer is not asked with every call")
	later(300) // it has expired
	_, err = proof.Authorize(t.Context(), http.MethodPost, "", nil)
	require.ErrorContains(t, err, "AADSTS7000215: Invalid client secret provided.")
	issuer.failing.Store(false)
	require.Equal(t, "Bearer token-4", token(t, proof))
}

func TestSource_says_what_is_wrong_and_tells_no_secret(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, 0)
	file := filepath.Join(t.TempDir(), "shadow")
	require.NoError(t, os.WriteFile(file, []byte("root:password"), 0o600))
	for want, params := range map[string]map[string]string{
		"401: invalid_client": {"tenant_id": "t", "client_id": "c", "client_secret": "wrong-secret"},
		"sensible lifetime":   {"tenant_id": "t", "client_id": "c", "client_secret": "s"},
		"no JSON web token":   {"tenant_id": "t", "client_id": "c", "azure_ad_token": "oidc/file/" + file},
		"no such file":        {"tenant_id": "t", "client_id": "c", "azure_ad_token": "oidc/file/" + file + "x"},
	} {
		proof, err := issuer.find(t, params, nil, false)
		require.NoError(t, err)
		_, err = proof.Authorize(t.Context(), http.MethodPost, "", nil)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "wrong-secret")
		require.NotContains(t, err.Error(), "password")
	}
}

func TestSource_waits_no_longer_than_its_caller(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(release) })
	proof, err := (&issuer{Server: slow}).find(t, map[string]string{"tenant_id": "t", "client_id": "c", "client_secret": "s"}, nil, false)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = proof.Authorize(ctx, http.MethodPost, "", nil)
	require.ErrorIs(t, err, context.Canceled)
}

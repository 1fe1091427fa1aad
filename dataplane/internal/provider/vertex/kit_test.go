package vertex_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/vertex"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// privateKey is one key for all tests: making it takes a while.
var privateKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
})

// tokenService plays Google's.
type tokenService struct {
	url     string
	asked   atomic.Int64
	seconds atomic.Int64 // that a token lasts
	status  atomic.Int64 // of a refusal
	release chan struct{}
	same    bool // all tokens have one name
}

func newTokenService(t *testing.T) *tokenService {
	t.Helper()
	s := &tokenService{}
	s.seconds.Store(3600)
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.url = server.URL + "/token"
	return s
}

func (s *tokenService) serve(w http.ResponseWriter, r *http.Request) {
	n := s.asked.Add(1)
	if s.same {
		n = 1
	}
	if s.release != nil {
		<-s.release
	}
	if status := s.status.Load(); status != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(int(status))
		_, _ = io.WriteString(w, `{"error":"invalid_grant","error_description":"the secret is hush-hush"}`)
		return
	}
	if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || r.FormValue("assertion") == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, n, s.seconds.Load())
}

// serviceAccount is the key file of one.
func serviceAccount(tokenURL string) string {
	b, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "account-project", "private_key_id": "1", "private_key": privateKey(),
		"client_email": "a@account-project.iam.gserviceaccount.com", "client_id": "2", "token_uri": tokenURL,
		"auth_uri": "https://accounts.google.com/o/oauth2/auth",
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// picture answers every link with the same picture.
type picture struct{}

func (picture) Fetch(context.Context, string) (content []byte, mediaType string, err error) {
	return []byte("\x89PNG"), "image/png", nil
}

func newClient(t *testing.T) *upstream.Client {
	t.Helper()
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func build(cfg provider.Config, client *upstream.Client) (provider.Backend, error) {
	return vertex.New(cfg, client, picture{})
}

package bucket_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit/bucket"
)

const (
	accessKey = "AKIDEXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	region    = "eu-central-1"
)

// service is S3 as far as an archive needs it: it checks signatures and hashes.
type service struct {
	*httptest.Server

	mu      sync.Mutex
	objects map[string][]byte
	// spoil changes what is kept of a body.
	spoil func([]byte) []byte
	// plain keeps no checksums, as some services do not.
	plain bool
	down  bool
}

func serve(t *testing.T) *service {
	t.Helper()
	s := &service{objects: map[string][]byte{}, spoil: func(b []byte) []byte { return b }}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// signed signs what arrived as the SDK would, and compares.
func signed(r *http.Request, body []byte) bool {
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if err != nil || r.Header.Get("X-Amz-Content-Sha256") != hash {
		return false
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.RequestURI, http.NoBody)
	if err != nil {
		return false
	}
	again.ContentLength = r.ContentLength
	_, names, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	for name := range strings.SplitSeq(names, ";") {
		if v := r.Header.Get(name); v != "" {
			again.Header.Set(name, v)
		}
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	credentials := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}
	err = signer.SignHTTP(r.Context(), credentials, again, hash, "s3", region, at)
	return err == nil && again.Header.Get("Authorization") == r.Header.Get("Authorization")
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, found := s.objects[r.URL.Path]
	switch {
	case s.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case !signed(r, body):
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Checksum-Sha256") != checksum(body):
		w.WriteHeader(http.StatusBadRequest)
	case r.Method == http.MethodPut:
		s.objects[r.URL.Path] = s.spoil(body)
	case !found:
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Header().Set("Content-Length", strconv.Itoa(len(kept)))
		if !s.plain && r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
			w.Header().Set("X-Amz-Checksum-Sha256", checksum(kept))
		}
	}
}

func checksum(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (s *service) options() *bucket.Options {
	return &bucket.Options{URL: "s3://vault/of the/audit+log", Region: region, Endpoint: s.URL, AccessKey: accessKey, SecretKey: secretKey}
}

func TestBucket_keeps_what_it_says_it_has(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b, err := bucket.New(s.options())
	require.NoError(t, err)
	for _, lines := range []string{"{}\n", "{}\n{}\n"} { // a name that is there is replaced
		require.NoError(t, b.Keep(t.Context(), "audit_logs/2026-01-01/1-2.jsonl", []byte(lines)))
		require.Equal(t, lines, string(s.objects["/vault/of the/audit+log/audit_logs/2026-01-01/1-2.jsonl"]))
	}
	s.plain = true
	require.NoError(t, b.Keep(t.Context(), "b", []byte("{}\n")))
}

func TestBucket_believes_nothing_that_it_did_not_see(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*service, *bucket.Options)
		want   string
	}{
		"lost":          {func(s *service, _ *bucket.Options) { s.spoil = func([]byte) []byte { return nil } }, "0 bytes"},
		"cut":           {func(s *service, _ *bucket.Options) { s.spoil = func(b []byte) []byte { return b[1:] } }, "bytes"},
		"other bytes":   {func(s *service, _ *bucket.Options) { s.spoil = func(b []byte) []byte { return append(b[1:], 'x') } }, "not what was put"},
		"away":          {func(s *service, _ *bucket.Options) { s.down = true }, "answered 503"},
		"nobody there":  {func(s *service, _ *bucket.Options) { s.Close() }, "refused"},
		"wrong secret":  {func(_ *service, o *bucket.Options) { o.SecretKey = "other" }, "answered 403"},
		"wrong region":  {func(_ *service, o *bucket.Options) { o.Region = "us-east-1" }, "answered 403"},
		"wrong account": {func(_ *service, o *bucket.Options) { o.AccessKey = "other" }, "answered 403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			o := s.options()
			c.change(s, o)
			b, err := bucket.New(o)
			require.NoError(t, err)
			err = b.Keep(t.Context(), "a", []byte("{\"a\":1}\n"))
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), secretKey)
		})
	}
}

func TestNew_refuses_what_can_not_work(t *testing.T) {
	t.Parallel()
	for _, o := range []bucket.Options{
		{URL: "s3://", AccessKey: "a", SecretKey: "b"},
		{URL: "gs://a", AccessKey: "a", SecretKey: "b"},
		{URL: "s3://a"},
		{URL: "s3://a", AccessKey: "a", SecretKey: "b", Endpoint: "storage.example.com"},
	} {
		_, err := bucket.New(&o)
		require.Error(t, err, o.URL)
	}
	_, err := bucket.New(&bucket.Options{URL: "s3://my.bucket", AccessKey: "a", SecretKey: "b"})
	require.NoError(t, err)
}

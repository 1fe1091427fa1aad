package awsauth_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/bedrock/awsauth"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	exampleKey    = "AKIDEXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

func newClient(t *testing.T) *upstream.Client {
	t.Helper()
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func exampleConfig() *provider.Config {
	return &provider.Config{Secrets: map[string]string{"aws_access_key_id": exampleKey, "aws_secret_access_key": exampleSecret}}
}

// The vectors are AWS's: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (aws-sig-v4-test-suite).
func TestSigner_agrees_with_the_published_vectors(t *testing.T) {
	t.Parallel()
	signer, err := awsauth.New(exampleConfig(), newClient(t), awsauth.Options{
		Service: "service", Region: "us-east-1", Now: func() time.Time { return time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC) },
	})
	require.NoError(t, err)
	for _, c := range []struct{ method, path, signature string }{
		{"GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},                             // get-vanilla
		{"POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},                            // post-vanilla
		{"GET", "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"}, // get-vanilla-query-order-key-case
	} {
		fields, err := signer.Authorize(t.Context(), c.method, "https://example.amazonaws.com"+c.path, nil)
		require.NoError(t, err)
		require.Equal(t, []upstream.Field{
			{Name: "Authorization", Value: "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + c.signature},
			{Name: "X-Amz-Date", Value: "20150830T123600Z"},
		}, fields)
	}
}

// verifier signs what arrives as the SDK would and compares.
func verifier(t *testing.T, credentials aws.Credentials) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		again, _ := http.NewRequest(r.Method, "http://"+r.Host+r.RequestURI, nil)
		again.Header.Set("X-Amz-Meta", r.Header.Get("X-Amz-Meta"))
		sum := sha256.Sum256(body)
		_ = v4.NewSigner().SignHTTP(r.Context(), credentials, again, hex.EncodeToString(sum[:]), "bedrock", "eu-central-1", at)
		if again.Header.Get("Authorization") != r.Header.Get("Authorization") || again.Header.Get("X-Amz-Security-Token") != r.Header.Get("X-Amz-Security-Token") {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestSigner_signs_what_arrives(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	server := verifier(t, aws.Credentials{AccessKeyID: exampleKey, SecretAccessKey: exampleSecret, SessionToken: "session"})
	cfg := exampleConfig()
	cfg.Secrets["aws_session_token"] = "session"
	signer, err := awsauth.New(cfg, client, awsauth.Options{
		Service: "bedrock", Region: "eu-central-1", Header: map[string]string{"X-Amz-Meta": "m", "Other": "o"},
	})
	require.NoError(t, err)
	for _, path := range []string{
		"/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
		"/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Fx/converse-stream?a=b%20c&A=1",
	} {
		url, body := server.URL+path, []byte(`{"messages":[]}`)
		fields, err := signer.Authorize(t.Context(), http.MethodPost, url, body)
		require.NoError(t, err)
		target, err := upstream.ParseTarget(url)
		require.NoError(t, err)
		fields = append(fields, upstream.Field{Name: "X-Amz-Meta", Value: "m"}, upstream.Field{Name: "Other", Value: "o"})
		resp, err := client.Do(t.Context(), &upstream.Request{Method: http.MethodPost, Target: target, Fields: fields, Body: [][]byte{body}})
		require.NoError(t, err)
		require.NoError(t, resp.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode, path)
	}
}

func TestRegion(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	write(t, home, "config", "[default]\nregion = ca-central-1\n[profile dev]\nregion=ap-south-1\n")
	const arn = "arn:aws:bedrock:eu-west-3:123456789012:application-inference-profile/x"
	for _, c := range []struct {
		own, arn, want string
		env            map[string]string
	}{
		{own: "us-east-2", arn: arn, env: map[string]string{"AWS_REGION": "x"}, want: "us-east-2"},
		{arn: arn, env: map[string]string{"AWS_REGION_NAME": "x"}, want: "eu-west-3"},
		{arn: "anthropic.claude", env: map[string]string{"AWS_REGION_NAME": "a-1", "AWS_REGION": "b-1", "AWS_DEFAULT_REGION": "c-1"}, want: "a-1"},
		{env: map[string]string{"AWS_REGION": "b-1", "AWS_DEFAULT_REGION": "c-1"}, want: "b-1"},
		{env: map[string]string{"AWS_DEFAULT_REGION": "c-1", "HOME": home}, want: "c-1"},
		{env: map[string]string{"HOME": home}, want: "ca-central-1"},
		{env: map[string]string{"HOME": home, "AWS_PROFILE": "dev"}, want: "ap-south-1"},
		{want: "us-west-2"},
	} {
		cfg := &provider.Config{Secrets: map[string]string{"aws_region_name": c.own}, Getenv: func(name string) string { return c.env[name] }}
		region, err := awsauth.Region(cfg, c.arn)
		require.NoError(t, err)
		require.Equal(t, c.want, region)
	}
	_, err := awsauth.Region(&provider.Config{Secrets: map[string]string{"aws_region_name": "evil.example/"}}, "")
	require.Error(t, err)
	require.True(t, strings.HasSuffix(awsauth.Domain("cn-north-1"), ".cn"))
}

func BenchmarkAuthorize(b *testing.B) {
	signer, err := awsauth.New(exampleConfig(), nil, awsauth.Options{Service: "bedrock", Region: "us-east-1"})
	require.NoError(b, err)
	body := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := signer.Authorize(b.Context(), http.MethodPost, "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", body); err != nil {
			b.Fatal(err)
		}
	}
}

package awsauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/bedrock/awsauth"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// token is a JSON web token in form.
const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwb2QifQ.c2ln"

func write(t *testing.T, home, name, content string) string {
	t.Helper()
	file := filepath.Join(home, ".aws", name)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

// services plays STS, the instance, the container's agent and the SSO portal.
type services struct {
	*httptest.Server

	lifetime time.Duration
	asked    atomic.Int32
	mu       sync.Mutex
	sts      url.Values
	signed   string
}

func newServices(t *testing.T) *services {
	t.Helper()
	s := &services{lifetime: time.Hour}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *services) serve(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	until := time.Now().Add(s.lifetime).UTC().Format(time.RFC3339)
	document := fmt.Sprintf(`{"AccessKeyId":"AKMETA","SecretAccessKey":"s","Token":"t","Expiration":%q}`, until)
	switch path := r.URL.Path; {
	case path == "/latest/api/token" && r.Method == http.MethodPut:
		_, _ = io.WriteString(w, "imds-token")
	case strings.HasPrefix(path, "/latest/") && r.Header.Get("X-Aws-Ec2-Metadata-Token") != "imds-token":
		w.WriteHeader(http.StatusUnauthorized)
	case path == "/latest/meta-data/iam/security-credentials/":
		_, _ = io.WriteString(w, "my-role\n")
	case path == "/latest/meta-data/iam/security-credentials/my-role":
		_, _ = io.WriteString(w, document)
	case path == "/container" && r.Header.Get("Authorization") == "agent-token":
		_, _ = io.WriteString(w, strings.ReplaceAll(document, "AKMETA", "AKPOD"))
	case path == "/federation/credentials" && r.Header.Get("X-Amz-Sso_bearer_token") == "login" && r.URL.Query().Get("role_name") == "Dev":
		fmt.Fprintf(w, `{"roleCredentials":{"accessKeyId":"AKSSO","secretAccessKey":"s","sessionToken":"t","expiration":%d}}`, time.Now().Add(time.Hour).UnixMilli())
	case path == "/":
		s.serveSTS(w, r, until)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (s *services) serveSTS(w http.ResponseWriter, r *http.Request, until string) {
	_ = r.ParseForm()
	s.mu.Lock()
	s.sts, s.signed = r.PostForm, r.Header.Get("Authorization")
	s.mu.Unlock()
	action := r.PostForm.Get("Action")
	if strings.HasSuffix(r.PostForm.Get("RoleArn"), "/forbidden") {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>`)
		return
	}
	key := "AK" + r.PostForm.Get("RoleArn")[strings.LastIndexByte(r.PostForm.Get("RoleArn"), '/')+1:]
	fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult><Credentials><AccessKeyId>%[2]s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>`+
		`<Expiration>%[3]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, action, key, until)
}

// portal sends what is for AWS's own hosts to the services of the test.
type portal struct {
	client *upstream.Client
	to     string
}

func (p portal) Do(ctx context.Context, req *upstream.Request) (*upstream.Response, error) {
	if strings.Contains(req.Target.Host(), "amazonaws.com") {
		_, path, _ := strings.Cut(strings.TrimPrefix(req.Target.String(), "https://"), "/")
		target, err := upstream.ParseTarget(p.to + "/" + path + "?role_name=Dev")
		if err != nil {
			return nil, err
		}
		req.Target = target
	}
	return p.client.Do(ctx, req)
}

func (s *services) signer(t *testing.T, params, env map[string]string) (*awsauth.Signer, error) {
	t.Helper()
	cfg := &provider.Config{Secrets: params, Getenv: func(name string) string { return env[name] }}
	return awsauth.New(cfg, portal{newClient(t), s.URL}, awsauth.Options{Service: "bedrock", Region: "eu-west-1"})
}

// key returns the access key of what signs.
func key(t *testing.T, signer *awsauth.Signer) string {
	t.Helper()
	fields, err := signer.Authorize(t.Context(), http.MethodPost, "https://example.com/", nil)
	require.NoError(t, err)
	_, rest, _ := strings.Cut(fields[0].Value, "Credential=")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

func TestSigner_finds_credentials_as_AWSs_tools_do(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	tokenFile := write(t, home, "token", token+"\n")
	write(t, home, "agent", "agent-token\n")
	write(t, home, "config", `
[profile role]
role_arn = arn:aws:iam::1:role/chained
source_profile = keys
external_id = x1
[profile pod]
role_arn = arn:aws:iam::1:role/pod
web_identity_token_file = `+tokenFile+`
[profile circle]
role_arn = arn:aws:iam::1:role/c
source_profile = circle
[profile process]
credential_process = printf '{"Version":1,"AccessKeyId":"AKPROC","SecretAccessKey":"s"}'
`)
	write(t, home, "credentials", "[keys] ; a comment\naws_access_key_id = AKFILE\naws_secret_access_key = s # and another\n  nested = x\n")
	services := newServices(t)
	env := func(more ...string) map[string]string {
		e := map[string]string{"HOME": home, "AWS_EC2_METADATA_SERVICE_ENDPOINT": services.URL + "/"}
		for i := 0; i < len(more); i += 2 {
			e[more[i]] = more[i+1]
		}
		return e
	}
	const role = "arn:aws:iam::1:role/"
	for name, c := range map[string]struct {
		params, env map[string]string
		want        string
	}{
		"keys of the deployment": {
			params: map[string]string{"aws_access_key_id": "AKOWN", "aws_secret_access_key": "s"}, env: env("AWS_ACCESS_KEY_ID", "AKENV", "AWS_SECRET_ACCESS_KEY", "s"), want: "AKOWN",
		},
		"keys of the environment": {env: env("AWS_ACCESS_KEY_ID", "AKENV", "AWS_SECRET_ACCESS_KEY", "s"), want: "AKENV"},
		"profile":                 {params: map[string]string{"aws_profile_name": "keys"}, env: env(), want: "AKFILE"},
		"profile by variable":     {env: env("AWS_PROFILE", "keys"), want: "AKFILE"},
		"profile with a role":     {params: map[string]string{"aws_profile_name": "role"}, env: env(), want: "AKchained"},
		"profile of a pod":        {params: map[string]string{"aws_profile_name": "pod"}, env: env(), want: "AKpod"},
		"profile with a process":  {params: map[string]string{"aws_profile_name": "process"}, env: env(), want: "AKPROC"},
		"role": {
			params: map[string]string{"aws_access_key_id": "AKOWN", "aws_secret_access_key": "s", "aws_role_name": role + "mine", "aws_sts_endpoint": services.URL}, env: env(), want: "AKmine",
		},
		"role of the environment's keys": {
			params: map[string]string{"aws_role_name": role + "mine", "aws_sts_endpoint": services.URL}, env: env("AWS_ACCESS_KEY_ID", "AKENV", "AWS_SECRET_ACCESS_KEY", "s"), want: "AKmine",
		},
		"web identity": {
			params: map[string]string{"aws_role_name": role + "web", "aws_web_identity_token": "oidc/file/" + tokenFile, "aws_sts_endpoint": services.URL}, env: env(), want: "AKweb",
		},
		"web identity of the pod": {env: env("AWS_WEB_IDENTITY_TOKEN_FILE", tokenFile, "AWS_ROLE_ARN", role+"irsa"), want: "AKirsa"},
		"the pod's own role, named": {
			params: map[string]string{"aws_role_name": role + "irsa"}, env: env("AWS_WEB_IDENTITY_TOKEN_FILE", tokenFile, "AWS_ROLE_ARN", role+"irsa"), want: "AKirsa",
		},
		"container": {
			env:  env("AWS_CONTAINER_CREDENTIALS_FULL_URI", services.URL+"/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", filepath.Join(home, ".aws", "agent")),
			want: "AKPOD",
		},
		"instance": {env: env(), want: "AKMETA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signer, err := services.signer(t, c.params, c.env)
			require.NoError(t, err)
			require.Equal(t, c.want, key(t, signer))
		})
	}
}

func TestSigner_uses_the_session_of_an_SSO_login(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	write(t, home, "config", "[profile sso]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = Dev\n[sso-session corp]\nsso_region = us-east-1\n")
	services := newServices(t)
	login := func(until time.Time) {
		// The name is the SHA-1 of the session's.
		write(t, home, "sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json", fmt.Sprintf(`{"accessToken":"login","expiresAt":%q}`, until.UTC().Format(time.RFC3339)))
	}
	signer, err := services.signer(t, map[string]string{"aws_profile_name": "sso"}, map[string]string{"HOME": home})
	require.NoError(t, err)
	login(time.Now().Add(-time.Minute))
	_, err = signer.Authorize(t.Context(), http.MethodPost, "https://example.com/", nil)
	require.ErrorContains(t, err, "aws sso login")
	login(time.Now().Add(time.Hour))
	require.Equal(t, "AKSSO", key(t, signer))
}

func TestSigner_asks_STS_as_it_is_told(t *testing.T) {
	t.Parallel()
	services := newServices(t)
	signer, err := services.signer(t, map[string]string{
		"aws_access_key_id": "AKOWN", "aws_secret_access_key": "secret-key", "aws_role_name": "arn:aws:iam::1:role/mine", "aws_session_name": "me", "aws_external_id": "x1",
		"aws_sts_endpoint": services.URL,
	}, nil)
	require.NoError(t, err)
	require.Equal(t, "AKmine", key(t, signer))
	require.Equal(t, url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {"arn:aws:iam::1:role/mine"}, "RoleSessionName": {"me"}, "ExternalId": {"x1"},
	}, services.sts)
	require.Contains(t, services.signed, "Credential=AKOWN/")
	require.Contains(t, services.signed, "/eu-west-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date")
}

func TestSigner_keeps_credentials_until_they_are_about_to_expire(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lifetime time.Duration
		asked    int32
	}{"long": {time.Hour, 1}, "short": {time.Minute, 2}} {
		services := newServices(t)
		services.lifetime = c.lifetime
		signer, err := services.signer(t, map[string]string{
			"aws_role_name": "arn:aws:iam::1:role/mine", "aws_web_identity_token": token, "aws_sts_endpoint": services.URL,
		}, nil)
		require.NoError(t, err)
		for range 2 {
			require.Equal(t, "AKmine", key(t, signer))
		}
		require.Equal(t, c.asked, services.asked.Load(), name)
	}
}

func TestSigner_says_what_is_wrong_and_tells_no_secret(t *testing.T) {
	t.Parallel()
	services := newServices(t)
	home := t.TempDir()
	secretFile := write(t, home, "shadow", "root:hash.of.password:0\n")
	write(t, home, "config", "[profile circle]\nrole_arn = r\nsource_profile = other\n[profile other]\nrole_arn = r\nsource_profile = circle\n[profile empty]\nregion = x\n")
	for want, c := range map[string]struct{ params, env map[string]string }{
		"need each other":     {params: map[string]string{"aws_access_key_id": "AKOWN"}},
		"needs aws_role_name": {params: map[string]string{"aws_web_identity_token": token}},
		"AccessDenied: not authorized": {params: map[string]string{
			"aws_access_key_id": "AKOWN", "aws_secret_access_key": "secret-key", "aws_role_name": "arn:aws:iam::1:role/forbidden", "aws_sts_endpoint": services.URL,
		}},
		"not a JSON web token": {params: map[string]string{"aws_role_name": "r/x", "aws_web_identity_token": "oidc/file/" + secretFile, "aws_sts_endpoint": services.URL}},
		"neither of AWS's":     {params: map[string]string{"aws_profile_name": "none"}, env: map[string]string{"HOME": home}},
		"round in circles":     {params: map[string]string{"aws_profile_name": "circle"}, env: map[string]string{"HOME": home}},
		"none found":           {params: map[string]string{"aws_profile_name": "empty"}, env: map[string]string{"HOME": home}},
		"must be https":        {env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/x"}},
		"none found: set":      {env: map[string]string{"AWS_EC2_METADATA_DISABLED": "true"}},
	} {
		signer, err := services.signer(t, c.params, c.env)
		if err == nil {
			_, err = signer.Authorize(t.Context(), http.MethodPost, "https://example.com/", nil)
		}
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret-key")
		require.NotContains(t, err.Error(), "password")
	}
	require.EqualValues(t, 1, services.asked.Load(), "what is no token goes nowhere")
}

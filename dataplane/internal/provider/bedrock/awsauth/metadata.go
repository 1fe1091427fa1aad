package awsauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// documented is the answer of the metadata services and of a credential
// process.
type documented struct {
	AccessKeyID     string `json:"AccessKeyId"`     //nolint:tagliatelle // AWS's name
	SecretAccessKey string `json:"SecretAccessKey"` //nolint:tagliatelle // AWS's name
	Token           string `json:"Token"`           //nolint:tagliatelle // AWS's name
	SessionToken    string `json:"SessionToken"`    //nolint:tagliatelle // AWS's name
	Expiration      string `json:"Expiration"`      //nolint:tagliatelle // AWS's name
}

func readDocumented(body []byte) (aws.Credentials, error) {
	var d documented
	if err := json.Unmarshal(body, &d); err != nil {
		return aws.Credentials{}, errors.New("the answer is not JSON")
	}
	c := aws.Credentials{AccessKeyID: d.AccessKeyID, SecretAccessKey: d.SecretAccessKey, SessionToken: d.Token + d.SessionToken}
	if !c.HasKeys() {
		return c, errors.New("the answer holds no keys")
	}
	if d.Expiration != "" {
		until, err := time.Parse(time.RFC3339, d.Expiration)
		if err != nil {
			return c, errors.New("the answer's expiration is no time")
		}
		c.CanExpire, c.Expires = true, until
	}
	return c, nil
}

// container asks ECS's agent or EKS's:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (c *chain) container(ctx context.Context) (aws.Credentials, error) {
	where := c.cfg.Env("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if relative := c.cfg.Env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		where = "http://169.254.170.2" + relative
	}
	if !containerHost(where) {
		return aws.Credentials{}, errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or lead to this machine")
	}
	q := request{method: http.MethodGet, url: where, timeout: fetchTimeout}
	token := c.cfg.Env("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := c.cfg.Env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		b, err := readFile(file, maxToken)
		if err != nil {
			return aws.Credentials{}, fmt.Errorf("container's token: %w", err)
		}
		token = strings.TrimSpace(string(b))
	}
	if token != "" {
		q.fields = []upstream.Field{{Name: "Authorization", Value: token}}
	}
	body, err := askOK(ctx, c.doer, q)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("container's credentials: %w", err)
	}
	return readDocumented(body)
}

// containerHost allows what AWS's tools allow: the token must not go astray.
func containerHost(where string) bool {
	u, err := url.Parse(where)
	if err != nil {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	switch u.Hostname() {
	case "localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23":
		return true
	}
	return ip != nil && ip.IsLoopback()
}

// instance asks EC2's metadata service, version 2:
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
func (c *chain) instance(ctx context.Context) (aws.Credentials, error) {
	base := strings.TrimRight(c.cfg.Env("AWS_EC2_METADATA_SERVICE_ENDPOINT"), "/")
	if base == "" {
		base = "http://169.254.169.254"
	}
	token, err := askOK(ctx, c.doer, request{
		method: http.MethodPut, url: base + "/latest/api/token", timeout: metadataTimeout,
		fields: []upstream.Field{{Name: "X-Aws-Ec2-Metadata-Token-Ttl-Seconds", Value: "300"}},
	})
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("%w (and there is no instance metadata: %w)", errNoCredentials, err)
	}
	get := func(path string) ([]byte, error) {
		return askOK(ctx, c.doer, request{
			method: http.MethodGet, url: base + "/latest/meta-data/iam/security-credentials/" + path, timeout: metadataTimeout,
			fields: []upstream.Field{{Name: "X-Aws-Ec2-Metadata-Token", Value: strings.TrimSpace(string(token))}},
		})
	}
	roles, err := get("")
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("instance's role: %w", err)
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(roles)), "\n")
	body, err := get(url.PathEscape(strings.TrimSpace(name)))
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("instance's credentials: %w", err)
	}
	return readDocumented(body)
}

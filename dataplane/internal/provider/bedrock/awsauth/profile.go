package awsauth

import (
	"context"
	"crypto/sha1" //nolint:gosec // the name of a file, not a proof
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// maxSources bounds how many profiles may lead to each other.
const maxSources = 5

// profile returns the credentials of a profile of the shared files.
func (c *chain) profile(ctx context.Context, name string) (aws.Credentials, error) {
	files, err := c.files()
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("aws profile %s: %w", name, err)
	}
	if !files.has(name) {
		return aws.Credentials{}, fmt.Errorf("aws profile %s: it is in neither of AWS's shared files", name)
	}
	credentials, err := c.fromProfile(ctx, files, name, 0)
	if err != nil {
		return credentials, fmt.Errorf("aws profile %s: %w", name, err)
	}
	return credentials, nil
}

func (c *chain) fromProfile(ctx context.Context, files files, name string, depth int) (aws.Credentials, error) {
	s := files[name]
	if depth > maxSources {
		return aws.Credentials{}, errors.New("source_profile goes round in circles")
	}
	keys := aws.Credentials{AccessKeyID: s["aws_access_key_id"], SecretAccessKey: s["aws_secret_access_key"], SessionToken: s["aws_session_token"]}
	switch {
	case s["role_arn"] != "" && s["source_profile"] == name && keys.HasKeys():
		own := func(context.Context) (aws.Credentials, error) { return keys, nil }
		return c.assume(s.role(), own)(ctx)
	case s["role_arn"] != "":
		return c.profileRole(ctx, files, s, depth)
	case keys.HasKeys():
		return keys, nil
	case s["credential_process"] != "":
		return c.process(ctx, s["credential_process"])
	case s["sso_account_id"] != "":
		return c.sso(ctx, files, s)
	}
	return aws.Credentials{}, errNoCredentials
}

func (s section) role() role {
	return role{arn: s["role_arn"], session: s["role_session_name"], externalID: s["external_id"]}
}

// profileRole assumes the role of a profile with what the profile names for it.
func (c *chain) profileRole(ctx context.Context, files files, s section, depth int) (aws.Credentials, error) {
	var base find
	switch source := s["credential_source"]; {
	case s["web_identity_token_file"] != "":
		return c.webIdentity(s.role(), fileToken+s["web_identity_token_file"])(ctx)
	case files.has(s["source_profile"]):
		base = func(ctx context.Context) (aws.Credentials, error) {
			return c.fromProfile(ctx, files, s["source_profile"], depth+1)
		}
	case source == "Environment":
		base = func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID: c.cfg.Env("AWS_ACCESS_KEY_ID"), SecretAccessKey: c.cfg.Env("AWS_SECRET_ACCESS_KEY"), SessionToken: c.cfg.Env("AWS_SESSION_TOKEN"),
			}, nil
		}
	case source == "EcsContainer":
		base = c.container
	case source == "Ec2InstanceMetadata":
		base = c.instance
	default:
		return aws.Credentials{}, errors.New("role_arn needs source_profile, credential_source or web_identity_token_file")
	}
	return c.assume(s.role(), base)(ctx)
}

// process runs the command of a profile, which its owner wrote for that:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
func (c *chain) process(ctx context.Context, command string) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "sh", "-c", command).Output() //nolint:gosec // AWS's tools do so too
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("credential_process: %w", err)
	}
	credentials, err := readDocumented(out)
	if err != nil {
		return credentials, fmt.Errorf("credential_process: %w", err)
	}
	return credentials, nil
}

// sso uses the session that "aws sso login" has left behind:
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
func (c *chain) sso(ctx context.Context, files files, s section) (aws.Credentials, error) {
	cacheKey, region := s["sso_start_url"], s["sso_region"]
	if session := s["sso_session"]; session != "" {
		cacheKey, region = session, files["sso-session "+session]["sso_region"]
	}
	sum := sha1.Sum([]byte(cacheKey)) //nolint:gosec // the name of a file
	b, err := readFile(filepath.Join(c.cfg.Env("HOME", "USERPROFILE"), ".aws", "sso", "cache", hex.EncodeToString(sum[:])+".json"), maxFile)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("no SSO session, run aws sso login: %w", err)
	}
	var login struct {
		AccessToken string    `json:"accessToken"` //nolint:tagliatelle // AWS's name
		ExpiresAt   time.Time `json:"expiresAt"`   //nolint:tagliatelle // AWS's name
	}
	if err := json.Unmarshal(b, &login); err != nil || login.AccessToken == "" || !c.now().Before(login.ExpiresAt) {
		return aws.Credentials{}, errors.New("the SSO session has ended, run aws sso login")
	}
	query := url.Values{"role_name": {s["sso_role_name"]}, "account_id": {s["sso_account_id"]}}
	body, err := askOK(ctx, c.doer, request{
		method: http.MethodGet, url: "https://portal.sso." + strings.TrimSpace(region) + "." + Domain(region) + "/federation/credentials?" + query.Encode(),
		fields: []upstream.Field{{Name: "X-Amz-Sso_bearer_token", Value: login.AccessToken}}, timeout: fetchTimeout,
	})
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("SSO portal: %w", err)
	}
	var answer struct {
		Role struct {
			AccessKeyID     string `json:"accessKeyId"`     //nolint:tagliatelle // AWS's name
			SecretAccessKey string `json:"secretAccessKey"` //nolint:tagliatelle // AWS's name
			SessionToken    string `json:"sessionToken"`    //nolint:tagliatelle // AWS's name
			Expiration      int64  `json:"expiration"`      // Unix milliseconds
		} `json:"roleCredentials"` //nolint:tagliatelle // AWS's name
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Role.AccessKeyID == "" {
		return aws.Credentials{}, errors.New("the SSO portal's answer holds no keys")
	}
	r := &answer.Role
	return aws.Credentials{
		AccessKeyID: r.AccessKeyID, SecretAccessKey: r.SecretAccessKey, SessionToken: r.SessionToken,
		CanExpire: true, Expires: time.UnixMilli(r.Expiration),
	}, nil
}

package awsauth

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	formType = "application/x-www-form-urlencoded"
	// fileToken stands in front of the path of a token, as in LiteLLM.
	fileToken = "oidc/file/" //nolint:gosec // no credential
	maxToken  = 64 << 10
)

// role is what is to be assumed.
type role struct {
	arn        string
	session    string
	externalID string
	endpoint   string // of STS; the region's unless set
}

// form writes the parameters of both operations of STS.
func (r role) form(action string) url.Values {
	session := r.session
	if session == "" {
		session = "tianjillm"
	}
	form := url.Values{"Action": {action}, "Version": {"2011-06-15"}, "RoleArn": {r.arn}, "RoleSessionName": {session}}
	if r.externalID != "" {
		form.Set("ExternalId", r.externalID)
	}
	return form
}

// assume asks for a role with other credentials:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (c *chain) assume(r role, base find) find {
	return func(ctx context.Context) (aws.Credentials, error) {
		own, err := base(ctx)
		if err != nil {
			return own, fmt.Errorf("to assume %s: %w", r.arn, err)
		}
		body := []byte(r.form("AssumeRole").Encode())
		sts := Signer{signer: v4.NewSigner(), service: "sts", region: c.region, header: http.Header{"Content-Type": {formType}}, now: c.now}
		proof, err := sts.sign(ctx, &own, http.MethodPost, c.sts(r), body)
		if err != nil {
			return own, err
		}
		return c.askSTS(ctx, r, body, proof)
	}
}

// webIdentity asks for a role with a token of another issuer, which is its own
// proof: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func (c *chain) webIdentity(r role, token string) find {
	return func(ctx context.Context) (aws.Credentials, error) {
		token, err := readToken(token)
		if err != nil {
			return aws.Credentials{}, fmt.Errorf("web identity token: %w", err)
		}
		form := r.form("AssumeRoleWithWebIdentity")
		form.Set("WebIdentityToken", token)
		return c.askSTS(ctx, r, []byte(form.Encode()), nil)
	}
}

// readToken reads a token anew each time, since its file is rotated. What does
// not look like a token is not sent to anybody.
func readToken(token string) (string, error) {
	if path, ok := strings.CutPrefix(token, fileToken); ok {
		b, err := readFile(path, maxToken)
		if err != nil {
			return "", err
		}
		token = strings.TrimSpace(string(b))
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("want a JSON web token, or oidc/file/ and the path of one")
	}
	for _, part := range parts {
		if _, err := base64.RawURLEncoding.DecodeString(part); err != nil {
			return "", errors.New("not a JSON web token")
		}
	}
	return token, nil
}

func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > limit:
		return nil, fmt.Errorf("%s is no file, or too long", path)
	}
	return os.ReadFile(path) //nolint:gosec // the operator names the path
}

func (c *chain) sts(r role) string {
	if r.endpoint != "" {
		return strings.TrimRight(r.endpoint, "/") + "/"
	}
	return "https://sts." + c.region + "." + Domain(c.region) + "/"
}

// stsAnswer is the answer of both operations, and their refusal.
type stsAnswer struct {
	Assumed  stsCredentials `xml:"AssumeRoleResult>Credentials"`
	Identity stsCredentials `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	Error    struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	} `xml:"Error"`
}

type stsCredentials struct {
	AccessKeyID     string    `xml:"AccessKeyId"`
	SecretAccessKey string    `xml:"SecretAccessKey"`
	SessionToken    string    `xml:"SessionToken"`
	Expiration      time.Time `xml:"Expiration"`
}

func (c *chain) askSTS(ctx context.Context, r role, body []byte, proof []upstream.Field) (aws.Credentials, error) {
	fields := append([]upstream.Field{{Name: "Content-Type", Value: formType}}, proof...)
	status, answer, err := ask(ctx, c.doer, request{method: http.MethodPost, url: c.sts(r), fields: fields, body: body, timeout: fetchTimeout})
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("sts: %w", err)
	}
	var parsed stsAnswer
	if err := xml.Unmarshal(answer, &parsed); err != nil {
		return aws.Credentials{}, fmt.Errorf("sts answered %d with something that is not its XML", status)
	}
	got := parsed.Assumed
	if got.AccessKeyID == "" {
		got = parsed.Identity
	}
	if status != http.StatusOK || got.AccessKeyID == "" {
		return aws.Credentials{}, fmt.Errorf("sts refuses %s: %s: %s", r.arn, parsed.Error.Code, parsed.Error.Message)
	}
	return aws.Credentials{
		AccessKeyID: got.AccessKeyID, SecretAccessKey: got.SecretAccessKey, SessionToken: got.SessionToken, CanExpire: true, Expires: got.Expiration,
	}, nil
}

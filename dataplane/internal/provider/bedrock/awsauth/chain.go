package awsauth

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

// find is a way to get credentials.
type find func(ctx context.Context) (aws.Credentials, error)

// Retrieve implements aws.CredentialsProvider.
func (f find) Retrieve(ctx context.Context) (aws.Credentials, error) { return f(ctx) }

// chain knows all ways of a deployment.
type chain struct {
	cfg    *provider.Config
	doer   Doer
	region string
	now    func() time.Time
}

// choose returns the way that the deployment's parameters name, in LiteLLM's
// order: a web identity, a role, a profile, keys; and what the environment
// offers where it names none.
func (c *chain) choose() (find, error) {
	keys, err := c.ownKeys()
	if err != nil {
		return nil, err
	}
	profile := c.cfg.Text("aws_profile_name")
	base := c.environment
	switch {
	case keys != nil:
		base = keys
	case profile != "":
		base = func(ctx context.Context) (aws.Credentials, error) { return c.profile(ctx, profile) }
	}
	role := c.role()
	switch token := c.cfg.Text("aws_web_identity_token"); {
	case role.arn == "" && token != "":
		return nil, errors.New("aws_web_identity_token needs aws_role_name")
	case role.arn == "":
		return base, nil
	case token != "":
		return c.webIdentity(role, token), nil
	case keys == nil && profile == "" && c.cfg.Env("AWS_ROLE_ARN") == role.arn && c.cfg.Env("AWS_WEB_IDENTITY_TOKEN_FILE") != "":
		return c.environment, nil // the pod's own role, which may not assume itself
	}
	return c.assume(role, base), nil
}

// ownKeys returns the keys of the deployment, or nil. They are never mixed
// with those of the environment.
func (c *chain) ownKeys() (find, error) {
	keys := aws.Credentials{
		AccessKeyID: c.cfg.Text("aws_access_key_id"), SecretAccessKey: c.cfg.Text("aws_secret_access_key"), SessionToken: c.cfg.Text("aws_session_token"),
	}
	switch {
	case keys.HasKeys():
		return func(context.Context) (aws.Credentials, error) { return keys, nil }, nil
	case keys.AccessKeyID != "" || keys.SecretAccessKey != "":
		return nil, errors.New("aws_access_key_id and aws_secret_access_key need each other")
	}
	return nil, nil //nolint:nilnil // no keys is not an error
}

func (c *chain) role() role {
	return role{
		arn: c.cfg.Text("aws_role_name"), session: c.cfg.Text("aws_session_name"), externalID: c.cfg.Text("aws_external_id"),
		endpoint: c.cfg.Text("aws_sts_endpoint"),
	}
}

// environment asks what AWS's tools ask when they are told nothing, in their
// order.
func (c *chain) environment(ctx context.Context) (aws.Credentials, error) {
	env := aws.Credentials{
		AccessKeyID: c.cfg.Env("AWS_ACCESS_KEY_ID"), SecretAccessKey: c.cfg.Env("AWS_SECRET_ACCESS_KEY"), SessionToken: c.cfg.Env("AWS_SESSION_TOKEN"),
	}
	file, arn := c.cfg.Env("AWS_WEB_IDENTITY_TOKEN_FILE"), c.cfg.Env("AWS_ROLE_ARN")
	switch {
	case env.HasKeys():
		return env, nil
	case c.cfg.Env("AWS_PROFILE") != "":
		return c.profile(ctx, c.cfg.Env("AWS_PROFILE"))
	case file != "" && arn != "":
		return c.webIdentity(role{arn: arn, session: c.cfg.Env("AWS_ROLE_SESSION_NAME")}, fileToken+file)(ctx)
	}
	if files, err := c.files(); err == nil && files.has(defaultProfile) {
		if credentials, err := c.fromProfile(ctx, files, defaultProfile, 0); !errors.Is(err, errNoCredentials) {
			return credentials, err
		}
	}
	if c.cfg.Env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI") != "" {
		return c.container(ctx)
	}
	if c.cfg.Env("AWS_EC2_METADATA_DISABLED") == "true" {
		return aws.Credentials{}, errNoCredentials
	}
	return c.instance(ctx)
}

var errNoCredentials = errors.New("none found: set aws_access_key_id and aws_secret_access_key, aws_role_name, aws_profile_name, or AWS's variables")

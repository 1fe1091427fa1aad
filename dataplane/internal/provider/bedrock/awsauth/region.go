package awsauth

import (
	"errors"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

// DefaultRegion is LiteLLM's.
const DefaultRegion = "us-west-2"

// Region returns the region of a deployment in LiteLLM's order: its own, that
// of the model's ARN, the variables', that of the profile, and the default. A
// region becomes part of a host, so it is an error when it is not one.
func Region(cfg *provider.Config, arn string) (string, error) {
	region := region(cfg, arn)
	if strings.ContainsFunc(region, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }) {
		return "", errors.New("aws_region_name is not the name of a region")
	}
	return region, nil
}

func region(cfg *provider.Config, arn string) string {
	if region := cfg.Text("aws_region_name"); region != "" {
		return region
	}
	// arn:partition:service:region:account:resource
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[0] == "arn" && parts[3] != "" {
		return parts[3]
	}
	if region := cfg.Env("AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"); region != "" {
		return region
	}
	profile := cfg.Text("aws_profile_name", "AWS_PROFILE")
	if profile == "" {
		profile = defaultProfile
	}
	c := &chain{cfg: cfg}
	if files, err := c.files(); err == nil && files[profile]["region"] != "" {
		return files[profile]["region"]
	}
	return DefaultRegion
}

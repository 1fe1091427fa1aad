package proxyconfig_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
)

func TestUserHeaders(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text      string
		customers []string
		user      string
		warnings  int
	}{
		"none":     {text: `general_settings: {}`},
		"older":    {text: `general_settings: {user_header_name: x-openwebui-user-id}`, customers: []string{"X-Openwebui-User-Id"}},
		"one":      {text: `general_settings: {user_header_mappings: {header_name: X-Mail, litellm_user_role: Customer}}`, customers: []string{"X-Mail"}},
		"internal": {text: `general_settings: {user_header_mappings: {header_name: X-Mail, litellm_user_role: internal_user}}`, user: "X-Mail"},
		"all": {
			text: `
general_settings:
  user_header_name: X-Old
  user_header_mappings:
  - {header_name: x-openwebui-user-id, litellm_user_role: internal_user}
  - {header_name: x-openwebui-user-email, litellm_user_role: customer}
  - {header_name: x-old, litellm_user_role: customer}
`, customers: []string{"X-Openwebui-User-Email", "X-Old"}, user: "X-Openwebui-User-Id",
		},
		"not looked at": {
			text: `
general_settings:
  user_header_mappings:
  - {header_name: a, litellm_user_role: internal_user}
  - {header_name: b, litellm_user_role: internal_user}
  - {header_name: c, litellm_user_role: admin}
  - {header_name: d}
`, user: "A", warnings: 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, warnings, err := proxyconfig.Parse("config.yaml", []byte(tc.text), noEnvironment)
			require.NoError(t, err)
			require.Equal(t, tc.customers, cfg.General.CustomerHeaders)
			require.Equal(t, tc.user, cfg.General.UserHeader)
			require.Len(t, warnings, tc.warnings, "%v", warnings)
		})
	}
}

func TestUserHeaders_mistakes(t *testing.T) {
	t.Parallel()
	mapping := func(name string) string {
		return `general_settings: {litellm_key_header_name: x-our-key, user_header_mappings: [{header_name: "` + name + `", litellm_user_role: customer}]}`
	}
	for text, want := range map[string]string{
		mapping(`a b`):                                 "expected the name of a header",
		mapping(`authorization`):                       "Authorization brings the credential of a request",
		mapping(`x-goog-api-key`):                      "X-Goog-Api-Key brings the credential",
		mapping(`X-OUR-KEY`):                           "X-Our-Key brings the credential",
		mapping(`X-Litellm-Api-Key`):                   "X-Litellm-Api-Key brings the credential",
		`general_settings: {user_header_name: cookie}`: "Cookie brings the credential",
		`general_settings: {user_header_mappings: [{litellm_user_role: customer}]}`:                                              "header_name",
		`general_settings: {user_header_mappings: 7}`:                                                                            "user_header_mappings",
		`general_settings: {user_header_mappings: [x-user]}`:                                                                     "user_header_mappings[0]",
		"general_settings:\n  user_header_mappings:\n" + lines(17, "  - {header_name: h%d, litellm_user_role: customer} # %d\n"): "there may be 16 headers",
	} {
		require.Contains(t, parseError(t, text), want, text)
	}
}

package credential

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// View is a credential as LiteLLM shows it, its values masked.
type View struct {
	Name   string          `json:"credential_name"`
	Values map[string]any  `json:"credential_values"`
	Info   json.RawMessage `json:"credential_info"`
}

const (
	mask = "****"
	// shownOf is how long a value must be for its ends to be shown.
	shownOf = 16
	ends    = 2
)

// plain are values that say where a vendor is, and are shown.
func plain() []string {
	return []string{
		"api_base", "base_url", "api_version", "organization", "custom_llm_provider", "region_name", "aws_region_name", "vertex_project", "vertex_location",
	}
}

// masked shows of every value what does not give it away: its two first and two
// last characters.
func masked(values map[string]json.RawMessage) map[string]any {
	out := make(map[string]any, len(values))
	for name, raw := range values {
		var text string
		switch isText := json.Unmarshal(raw, &text) == nil; {
		case string(raw) == "null":
			out[name] = nil
		case isText && slices.Contains(plain(), name):
			out[name] = withoutUser(text)
		case isText && len(text) >= shownOf:
			out[name] = text[:ends] + mask + text[len(text)-ends:]
		default:
			out[name] = mask
		}
	}
	return out
}

// withoutUser returns an address without user and password.
func withoutUser(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.User == nil {
		return base
	}
	u.User = nil
	return u.String()
}

func view(row db.CredentialsTable, values map[string]json.RawMessage) View {
	return View{Name: row.CredentialName, Values: masked(values), Info: row.CredentialInfo}
}

package vertex

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

// maxCredentials bounds a file of credentials.
const maxCredentials = 1 << 20

// account is what is read of credentials: a service account's key, a user's
// token to refresh, or the configuration of a federated identity.
type account struct {
	Type         string `json:"type"`
	ProjectID    string `json:"project_id"`
	QuotaProject string `json:"quota_project_id"`
}

// readCredentials returns the credentials of a deployment as JSON, or nil when
// its surroundings have to be asked. It reads, in this order, what the
// deployment names, VERTEXAI_CREDENTIALS and GOOGLE_APPLICATION_CREDENTIALS;
// each is JSON or the path of a file.
func readCredentials(cfg *provider.Config) ([]byte, error) {
	text := setting(cfg, []string{"vertex_credentials", "vertex_ai_credentials"})
	if text == "" {
		for _, name := range []string{"vertex_credentials", "vertex_ai_credentials"} {
			if raw := cfg.Params[name]; len(raw) > 0 && raw[0] == '{' {
				text = string(raw)
			}
		}
	}
	if text == "" {
		text = cfg.Env("VERTEXAI_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS")
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	if text[0] == '{' {
		return []byte(text), nil
	}
	b, err := readFile(text)
	if err != nil {
		return nil, fmt.Errorf("read the file of vertex_credentials: %w", err)
	}
	return b, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the deployment's own configuration names it
	if err != nil {
		return nil, errors.Unwrap(err) // without the path, which may be a key that was pasted badly
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxCredentials))
}

var errCredentials = errors.New("vertex_credentials are not the JSON of a service account, a user or a federated identity")

// parseAccount reads credentials and refuses those that would be sent in the
// clear.
func parseAccount(credentials []byte) (*account, error) {
	var a account
	if json.Unmarshal(credentials, &a) != nil || a.Type == "" {
		return nil, errCredentials
	}
	var all any
	if json.Unmarshal(credentials, &all) != nil {
		return nil, errCredentials
	}
	return &a, checkURLs(all)
}

var errInTheClear = errors.New("vertex_credentials name an address that is neither https nor this machine's own")

// checkURLs looks at every address in credentials. Proofs go to some of them;
// the library that sends them does not look.
func checkURLs(value any) error {
	switch v := value.(type) {
	case string:
		if strings.HasPrefix(strings.ToLower(v), "http:") && !near(v) {
			return errInTheClear
		}
	case []any:
		for _, e := range v {
			if err := checkURLs(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, e := range v {
			if text, ok := e.(string); ok && address(name) && text != "" && !strings.HasPrefix(text, "https://") && !near(text) {
				return errInTheClear
			}
			if err := checkURLs(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// address reports whether a member holds one.
func address(name string) bool {
	return name == "url" || strings.HasSuffix(name, "_url") || strings.HasSuffix(name, "_uri")
}

// near reports whether an address leads to this machine, or to the metadata
// service of the cloud that it runs in.
func near(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || u.Hostname() == "metadata.google.internal" || ip != nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast())
}

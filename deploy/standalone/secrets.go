package standalone

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/seal"
)

const secretsFile = "secrets.json"

// secrets are made up once and kept in the data directory.
type secrets struct {
	SaltKey           string `json:"salt_key"`
	NATSControlPlane  string `json:"nats_controlplane_password"`
	NATSDataPlane     string `json:"nats_dataplane_password"`
	GeneratedBy       string `json:"generated_by"`
	generatedThisTime bool
}

func loadSecrets(dir string) (secrets, error) {
	var s secrets
	path := filepath.Join(dir, secretsFile)
	b, err := os.ReadFile(path) //nolint:gosec // the operator's own directory
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &s); err != nil || s.SaltKey == "" || s.NATSControlPlane == "" || s.NATSDataPlane == "" {
			return s, fmt.Errorf("%s is damaged: restore it from a backup; without its salt key stored provider credentials can not be opened", path)
		}
		return s, nil
	case !errors.Is(err, os.ErrNotExist):
		return s, fmt.Errorf("read secrets: %w", err)
	}
	s = secrets{
		SaltKey: seal.NewSalt(), NATSControlPlane: natsembed.NewPassword(), NATSDataPlane: natsembed.NewPassword(),
		GeneratedBy: "tianji standalone", generatedThisTime: true,
	}
	b, err = json.MarshalIndent(s, "", "  ")
	if err != nil {
		return s, fmt.Errorf("encode secrets: %w", err)
	}
	return s, writePrivate(path, append(b, '\n'))
}

// writePrivate replaces a file that only its owner may read; a crash leaves
// the old one or the new one.
func writePrivate(path string, b []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// Package credential manages the credentials that deployments share by their
// names: those of credential_list in the config file, and those made through the
// API, which are stored with all their values sealed.
//
// It does not know what a deployment is: package model says which ones name a
// credential, and gives data planes what they take from it. It owns no goroutine.
package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/seal"
)

// Vault holds the values of credentials. It is safe for concurrent use.
type Vault struct {
	store  *store.Store
	box    *seal.Box
	lookup config.Lookup
	file   map[string]proxyconfig.Raw
}

// NewVault returns the vault of the config file and the store.
func NewVault(st *store.Store, box *seal.Box, cfg *proxyconfig.Config, lookup config.Lookup) *Vault {
	v := &Vault{store: st, box: box, lookup: lookup, file: map[string]proxyconfig.Raw{}}
	for _, c := range cfg.Credentials {
		v.file[c.Name] = c.Values
	}
	return v
}

// Values returns what deployments take from a credential, references to the
// environment resolved. There may be none of that name.
func (v *Vault) Values(ctx context.Context, q db.DBTX, name string) (values map[string]json.RawMessage, found bool, err error) {
	if values, found = v.file[name]; found {
		return values, true, nil
	}
	row, err := v.store.CredentialByName(ctx, q, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read credential: %w", err)
	}
	return v.resolved(row)
}

// Hold is Values for a transaction that stores a deployment which names the
// credential: until it ends nobody changes the credential, so that whoever does
// finds the deployment.
func (v *Vault) Hold(ctx context.Context, tx *store.Tx, name string) (values map[string]json.RawMessage, found bool, err error) {
	if values, found = v.file[name]; found {
		return values, true, nil
	}
	row, err := v.store.CredentialForShare(ctx, tx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read credential: %w", err)
	}
	return v.resolved(row)
}

// All returns the values of all credentials by their names. Those of another
// salt key are left out.
func (v *Vault) All(ctx context.Context) (map[string]map[string]json.RawMessage, error) {
	rows, err := v.store.CredentialList(ctx, v.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list credentials: %w", err)
	}
	all := make(map[string]map[string]json.RawMessage, len(rows)+len(v.file))
	for _, row := range rows {
		if values, _, err := v.resolved(row); err == nil {
			all[row.CredentialName] = values
		}
	}
	for name, values := range v.file {
		all[name] = values
	}
	return all, nil
}

// Reseal seals all stored credentials with another box, and returns how many
// those are.
func (v *Vault) Reseal(ctx context.Context, tx *store.Tx, to *seal.Box) (int, error) {
	rows, err := v.store.CredentialsForUpdate(ctx, tx)
	if err != nil {
		return 0, fmt.Errorf("read credentials: %w", err)
	}
	for _, row := range rows {
		plain, err := v.box.Open(row.SealedValues, purpose(row.CredentialName))
		if err != nil {
			return 0, fmt.Errorf("credential %s: %w", row.CredentialName, err)
		}
		p := db.CredentialResealParams{CredentialName: row.CredentialName, SealedValues: to.Seal(plain, purpose(row.CredentialName))}
		if err := v.store.CredentialReseal(ctx, tx, p); err != nil {
			return 0, fmt.Errorf("write credential: %w", err)
		}
	}
	return len(rows), nil
}

func purpose(name string) string { return "credential/" + name }

func (v *Vault) seal(name string, values map[string]json.RawMessage) ([]byte, error) {
	plain, err := json.Marshal(values)
	if err != nil {
		return nil, apierr.BadRequest("credential_values can not be encoded")
	}
	return v.box.Seal(string(plain), purpose(name)), nil
}

func (v *Vault) open(row db.CredentialsTable) (map[string]json.RawMessage, error) {
	plain, err := v.box.Open(row.SealedValues, purpose(row.CredentialName))
	if err != nil {
		return nil, fmt.Errorf("credential %s: %w", row.CredentialName, err)
	}
	values := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(plain), &values); err != nil {
		return nil, fmt.Errorf("credential %s: decode values: %w", row.CredentialName, err)
	}
	return values, nil
}

func (v *Vault) resolved(row db.CredentialsTable) (map[string]json.RawMessage, bool, error) {
	values, err := v.open(row)
	if err != nil {
		return nil, false, err
	}
	values, err = v.parse(row.CredentialName, values)
	return values, err == nil, err
}

// parse reads values with the parser of the config file, so that both mean the
// same. JSON is YAML.
func (v *Vault) parse(name string, values map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	doc, err := json.Marshal(map[string]any{"credential_list": []any{map[string]any{"credential_name": name, "credential_values": values}}})
	if err != nil {
		return nil, fmt.Errorf("encode credential: %w", err)
	}
	cfg, _, err := proxyconfig.Parse("credential", doc, v.lookup)
	if err != nil {
		return nil, apierr.BadRequest("invalid credential: %v", err)
	}
	if len(cfg.Credentials) != 1 {
		return nil, apierr.BadRequest("invalid credential")
	}
	return cfg.Credentials[0].Values, nil
}

package litellm

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/seal"
)

const credentialName = "litellm_credential_name" //nolint:gosec // a member's name

// credentialPurpose is what package credential seals values for.
func credentialPurpose(name string) string { return "credential/" + name }

// holder is what seals credentials here, with those that are sealed already.
type holder struct {
	box  *seal.Box
	have map[string][]byte
}

// readCredentials reads the credentials that are here, and makes sure that they
// are of the same salt key.
func (r *run) readCredentials(ctx context.Context, box *seal.Box) error {
	r.holder = holder{box, map[string][]byte{}}
	rows, err := r.Store.CredentialList(ctx, r.Store.DB())
	if err != nil {
		return fmt.Errorf("read our credentials: %w", err)
	}
	for _, row := range rows {
		if _, err := box.Open(row.SealedValues, credentialPurpose(row.CredentialName)); err != nil {
			return fmt.Errorf("credential %s can not be opened: TIANJI_SALT_KEY is not the one that this installation seals with", row.CredentialName)
		}
		r.holder.have[row.CredentialName] = row.SealedValues
	}
	return nil
}

// sealed seals values as a whole. What holds the same already stays as it is.
func (h *holder) sealed(name string, values object) ([]byte, error) {
	plain, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("encode credential: %w", err)
	}
	if have := h.have[name]; have != nil {
		if was, err := h.box.Open(have, credentialPurpose(name)); err == nil && was == string(plain) {
			return have, nil
		}
	}
	return h.box.Seal(string(plain), credentialPurpose(name)), nil
}

// adaptCredential opens the values that models share and seals them as ours are.
func adaptCredential(r *run, row object, it *item) error {
	if err := checkIDs(it, "credential_name"); err != nil {
		return err
	}
	name, values := text(it.rec["credential_name"]), members(row["credential_values"])
	if len(values) == 0 {
		return skip("it has no values")
	}
	if err := r.Opener.openAll(values, ""); err != nil {
		return skip(err.Error())
	}
	if err := checkCredential(name, values); err != nil {
		return skip("it can not be used here: " + err.Error())
	}
	madeBy(it)
	sealed, err := r.holder.sealed(name, values)
	if err != nil {
		return err
	}
	it.rec["sealed_values"] = bytea(sealed)
	r.shared[name] = true
	return nil
}

// checkCredential reads values as the parser of config.yaml does. JSON is YAML.
func checkCredential(name string, values object) error {
	doc, err := json.Marshal(map[string]any{"credential_list": []any{map[string]any{"credential_name": name, "credential_values": values}}})
	if err != nil {
		return fmt.Errorf("encode credential: %w", err)
	}
	anything := func(string) (string, bool) { return "set", true }
	if _, _, err := proxyconfig.Parse("credential", doc, anything); err != nil {
		return err //nolint:wrapcheck // it says what it is
	}
	return nil
}

// bytea is how Postgres writes bytes in JSON.
func bytea(b []byte) json.RawMessage { return quote(fmt.Sprintf(`\x%x`, b)) }

// missed notes that a model names a credential which will not be found.
func (r *run) missed(params object, it *item) {
	name := text(params[credentialName])
	if name == "" || r.shared[name] || r.holder.have[name] != nil || slices.Contains(r.FileCredentials, name) {
		return
	}
	it.note("its credential %q was not moved: it is not called until one of this name is in credential_list of config.yaml or made with POST /credentials", name)
}

// users are the models that name credentials which were written: data planes are
// told of those.
func (r *run) users(ctx context.Context, tx *store.Tx, credentials []string) ([]string, error) {
	var all []string
	for _, name := range credentials {
		ids, err := r.models.Using(ctx, tx, name)
		if err != nil {
			return nil, err //nolint:wrapcheck // it says what it is
		}
		all = append(all, ids...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Models knows the deployments.
type Models interface {
	// Using returns the ids of the deployments that name a credential.
	Using(ctx context.Context, q db.DBTX, credential string) ([]string, error)
	// Credentials returns the credentials in a deployment's own parameters, and
	// the model group; found says whether there is such a deployment.
	Credentials(ctx context.Context, id string) (group string, values map[string]json.RawMessage, found bool, err error)
}

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store  *store.Store
	vault  *Vault
	models Models
}

// New returns a service over the vault.
func New(st *store.Store, vault *Vault, models Models) *Service {
	return &Service{store: st, vault: vault, models: models}
}

// Request is the body of POST and PATCH.
type Request struct {
	Name    field.Of[string]                     `json:"credential_name"`
	Values  field.Of[map[string]json.RawMessage] `json:"credential_values"`
	ModelID field.Of[string]                     `json:"model_id"`
	Info    field.Of[map[string]json.RawMessage] `json:"credential_info"`
}

// Done is the reply to a change.
type Done struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

// List is the reply of GET /credentials.
type List struct {
	Success     bool   `json:"success"`
	Credentials []View `json:"credentials"`
}

// New stores a credential.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (Done, error) {
	values, info, err := s.check(ctx, r)
	if err != nil {
		return Done{}, err
	}
	name := r.Name.Value
	sealed, err := s.vault.seal(name, values)
	if err != nil {
		return Done{}, err
	}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.CredentialInsert(ctx, tx, db.CredentialInsertParams{CredentialName: name, SealedValues: sealed, CredentialInfo: info, CreatedBy: by(who)})
		if _, taken := store.Duplicate(err); taken {
			return refused(http.StatusConflict, "Credential with name=%s already exists", name)
		}
		if err != nil {
			return fmt.Errorf("write credential: %w", err)
		}
		made := &audit.Entry{Actor: who.Actor(), Action: audit.Created, Table: audit.Credentials, ObjectID: name, After: view(row, values)}
		if err := tx.Audited(ctx, made); err != nil {
			return err
		}
		return s.changed(ctx, tx, name)
	})
	return Done{true, "Credential created successfully"}, err
}

// check reads a new credential.
func (s *Service) check(ctx context.Context, r *Request) (values map[string]json.RawMessage, info json.RawMessage, err error) {
	if !r.Name.Sent || r.Name.Null {
		return nil, nil, apierr.Invalid("missing", "credential_name", "Field required")
	}
	if err := bounds.CheckID("credential_name", r.Name.Value); err != nil {
		return nil, nil, err
	}
	if err := s.stored(r.Name.Value); err != nil {
		return nil, nil, err
	}
	values = r.Values.Value
	switch id := r.ModelID.Or(""); {
	case len(values) > 0:
	case id != "":
		var found bool
		if _, values, found, err = s.models.Credentials(ctx, id); err != nil {
			return nil, nil, fmt.Errorf("read the deployment: %w", err)
		}
		if !found {
			return nil, nil, refused(http.StatusNotFound, "Model not found")
		}
	default:
		return nil, nil, refused(http.StatusBadRequest, "Credential values or model ID are required")
	}
	if err := s.checkValues(r.Name.Value, values); err != nil {
		return nil, nil, err
	}
	info, err = encoded("credential_info", r.Info.Value)
	return values, info, err
}

func (s *Service) checkValues(name string, values map[string]json.RawMessage) error {
	if _, err := encoded("credential_values", values); err != nil {
		return err
	}
	_, err := s.vault.parse(name, values)
	return err
}

func encoded(member string, object map[string]json.RawMessage) (json.RawMessage, error) {
	loose := make(map[string]any, len(object))
	for name, value := range object {
		loose[name] = value
	}
	return bounds.Encode(member, loose)
}

// stored refuses to change a credential of the config file.
func (s *Service) stored(name string) error {
	if _, ok := s.vault.file[name]; ok {
		return refused(http.StatusBadRequest, "Credential %s stands in credential_list of the config file: change it there", name)
	}
	return nil
}

func refused(status int, format string, args ...any) error {
	return &apierr.Error{Status: status, Type: apierr.TypeInternal, NoneText: true, Message: fmt.Sprintf(format, args...)}
}

func unknown(name string) error {
	return refused(http.StatusNotFound, "Credential not found. Got credential name: %s", name)
}

func by(who caller.Caller) string {
	if id := who.ID(); id != nil {
		return *id
	}
	return ""
}

// changed has all deployments published that name the credential.
func (s *Service) changed(ctx context.Context, tx *store.Tx, name string) error {
	ids, err := s.models.Using(ctx, tx, name)
	if err != nil {
		return fmt.Errorf("find the deployments of a credential: %w", err)
	}
	return tx.ChangedAll(ctx, store.KindModel, ids)
}

// List returns all credentials, by their names.
func (s *Service) List(ctx context.Context, _ caller.Caller) (List, error) {
	rows, err := s.store.CredentialList(ctx, s.store.DB())
	if err != nil {
		return List{}, fmt.Errorf("list credentials: %w", err)
	}
	out := List{Success: true, Credentials: []View{}}
	for _, name := range slices.Sorted(maps.Keys(s.vault.file)) {
		out.Credentials = append(out.Credentials, s.ofFile(name))
	}
	for _, row := range rows {
		values, err := s.vault.open(row)
		if err != nil {
			values = nil // of another salt key: it can still be deleted
		}
		out.Credentials = append(out.Credentials, view(row, values))
	}
	return out, nil
}

func (s *Service) ofFile(name string) View {
	return View{Name: name, Values: masked(s.vault.file[name]), Info: json.RawMessage("{}")}
}

// ByName returns one credential.
func (s *Service) ByName(ctx context.Context, _ caller.Caller, name string) (View, error) {
	if _, ok := s.vault.file[name]; ok {
		return s.ofFile(name), nil
	}
	row, err := s.store.CredentialByName(ctx, s.store.DB(), name)
	if err != nil {
		return View{}, lost(name, err)
	}
	values, err := s.vault.open(row)
	return view(row, values), err
}

func lost(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return unknown(name)
	}
	return fmt.Errorf("read credential: %w", err)
}

// ByModel returns the credentials that a deployment has of its own.
func (s *Service) ByModel(ctx context.Context, _ caller.Caller, id string) (View, error) {
	group, values, found, err := s.models.Credentials(ctx, id)
	if err != nil {
		return View{}, fmt.Errorf("read the deployment: %w", err)
	}
	if !found {
		return View{}, refused(http.StatusNotFound, "Model not found")
	}
	return View{Name: group + "-credential-" + id, Values: masked(values), Info: json.RawMessage("{}")}, nil
}

// Update changes what was sent: values and info by their members, of which null
// removes one.
func (s *Service) Update(ctx context.Context, who caller.Caller, name string, r *Request) (Done, error) {
	if r.Name.Sent && !r.Name.Null && r.Name.Value != name {
		return Done{}, refused(http.StatusBadRequest, "A credential can not be renamed: deployments know it by its name")
	}
	if err := s.stored(name); err != nil {
		return Done{}, err
	}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.CredentialForUpdate(ctx, tx, name)
		if err != nil {
			return lost(name, err)
		}
		values, err := s.vault.open(row)
		if err != nil {
			return err
		}
		before := view(row, values)
		p := db.CredentialUpdateParams{CredentialName: name, UpdatedBy: by(who)}
		if p.SealedValues, err = s.merged(name, values, r); err != nil {
			return err
		}
		info := map[string]json.RawMessage{}
		if err := json.Unmarshal(row.CredentialInfo, &info); err != nil {
			return fmt.Errorf("credential %s: decode info: %w", name, err)
		}
		overlay(info, r.Info.Value)
		if p.CredentialInfo, err = encoded("credential_info", info); err != nil {
			return err
		}
		if row, err = s.store.CredentialUpdate(ctx, tx, p); err != nil {
			return fmt.Errorf("write credential: %w", err)
		}
		change := &audit.Entry{Actor: who.Actor(), Action: audit.Updated, Table: audit.Credentials, ObjectID: name, Before: before, After: view(row, values)}
		if err := tx.AuditedChange(ctx, change); err != nil {
			return err
		}
		return s.changed(ctx, tx, name)
	})
	return Done{true, "Credential updated successfully"}, err
}

// merged lays what was sent over values and seals them.
func (s *Service) merged(name string, values map[string]json.RawMessage, r *Request) ([]byte, error) {
	overlay(values, r.Values.Value)
	if err := s.checkValues(name, values); err != nil {
		return nil, err
	}
	return s.vault.seal(name, values)
}

func overlay(object, sent map[string]json.RawMessage) {
	for name, value := range sent {
		if string(value) == "null" {
			delete(object, name)
			continue
		}
		object[name] = value
	}
}

// Delete removes a credential. Deployments that name it have none then, and are
// not called until there is one of its name again.
func (s *Service) Delete(ctx context.Context, who caller.Caller, name string) (Done, error) {
	if err := s.stored(name); err != nil {
		return Done{}, err
	}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.CredentialForUpdate(ctx, tx, name)
		if err != nil {
			return lost(name, err)
		}
		values, err := s.vault.open(row)
		if err != nil {
			values = nil // of another salt key: it can be deleted all the same
		}
		if _, err := s.store.CredentialDelete(ctx, tx, name); err != nil {
			return fmt.Errorf("delete credential: %w", err)
		}
		gone := &audit.Entry{Actor: who.Actor(), Action: audit.Deleted, Table: audit.Credentials, ObjectID: name, Before: view(row, values), After: audit.Nothing{}}
		if err := tx.Audited(ctx, gone); err != nil {
			return err
		}
		return s.changed(ctx, tx, name)
	})
	return Done{true, "Credential deleted successfully"}, err
}

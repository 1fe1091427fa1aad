package model

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/seal"
)

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store      *store.Store
	box        *seal.Box
	lookup     config.Lookup
	dropParams bool
	file       map[string]proxyconfig.Model
	order      []string
	aliases    map[string]contract.GroupAlias
	// credentials are those of credential_list by their names.
	credentials map[string]proxyconfig.Raw
}

// New returns a service over the models of the config file and the store.
// Models of the file that can not be understood are logged and left out, as
// LiteLLM does.
func New(st *store.Store, box *seal.Box, cfg *proxyconfig.Config, lookup config.Lookup, log *slog.Logger) *Service {
	s := &Service{store: st, box: box, lookup: lookup, dropParams: cfg.Settings.DropParams, file: map[string]proxyconfig.Model{}, aliases: RouterSettings(cfg).Aliases, credentials: map[string]proxyconfig.Raw{}}
	for _, c := range cfg.Credentials {
		s.credentials[c.Name] = c.Values
	}
	for _, m := range cfg.Models {
		if _, err := s.render(m, false, nil); err != nil {
			log.LogAttrs(context.Background(), slog.LevelError, "model of the config file left out", slog.String("place", m.Place.String()), slog.Any("error", err))
			continue
		}
		s.file[m.ID] = m
		s.order = append(s.order, m.ID)
	}
	return s
}

// IDs returns the ids of all deployments.
func (s *Service) IDs(ctx context.Context) ([]string, error) {
	rows, err := s.store.ModelList(ctx, s.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	ids := append([]string(nil), s.order...)
	for _, r := range rows {
		if _, taken := s.file[r.ModelID]; !taken {
			ids = append(ids, r.ModelID)
		}
	}
	return ids, nil
}

// Deployment implements publish.Deployments.
func (s *Service) Deployment(ctx context.Context, id string, prev *contract.Deployment) (*contract.Deployment, error) {
	if m, ok := s.file[id]; ok {
		return s.render(m, false, prev)
	}
	row, err := s.store.ModelByID(ctx, s.store.DB(), id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // there is none
	}
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	params, err := s.open(row)
	if err != nil {
		return nil, err
	}
	m, err := s.parse(row.ModelName, params, row.ModelInfo)
	if err != nil {
		return nil, err
	}
	return s.render(m, true, prev)
}

func sealPurpose(id string) string { return "model/" + id }

func (s *Service) open(row db.ProxyModelTable) (map[string]json.RawMessage, error) {
	plain, err := s.box.Open(row.SealedParams, sealPurpose(row.ModelID))
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", row.ModelName, err)
	}
	var params map[string]json.RawMessage
	if err := json.Unmarshal([]byte(plain), &params); err != nil {
		return nil, fmt.Errorf("model %s: decode parameters: %w", row.ModelName, err)
	}
	return params, nil
}

// parse reads a model of the API with the parser of the config file, so that
// both mean the same. JSON is YAML.
func (s *Service) parse(name string, params map[string]json.RawMessage, info json.RawMessage) (proxyconfig.Model, error) {
	doc, err := json.Marshal(map[string]any{"model_list": []any{map[string]any{"model_name": name, "litellm_params": params, "model_info": info}}})
	if err != nil {
		return proxyconfig.Model{}, fmt.Errorf("encode model: %w", err)
	}
	cfg, _, err := proxyconfig.Parse("model", doc, s.lookup)
	if err != nil {
		return proxyconfig.Model{}, apierr.BadRequest("invalid model: %v", err)
	}
	if len(cfg.Models) != 1 {
		return proxyconfig.Model{}, apierr.BadRequest("invalid model: want one organization")
	}
	return cfg.Models[0], nil
}

// Request is the body of /model/new and /model/update.
type Request struct {
	ModelName     *string                    `json:"model_name"`
	LitellmParams map[string]json.RawMessage `json:"litellm_params"`
	TianjiParams  map[string]json.RawMessage `json:"tianji_params"`
	ModelInfo     map[string]json.RawMessage `json:"model_info"`
}

func (r *Request) params() map[string]json.RawMessage {
	if r.LitellmParams != nil {
		return r.LitellmParams
	}
	return r.TianjiParams
}

func (r *Request) id() string {
	var id string
	_ = json.Unmarshal(r.ModelInfo["id"], &id) // anything but text is no id
	return id
}

// Row is a stored deployment as LiteLLM shows it, its parameters masked.
type Row struct {
	ModelID       string          `json:"model_id"`
	ModelName     string          `json:"model_name"`
	LitellmParams map[string]any  `json:"litellm_params"`
	ModelInfo     json.RawMessage `json:"model_info"`
	CreatedAt     string          `json:"created_at"`
	CreatedBy     string          `json:"created_by"`
	UpdatedAt     string          `json:"updated_at"`
	UpdatedBy     string          `json:"updated_by"`
}

const timeFormat = "2006-01-02T15:04:05.000000Z"

func (s *Service) view(row db.ProxyModelTable, params map[string]json.RawMessage) Row {
	return Row{
		ModelID: row.ModelID, ModelName: row.ModelName, LitellmParams: masked(params), ModelInfo: row.ModelInfo,
		CreatedAt: row.CreatedAt.UTC().Format(timeFormat), CreatedBy: row.CreatedBy,
		UpdatedAt: row.UpdatedAt.UTC().Format(timeFormat), UpdatedBy: row.UpdatedBy,
	}
}

// masked leaves credentials out of what is shown.
func masked(params map[string]json.RawMessage) map[string]any {
	out := map[string]any{}
	for name, value := range params {
		if sensitive(name) || name == "extra_headers" {
			continue
		}
		out[name] = value
		var base string
		if name == "api_base" && json.Unmarshal(value, &base) == nil {
			out[name] = withoutCredentials(base)
		}
	}
	return out
}

// New stores a deployment.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (Row, error) {
	if r.ModelName == nil || *r.ModelName == "" {
		return Row{}, apierr.Invalid("missing", "model_name", "Field required")
	}
	id := r.id()
	if id == "" {
		id = uuid.NewString()
	}
	if _, taken := s.file[id]; taken {
		return Row{}, apierr.BadRequest("Model with id=%s is defined in the config file", id)
	}
	info := map[string]json.RawMessage{}
	maps.Copy(info, r.ModelInfo)
	info["id"], info["db_model"] = quoted(id), json.RawMessage("true")
	row, params, err := s.row(id, *r.ModelName, r.params(), info)
	if err != nil {
		return Row{}, err
	}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		row, err = s.store.ModelInsert(ctx, tx, db.ModelInsertParams{
			ModelID: id, ModelName: row.ModelName, SealedParams: row.SealedParams, ModelInfo: row.ModelInfo, CreatedBy: *who.ID(),
		})
		if _, taken := store.Duplicate(err); taken {
			return apierr.New(http.StatusBadRequest, "validation_error", "Model with id=%s already exists", id)
		}
		if err != nil {
			return fmt.Errorf("write model: %w", err)
		}
		made := &audit.Entry{Actor: who.Actor(), Action: audit.Created, Table: audit.Models, ObjectID: id, After: s.view(row, params)}
		if err := tx.Audited(ctx, made); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindModel, id)
	})
	return s.view(row, params), err
}

// row checks a deployment and seals it.
func (s *Service) row(id, name string, params, info map[string]json.RawMessage) (db.ProxyModelTable, map[string]json.RawMessage, error) {
	row := db.ProxyModelTable{ModelID: id, ModelName: name}
	var err error
	if row.ModelInfo, err = json.Marshal(info); err != nil {
		return row, nil, apierr.BadRequest("model_info can not be encoded: %v", err)
	}
	m, err := s.parse(name, params, row.ModelInfo)
	if err != nil {
		return row, nil, err
	}
	if _, err := s.render(m, true, nil); err != nil {
		return row, nil, apierr.BadRequest("%v", err)
	}
	plain, err := json.Marshal(params)
	if err != nil {
		return row, nil, apierr.BadRequest("litellm_params can not be encoded: %v", err)
	}
	row.SealedParams = s.box.Seal(string(plain), sealPurpose(id))
	return row, params, nil
}

func quoted(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage(`""`)
	}
	return b
}

// Update merges what was sent into a stored deployment; null keeps a value.
func (s *Service) Update(ctx context.Context, who caller.Caller, r *Request) (Row, error) {
	id := r.id()
	if id == "" {
		return Row{}, &apierr.Error{Status: http.StatusBadRequest, Type: apierr.TypeAuth, NoneText: true, Message: "Authentication Error, model_info.id not provided"}
	}
	if _, taken := s.file[id]; taken {
		return Row{}, &apierr.Error{
			Status: http.StatusBadRequest, Type: apierr.TypeAuth, NoneText: true,
			Message: "Authentication Error, Can't edit model. Model in config. Store model in db via `/model/new`. to edit.",
		}
	}
	var out Row
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.ModelForUpdate(ctx, tx, id)
		if errors.Is(err, store.ErrNotFound) {
			return &apierr.Error{Status: http.StatusBadRequest, Type: apierr.TypeAuth, NoneText: true, Message: "Authentication Error, model not found"}
		}
		if err != nil {
			return fmt.Errorf("read model: %w", err)
		}
		before, err := s.shown(row)
		if err != nil {
			return err
		}
		merged, params, err := s.merge(row, r)
		if err != nil {
			return err
		}
		row, err = s.store.ModelUpdate(ctx, tx, db.ModelUpdateParams{
			ModelID: id, ModelName: merged.ModelName, SealedParams: merged.SealedParams, ModelInfo: merged.ModelInfo, UpdatedBy: *who.ID(),
		})
		if err != nil {
			return fmt.Errorf("write model: %w", err)
		}
		out = s.view(row, params)
		changed := &audit.Entry{Actor: who.Actor(), Action: audit.Updated, Table: audit.Models, ObjectID: id, Before: before, After: out}
		if err := tx.AuditedChange(ctx, changed); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindModel, id)
	})
	return out, err
}

// shown is a stored deployment as clients see it.
func (s *Service) shown(row db.ProxyModelTable) (Row, error) {
	params, err := s.open(row)
	if err != nil {
		return Row{}, err
	}
	return s.view(row, params), nil
}

func (s *Service) merge(row db.ProxyModelTable, r *Request) (db.ProxyModelTable, map[string]json.RawMessage, error) {
	params, err := s.open(row)
	if err != nil {
		return row, nil, err
	}
	for name, value := range r.params() {
		if !bytes.Equal(value, []byte("null")) {
			params[name] = value
		}
	}
	info := map[string]json.RawMessage{}
	if err := json.Unmarshal(row.ModelInfo, &info); err != nil {
		return row, nil, fmt.Errorf("model %s: decode model_info: %w", row.ModelName, err)
	}
	maps.Copy(info, r.ModelInfo)
	name := row.ModelName
	if r.ModelName != nil && *r.ModelName != "" {
		name = *r.ModelName
	}
	return s.row(row.ModelID, name, params, info)
}

// Delete removes a stored deployment.
func (s *Service) Delete(ctx context.Context, who caller.Caller, id string) (map[string]string, error) {
	if id == "" {
		return nil, apierr.Invalid("missing", "id", "Field required")
	}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.ModelForUpdate(ctx, tx, id)
		if errors.Is(err, store.ErrNotFound) {
			return apierr.BadRequest("Model with id=%s not found in db", id)
		}
		if err != nil {
			return fmt.Errorf("read model: %w", err)
		}
		before, err := s.shown(row)
		if err != nil { // its credentials are of another salt key; it can be deleted all the same
			before = s.view(row, nil)
		}
		if _, err := s.store.ModelDelete(ctx, tx, id); err != nil {
			return fmt.Errorf("delete model: %w", err)
		}
		gone := &audit.Entry{Actor: who.Actor(), Action: audit.Deleted, Table: audit.Models, ObjectID: id, Before: before, After: audit.Nothing{}}
		if err := tx.Audited(ctx, gone); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindModel, id)
	})
	return map[string]string{"message": "Model: " + id + " deleted successfully"}, err
}

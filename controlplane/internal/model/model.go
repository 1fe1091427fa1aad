package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/tianjillm/tianjillm/controlplane/internal/credential"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/price"
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
	vault      *credential.Vault
	prices     func() *price.Book
	log        *slog.Logger
}

// New returns a service over the models of the config file and the store.
// Models of the file that can not be understood are logged and left out, as
// LiteLLM does.
func New(st *store.Store, box *seal.Box, cfg *proxyconfig.Config, lookup config.Lookup, log *slog.Logger) *Service {
	s := &Service{
		store: st, box: box, lookup: lookup, dropParams: cfg.Settings.DropParams, file: map[string]proxyconfig.Model{}, aliases: RouterSettings(cfg).Aliases,
		vault: credential.NewVault(st, box, cfg, lookup), prices: sync.OnceValue(price.New), log: log,
	}
	for _, m := range cfg.Models {
		// A credential may be stored later: such a model is checked when it is published.
		if _, err := s.render(m, false, nil); err != nil && m.Params.CredentialName == "" {
			log.LogAttrs(context.Background(), slog.LevelError, "model of the config file left out", slog.String("place", m.Place.String()), slog.Any("error", err))
			continue
		}
		s.file[m.ID] = m
		s.order = append(s.order, m.ID)
	}
	return s
}

// UsePrices sets where prices and abilities of models are read from, before the
// service is used; it is the generated table otherwise.
func (s *Service) UsePrices(book func() *price.Book) { s.prices = book }

// Vault returns the credentials that deployments share.
func (s *Service) Vault() *credential.Vault { return s.vault }

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

// Deployment implements publish.Deployments. A deployment that is blocked, or
// that names a credential which does not exist, is none.
func (s *Service) Deployment(ctx context.Context, id string, prev *contract.Deployment) (*contract.Deployment, error) {
	m, fromDB, err := s.find(ctx, id)
	if err != nil || m == nil {
		return nil, err
	}
	whole, err := s.share(ctx, *m)
	if err == nil {
		var d *contract.Deployment
		if d, err = s.render(whole, fromDB, prev); err == nil {
			return d, nil
		}
	}
	if store.Unavailable(err) || ctx.Err() != nil {
		return nil, err
	}
	s.log.LogAttrs(ctx, slog.LevelError, "deployment not published", slog.String("deployment", id), slog.Any("error", err))
	return nil, nil //nolint:nilnil // one that can not be called must not keep the others back
}

// find returns a deployment that is not blocked, or nil.
func (s *Service) find(ctx context.Context, id string) (m *proxyconfig.Model, fromDB bool, err error) {
	if m, ok := s.file[id]; ok {
		return &m, false, nil
	}
	row, err := s.store.ModelByID(ctx, s.store.DB(), id)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Blocked {
		return nil, true, nil
	}
	if err != nil {
		return nil, true, fmt.Errorf("read model: %w", err)
	}
	params, err := s.open(row)
	if err != nil {
		return nil, true, err
	}
	stored, err := s.parse(row.ModelName, params, row.ModelInfo)
	stored.Guarded = row.Guarded
	return &stored, true, err
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

// Request is the body of /model/new, /model/update and /model/{id}/update.
type Request struct {
	ModelName     *string                    `json:"model_name"`
	LitellmParams map[string]json.RawMessage `json:"litellm_params"`
	TianjiParams  map[string]json.RawMessage `json:"tianji_params"`
	ModelInfo     map[string]json.RawMessage `json:"model_info"`
	Blocked       field.Of[bool]             `json:"blocked"`
}

func (r *Request) params() map[string]json.RawMessage {
	if r.LitellmParams != nil {
		return r.LitellmParams
	}
	return r.TianjiParams
}

func (r *Request) id() string { return textOf(r.ModelInfo["id"]) }

// textOf returns a text, and "" for anything else.
func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// Row is a stored deployment as LiteLLM shows it, its parameters masked.
type Row struct {
	ModelID       string          `json:"model_id"`
	ModelName     string          `json:"model_name"`
	LitellmParams map[string]any  `json:"litellm_params"`
	ModelInfo     json.RawMessage `json:"model_info"`
	Blocked       bool            `json:"blocked"`
	CreatedAt     string          `json:"created_at"`
	CreatedBy     string          `json:"created_by"`
	UpdatedAt     string          `json:"updated_at"`
	UpdatedBy     string          `json:"updated_by"`
}

const timeFormat = "2006-01-02T15:04:05.000000Z"

func (s *Service) view(row db.ProxyModelTable, params map[string]json.RawMessage) Row {
	return Row{
		ModelID: row.ModelID, ModelName: row.ModelName, LitellmParams: masked(params), ModelInfo: row.ModelInfo, Blocked: row.Blocked,
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

// Package fallback manages which model groups stand in for others: those of the
// config file, and those made through the API, which come before them for the
// same group.
//
// It does not fall back: data planes do, by the settings of the router. It owns
// no goroutine.
package fallback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// Models tells which models there are.
type Models interface {
	// Groups returns the names that requests can ask for.
	Groups(ctx context.Context) ([]string, error)
}

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store  *store.Store
	models Models
	file   contract.RouterSettings
}

// New returns a service over the store and the router's settings of the config
// file.
func New(st *store.Store, models Models, file contract.RouterSettings) *Service {
	return &Service{store: st, models: models, file: file}
}

// The types of fallbacks: for any error, for prompts that are too long, and for
// what a vendor's filter refuses.
const (
	general       = "general"
	contextWindow = "context_window"
	contentPolicy = "content_policy"
)

// Request is the body of POST /fallback.
type Request struct {
	Model  field.Of[string]   `json:"model"`
	Models field.Of[[]string] `json:"fallback_models"`
	Type   field.Of[string]   `json:"fallback_type"`
}

// View is the fallbacks of one model group.
type View struct {
	Model  string   `json:"model"`
	Models []string `json:"fallback_models"`
	Type   string   `json:"fallback_type"`
}

// Changed is the reply of POST.
type Changed struct {
	View

	Message string `json:"message"`
}

// Deleted is the reply of DELETE.
type Deleted struct {
	Model   string `json:"model"`
	Type    string `json:"fallback_type"`
	Message string `json:"message"`
}

// kind reads a type; in says where it stands.
func kind(text, in string) (string, error) {
	switch text {
	case "":
		return general, nil
	case general, contextWindow, contentPolicy:
		return text, nil
	}
	e := apierr.Invalid("literal_error", "fallback_type", "Input should be 'general', 'context_window' or 'content_policy'")
	e.Invalid.Loc[0] = in
	return "", e
}

// check refuses what does not validate.
func (r *Request) check() (string, error) {
	if !r.Model.Sent || r.Model.Null {
		return "", apierr.Invalid("missing", "model", "Field required")
	}
	if !r.Models.Sent || r.Models.Null {
		return "", apierr.Invalid("missing", "fallback_models", "Field required")
	}
	if err := bounds.CheckID("model", r.Model.Value); err != nil {
		return "", err
	}
	if err := bounds.CheckIDs("fallback_models", r.Models.Value); err != nil {
		return "", err
	}
	seen := map[string]bool{}
	for _, m := range r.Models.Value {
		if seen[m] {
			return "", apierr.Invalid("value_error", "fallback_models", "Value error, fallback_models must not contain duplicates")
		}
		seen[m] = true
	}
	return kind(r.Type.Value, "body")
}

// known refuses models that do not exist.
func (s *Service) known(ctx context.Context, r *Request) error {
	groups, err := s.models.Groups(ctx)
	if err != nil {
		return fmt.Errorf("list models: %w", err)
	}
	available := map[string]any{"available_models": groups}
	if !slices.Contains(groups, r.Model.Value) {
		e := apierr.Detail(http.StatusNotFound, "Model '%s' not found in router", r.Model.Value)
		e.More = available
		return e
	}
	wrong := slices.DeleteFunc(slices.Clone(r.Models.Value), func(m string) bool { return slices.Contains(groups, m) })
	if len(wrong) > 0 {
		e := apierr.Detail(http.StatusBadRequest, "Invalid fallback models: %s", bounds.Repr(wrong))
		e.More = available
		return e
	}
	if slices.Contains(r.Models.Value, r.Model.Value) {
		return apierr.Detail(http.StatusBadRequest, "Model '%s' cannot be its own fallback", r.Model.Value)
	}
	return nil
}

// Put stores the fallbacks of a model group.
func (s *Service) Put(ctx context.Context, who caller.Caller, r *Request) (Changed, error) {
	of, err := r.check()
	if err != nil {
		return Changed{}, err
	}
	if err := s.known(ctx, r); err != nil {
		return Changed{}, err
	}
	out := Changed{View{r.Model.Value, r.Models.Value, of}, "Fallback configuration created successfully"}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		change := &audit.Entry{Actor: who.Actor(), Action: audit.Created, Table: audit.Fallbacks, ObjectID: r.Model.Value, After: out.View}
		old, err := s.store.FallbackForUpdate(ctx, tx, db.FallbackForUpdateParams{Model: r.Model.Value, FallbackType: of})
		switch {
		case err == nil:
			change.Action, change.Before = audit.Updated, show(old)
			out.Message = "Fallback configuration updated successfully"
		case !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("read fallbacks: %w", err)
		case s.inFile(r.Model.Value, of) != nil:
			out.Message = "Fallback configuration updated successfully"
		}
		by := ""
		if id := who.ID(); id != nil {
			by = *id
		}
		if _, err := s.store.FallbackPut(ctx, tx, db.FallbackPutParams{Model: r.Model.Value, FallbackType: of, FallbackModels: r.Models.Value, UpdatedBy: by}); err != nil {
			return fmt.Errorf("write fallbacks: %w", err)
		}
		if err := tx.Audited(ctx, change); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindFallback, r.Model.Value)
	})
	return out, err
}

func show(row db.FallbackTable) View { return View{row.Model, row.FallbackModels, row.FallbackType} }

func none(model, of string) error {
	return apierr.Detail(http.StatusNotFound, "No %s fallbacks configured for model '%s'", of, model)
}

// Get returns the fallbacks of a model group that are in force.
func (s *Service) Get(ctx context.Context, _ caller.Caller, model, typ string) (View, error) {
	of, err := kind(typ, "query")
	if err != nil {
		return View{}, err
	}
	row, err := s.store.FallbackGet(ctx, s.store.DB(), db.FallbackGetParams{Model: model, FallbackType: of})
	if err == nil {
		return show(row), nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return View{}, fmt.Errorf("read fallbacks: %w", err)
	}
	if models := s.inFile(model, of); models != nil {
		return View{model, models, of}, nil
	}
	return View{}, none(model, of)
}

// Delete removes the stored fallbacks of a model group. Those of the config file,
// if there are any, are in force again.
func (s *Service) Delete(ctx context.Context, who caller.Caller, model, typ string) (Deleted, error) {
	of, err := kind(typ, "query")
	if err != nil {
		return Deleted{}, err
	}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.FallbackForUpdate(ctx, tx, db.FallbackForUpdateParams{Model: model, FallbackType: of})
		if errors.Is(err, store.ErrNotFound) {
			if s.inFile(model, of) != nil {
				return apierr.Detail(http.StatusBadRequest, "The %s fallbacks of model '%s' stand in the config file: change them there", of, model)
			}
			return none(model, of)
		}
		if err != nil {
			return fmt.Errorf("read fallbacks: %w", err)
		}
		if _, err := s.store.FallbackDelete(ctx, tx, db.FallbackDeleteParams{Model: model, FallbackType: of}); err != nil {
			return fmt.Errorf("delete fallbacks: %w", err)
		}
		gone := &audit.Entry{Actor: who.Actor(), Action: audit.Deleted, Table: audit.Fallbacks, ObjectID: model, Before: show(row), After: audit.Nothing{}}
		if err := tx.Audited(ctx, gone); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindFallback, model)
	})
	return Deleted{model, of, "Fallback configuration deleted successfully"}, err
}

// Package tag manages tags by LiteLLM's rules: labels that requests and keys
// carry, and that may be held to limits. It owns no goroutine.
package tag

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Models tells which models there are.
type Models interface {
	// Named returns the model group of each deployment by its id.
	Named(ctx context.Context) (map[string]string, error)
}

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store  *store.Store
	models Models
}

// New returns a service over the store.
func New(st *store.Store, models Models) *Service { return &Service{store: st, models: models} }

// Request is the body of /tag/new and /tag/update.
type Request struct {
	limit.Fields

	Name        field.Of[string]   `json:"name"`
	Description field.Of[string]   `json:"description"`
	Models      field.Of[[]string] `json:"models"`
	BudgetID    field.Of[string]   `json:"budget_id"`
}

// View is a tag as LiteLLM shows it.
type View struct {
	Name        string          `json:"name"`
	Description *string         `json:"description"`
	Models      []string        `json:"models"`
	ModelInfo   json.RawMessage `json:"model_info"`
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
	CreatedBy   *string         `json:"created_by"`
}

// Info is a tag with its budget.
type Info struct {
	View

	BudgetTable *tier.Budget `json:"litellm_budget_table"`
}

// Changed is the reply of /tag/new and /tag/update.
type Changed struct {
	Message string `json:"message"`
	Tag     View   `json:"tag"`
}

func show(t db.TagTable) View {
	return View{
		Name: t.TagName, Description: t.Description, Models: t.Models, ModelInfo: t.ModelInfo,
		CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(), CreatedBy: t.CreatedBy,
	}
}

func entry(who caller.Caller, action audit.Action, name string, before, after any) *audit.Entry {
	return &audit.Entry{Actor: who.Actor(), Action: action, Table: audit.Tags, ObjectID: name, Before: before, After: after}
}

// New makes a tag.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (Changed, error) {
	info, err := s.check(ctx, r)
	if err != nil {
		return Changed{}, err
	}
	wanted := db.TagTable{TagName: r.Name.Value, CreatedBy: who.ID()}
	r.apply(&wanted, info)
	var row db.TagTable
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		_, err := s.store.TagInsert(ctx, tx, db.TagInsertParams{
			TagName: wanted.TagName, Description: wanted.Description, Models: wanted.Models, ModelInfo: wanted.ModelInfo, CreatedBy: wanted.CreatedBy,
		})
		if _, taken := store.Duplicate(err); taken {
			return refused(http.StatusBadRequest, "Tag %s already exists", wanted.TagName)
		}
		if err != nil {
			return fmt.Errorf("write tag: %w", err)
		}
		if row, err = s.write(ctx, tx, who, wanted, r); err != nil {
			return err
		}
		after, err := s.infos(ctx, tx, []db.TagTable{row})
		if err != nil {
			return err
		}
		return tx.Audited(ctx, entry(who, audit.Created, row.TagName, nil, after[0]))
	})
	return Changed{Message: "Tag " + row.TagName + " created successfully", Tag: show(row)}, err
}

// Update changes what was sent.
func (s *Service) Update(ctx context.Context, who caller.Caller, r *Request) (Changed, error) {
	info, err := s.check(ctx, r)
	if err != nil {
		return Changed{}, err
	}
	var row db.TagTable
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		if row, err = s.store.TagForUpdate(ctx, tx, r.Name.Value); err != nil {
			return lost(r.Name.Value, err)
		}
		before, err := s.infos(ctx, tx, []db.TagTable{row})
		if err != nil {
			return err
		}
		r.apply(&row, info)
		if row, err = s.write(ctx, tx, who, row, r); err != nil {
			return err
		}
		after, err := s.infos(ctx, tx, []db.TagTable{row})
		if err != nil {
			return err
		}
		return tx.AuditedChange(ctx, entry(who, audit.Updated, row.TagName, before[0], after[0]))
	})
	return Changed{Message: "Tag " + row.TagName + " updated successfully", Tag: show(row)}, err
}

func lost(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refused(http.StatusNotFound, "Tag %s not found", name)
	}
	return fmt.Errorf("read tag: %w", err)
}

func refused(status int, format string, args ...any) error {
	return &apierr.Error{Status: status, DetailText: true, Message: fmt.Sprintf(format, args...)}
}

// write gives a tag the budget that a request asks for and stores the row.
func (s *Service) write(ctx context.Context, tx *store.Tx, who caller.Caller, row db.TagTable, r *Request) (db.TagTable, error) {
	var err error
	row.BudgetID, err = tier.Assign(ctx, s.store, tx, tier.Assignment{
		Owner: tier.Owner(store.KindTag, row.TagName), Current: row.BudgetID, BudgetID: r.BudgetID, Fields: &r.Fields, By: *who.ID(),
	})
	if err != nil {
		return row, err
	}
	row, err = s.store.TagUpdate(ctx, tx, db.TagUpdateParams{
		TagName: row.TagName, Description: row.Description, Models: row.Models, ModelInfo: row.ModelInfo, BudgetID: row.BudgetID,
	})
	if err != nil {
		return row, fmt.Errorf("write tag: %w", err)
	}
	return row, tx.Changed(ctx, store.KindTag, row.TagName)
}

// check refuses what can not be stored, and looks the models up.
func (s *Service) check(ctx context.Context, r *Request) (modelInfo json.RawMessage, err error) {
	if !r.Name.Sent || r.Name.Null {
		return nil, apierr.Invalid("missing", "name", "Field required")
	}
	if err := bounds.CheckID("name", r.Name.Value); err != nil {
		return nil, err
	}
	if err := bounds.CheckText("description", r.Description.Value, bounds.Text); err != nil {
		return nil, err
	}
	if err := bounds.CheckNames("models", r.Models.Value); err != nil {
		return nil, err
	}
	return s.modelInfo(ctx, r.Models.Value)
}

// apply changes row by what was sent, but for limits.
func (r *Request) apply(row *db.TagTable, modelInfo json.RawMessage) {
	r.Description.Into(&row.Description)
	if r.Models.Sent || row.Models == nil {
		row.Models, row.ModelInfo = r.Models.Or([]string{}), modelInfo
	}
}

// modelInfo names the model groups of deployments, which models lists by their
// ids or by their groups.
func (s *Service) modelInfo(ctx context.Context, models []string) (json.RawMessage, error) {
	info := map[string]any{}
	if len(models) > 0 {
		byID, err := s.models.Named(ctx)
		if err != nil {
			return nil, err
		}
		for id, name := range byID {
			if slices.Contains(models, id) || slices.Contains(models, name) {
				info[id] = name
			}
		}
	}
	return bounds.Encode("models", info)
}

// Info returns tags by their names; all of them must exist.
func (s *Service) Info(ctx context.Context, _ caller.Caller, names []string) (map[string]Info, error) {
	if err := bounds.CheckIDs("names", names); err != nil {
		return nil, err
	}
	rows, err := s.store.TagsByNames(ctx, s.store.DB(), names)
	if err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	all, err := s.infos(ctx, s.store.DB(), rows)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Info, len(all))
	for _, i := range all {
		out[i.Name] = i
	}
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, found := out[name]
		return found
	})
	if len(missing) > 0 {
		return nil, refused(http.StatusNotFound, "Tags not found: %s", bounds.Repr(missing))
	}
	return out, nil
}

// List returns tags in the order of their names.
func (s *Service) List(ctx context.Context, _ caller.Caller) ([]Info, error) {
	rows, err := s.store.TagList(ctx, s.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	return s.infos(ctx, s.store.DB(), rows)
}

func (s *Service) infos(ctx context.Context, conn db.DBTX, rows []db.TagTable) ([]Info, error) {
	var ids []string
	for _, t := range rows {
		if t.BudgetID != nil {
			ids = append(ids, *t.BudgetID)
		}
	}
	budgets, err := tier.Resolve(ctx, s.store, conn, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Info, len(rows))
	for i, t := range rows {
		out[i] = Info{View: show(t), BudgetTable: tier.Shown(budgets, t.BudgetID)}
	}
	return out, nil
}

// Delete removes a tag.
func (s *Service) Delete(ctx context.Context, who caller.Caller, name string) (string, error) {
	if name == "" {
		return "", apierr.Invalid("missing", "name", "Field required")
	}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.TagForUpdate(ctx, tx, name)
		if err != nil {
			return lost(name, err)
		}
		before, err := s.infos(ctx, tx, []db.TagTable{row})
		if err != nil {
			return err
		}
		if err := tx.Audited(ctx, entry(who, audit.Deleted, name, before[0], audit.Nothing{})); err != nil {
			return err
		}
		if err := s.store.TagDelete(ctx, tx, name); err != nil {
			return fmt.Errorf("delete tag: %w", err)
		}
		if err := tier.Drop(ctx, s.store, tx, store.KindTag, []string{name}); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindTag, name)
	})
	return "Tag " + name + " deleted successfully", err
}

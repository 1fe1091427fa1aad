package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/price"
)

// New stores a deployment. One of a team is stored under a name of its own, and
// called by the name that was sent.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (Row, error) {
	if r.ModelName == nil || *r.ModelName == "" {
		return Row{}, apierr.Invalid("missing", "model_name", "Field required")
	}
	id := r.id()
	if id == "" {
		id = uuid.NewString()
	}
	if err := checkNames(id, *r.ModelName); err != nil {
		return Row{}, err
	}
	if _, taken := s.file[id]; taken {
		return Row{}, apierr.BadRequest("Model with id=%s is defined in the config file", id)
	}
	info := map[string]json.RawMessage{}
	maps.Copy(info, r.ModelInfo)
	info["id"], info["db_model"] = quoted(id), json.RawMessage("true")
	name, team := *r.ModelName, textOf(info["team_id"])
	if err := s.mayMake(ctx, who, team, r); err != nil {
		return Row{}, err
	}
	if team != "" {
		name = "model_name_" + team + "_" + uuid.NewString()
		info["team_public_model_name"] = quoted(*r.ModelName)
	}
	row, m, err := s.row(id, name, r.params(), info)
	if err != nil {
		return Row{}, err
	}
	row.Blocked = r.Blocked.Value
	var out Row
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		out, err = s.insert(ctx, tx, who, row, m, r.params())
		if err != nil || team == "" {
			return err
		}
		return s.teamGains(ctx, tx, who, team, *r.ModelName)
	})
	return out, err
}

func checkNames(id, name string) error {
	if err := bounds.CheckID("id", id); err != nil {
		return err
	}
	return bounds.CheckID("model_name", name)
}

func (s *Service) insert(ctx context.Context, tx *store.Tx, who caller.Caller, row db.ProxyModelTable, m proxyconfig.Model, params map[string]json.RawMessage) (Row, error) {
	if err := s.check(ctx, tx, m); err != nil {
		return Row{}, err
	}
	row, err := s.store.ModelInsert(ctx, tx, db.ModelInsertParams{
		ModelID: row.ModelID, ModelName: row.ModelName, SealedParams: row.SealedParams, ModelInfo: row.ModelInfo, Blocked: row.Blocked, Guarded: !who.May().Admin(), CreatedBy: by(who),
	})
	if _, taken := store.Duplicate(err); taken {
		return Row{}, apierr.New(http.StatusBadRequest, "validation_error", "Model with id=%s already exists", m.ID)
	}
	if err != nil {
		return Row{}, fmt.Errorf("write model: %w", err)
	}
	out := s.view(row, params)
	made := &audit.Entry{Actor: who.Actor(), Action: audit.Created, Table: audit.Models, ObjectID: row.ModelID, After: out}
	if err := tx.Audited(ctx, made); err != nil {
		return Row{}, err
	}
	return out, tx.Changed(ctx, store.KindModel, row.ModelID)
}

func by(who caller.Caller) string {
	if id := who.ID(); id != nil {
		return *id
	}
	return ""
}

// row seals a deployment that can be understood.
func (s *Service) row(id, name string, params, info map[string]json.RawMessage) (db.ProxyModelTable, proxyconfig.Model, error) {
	row := db.ProxyModelTable{ModelID: id, ModelName: name}
	var err error
	if row.ModelInfo, err = json.Marshal(info); err != nil {
		return row, proxyconfig.Model{}, apierr.BadRequest("model_info can not be encoded: %v", err)
	}
	m, err := s.parse(name, params, row.ModelInfo)
	if err != nil {
		return row, m, err
	}
	plain, err := json.Marshal(params)
	if err != nil {
		return row, m, apierr.BadRequest("litellm_params can not be encoded: %v", err)
	}
	row.SealedParams = s.box.Seal(string(plain), sealPurpose(id))
	return row, m, nil
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
		return Row{}, authError("model_info.id not provided")
	}
	if _, taken := s.file[id]; taken {
		return Row{}, authError("Can't edit model. Model in config. Store model in db via `/model/new`. to edit.")
	}
	r.Blocked.Sent = false // PATCH alone blocks
	return s.change(ctx, who, id, r, authError("model not found"))
}

func authError(message string) error {
	return &apierr.Error{Status: http.StatusBadRequest, Type: apierr.TypeAuth, NoneText: true, Message: "Authentication Error, " + message}
}

// Patch is Update of the deployment of an id. Null takes a price away.
func (s *Service) Patch(ctx context.Context, who caller.Caller, id string, r *Request) (Row, error) {
	if _, taken := s.file[id]; taken {
		return Row{}, apierr.New(http.StatusBadRequest, apierr.TypeInvalidRequest, "Cannot edit config-based model. Store model in DB via /model/new first.")
	}
	if r.Blocked.Sent && !who.May().Admin() {
		return Row{}, apierr.Forbidden("Only proxy admins can block or unblock a model. Your role=%s", who.Role)
	}
	if sent := r.id(); sent != "" && sent != id {
		return Row{}, apierr.BadRequest("model_info.id can not be changed")
	}
	for _, sent := range []map[string]json.RawMessage{r.params(), r.ModelInfo} {
		for name, value := range sent {
			if string(value) == "null" && price.IsField(name) {
				sent[name] = nil
			}
		}
	}
	return s.change(ctx, who, id, r, apierr.New(http.StatusNotFound, apierr.TypeNotFound, "Model %s not found on proxy.", id))
}

// change merges what was sent into a stored deployment, or answers unknown.
func (s *Service) change(ctx context.Context, who caller.Caller, id string, r *Request, unknown error) (Row, error) {
	var out Row
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.ModelForUpdate(ctx, tx, id)
		if err != nil {
			return lost(who, err, unknown)
		}
		params, err := s.open(row)
		if err != nil {
			return err
		}
		before, old := s.view(row, params), ownerOf(row.ModelName, row.ModelInfo)
		if err := s.mayEdit(ctx, tx, who, old.team, params, r); err != nil {
			return err
		}
		next, m, err := s.merge(row, params, r)
		if err != nil {
			return err
		}
		if err := s.check(ctx, tx, m); err != nil {
			return err
		}
		row, err = s.store.ModelUpdate(ctx, tx, db.ModelUpdateParams{
			ModelID: id, ModelName: next.ModelName, SealedParams: next.SealedParams, ModelInfo: next.ModelInfo, Blocked: next.Blocked, Guarded: !who.May().Admin(), UpdatedBy: by(who),
		})
		if err != nil {
			return fmt.Errorf("write model: %w", err)
		}
		out = s.view(row, params)
		changed := &audit.Entry{Actor: who.Actor(), Action: action(before, out), Table: audit.Models, ObjectID: id, Before: before, After: out}
		if err := tx.AuditedChange(ctx, changed); err != nil {
			return err
		}
		if err := s.moveTeam(ctx, tx, who, old, ownerOf(row.ModelName, row.ModelInfo)); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindModel, id)
	})
	return out, err
}

// lost is why a deployment can not be read. Whose one would be that is not there
// is not known: who is not an admin may not change it.
func lost(who caller.Caller, err, unknown error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read model: %w", err)
	}
	if err := who.May().ManageModel(nil); err != nil {
		return err
	}
	return unknown
}

func action(before, after Row) audit.Action {
	switch {
	case after.Blocked && !before.Blocked:
		return audit.Blocked
	case before.Blocked && !after.Blocked:
		return audit.Unblocked
	}
	return audit.Updated
}

// merge lays what was sent over a deployment, whose parameters it changes. A
// value that is nil takes one away.
func (s *Service) merge(row db.ProxyModelTable, params map[string]json.RawMessage, r *Request) (db.ProxyModelTable, proxyconfig.Model, error) {
	overlay(params, r.params())
	info := map[string]json.RawMessage{}
	if err := json.Unmarshal(row.ModelInfo, &info); err != nil {
		return row, proxyconfig.Model{}, fmt.Errorf("model %s: decode model_info: %w", row.ModelName, err)
	}
	overlay(info, r.ModelInfo)
	info["id"], info["db_model"] = quoted(row.ModelID), json.RawMessage("true")
	name := row.ModelName
	if r.ModelName != nil && *r.ModelName != "" {
		if err := checkNames(row.ModelID, *r.ModelName); err != nil {
			return row, proxyconfig.Model{}, err
		}
		if textOf(info["team_id"]) != "" {
			info["team_public_model_name"] = quoted(*r.ModelName)
		} else {
			name = *r.ModelName
		}
	}
	next, m, err := s.row(row.ModelID, name, params, info)
	next.Blocked = row.Blocked
	r.Blocked.IntoValue(&next.Blocked)
	return next, m, err
}

func overlay(object, sent map[string]json.RawMessage) {
	for name, value := range sent {
		switch {
		case value == nil:
			delete(object, name)
		case string(value) != "null":
			object[name] = value
		}
	}
}

// Delete removes a stored deployment.
func (s *Service) Delete(ctx context.Context, who caller.Caller, id string) (map[string]string, error) {
	if id == "" {
		return nil, apierr.Invalid("missing", "id", "Field required")
	}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.ModelForUpdate(ctx, tx, id)
		if err != nil {
			return lost(who, err, apierr.BadRequest("Model with id=%s not found in db", id))
		}
		owner := ownerOf(row.ModelName, row.ModelInfo)
		if err := s.mayManage(ctx, tx, who, owner.team); err != nil {
			return err
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
		if err := s.moveTeam(ctx, tx, who, owner, owned{}); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindModel, id)
	})
	return map[string]string{"message": "Model: " + id + " deleted successfully"}, err
}

// shown is a stored deployment as clients see it.
func (s *Service) shown(row db.ProxyModelTable) (Row, error) {
	params, err := s.open(row)
	if err != nil {
		return Row{}, err
	}
	return s.view(row, params), nil
}

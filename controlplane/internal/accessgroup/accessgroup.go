// Package accessgroup manages access groups: lists of models, MCP servers and
// agents that teams and keys are given by the id of the group. Who has a group
// stands with the teams and keys alone, so that both sides always agree.
//
// It does not decide whether a model may be used: data planes do, by the rule of
// package access. It owns no goroutine.
package accessgroup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// Service holds the rules. It is safe for concurrent use.
type Service struct{ store *store.Store }

// New returns a service over the store.
func New(st *store.Store) *Service { return &Service{store: st} }

// Request is the body of POST and PUT.
type Request struct {
	Name        field.Of[string]   `json:"access_group_name"`
	Description field.Of[string]   `json:"description"`
	Models      field.Of[[]string] `json:"access_model_names"`
	// ModelIDs is the older name of Models.
	ModelIDs   field.Of[[]string] `json:"access_model_ids"`
	MCPServers field.Of[[]string] `json:"access_mcp_server_ids"`
	Agents     field.Of[[]string] `json:"access_agent_ids"`
	Teams      field.Of[[]string] `json:"assigned_team_ids"`
	// Keys are keys by their text or their hash.
	Keys field.Of[[]string] `json:"assigned_key_ids"`
}

// View is an access group as LiteLLM shows it.
type View struct {
	ID          string    `json:"access_group_id"`
	Name        string    `json:"access_group_name"`
	Description *string   `json:"description"`
	Models      []string  `json:"access_model_names"`
	MCPServers  []string  `json:"access_mcp_server_ids"`
	Agents      []string  `json:"access_agent_ids"`
	Teams       []string  `json:"assigned_team_ids"`
	Keys        []string  `json:"assigned_key_ids"`
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   *string   `json:"created_by"`
	UpdatedAt   time.Time `json:"updated_at"`
	UpdatedBy   *string   `json:"updated_by"`
}

func refused(status int, format string, args ...any) error {
	return &apierr.Error{Status: status, DetailText: true, Message: fmt.Sprintf(format, args...)}
}

func lost(id string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refused(http.StatusNotFound, "Access group '%s' not found", id)
	}
	return fmt.Errorf("read access group: %w", err)
}

// written turns an error of a write into what a client sees.
func written(name string, err error) error {
	if _, taken := store.Duplicate(err); taken {
		return refused(http.StatusConflict, "Access group '%s' already exists", name)
	}
	return fmt.Errorf("write access group: %w", err)
}

// check refuses what can not be stored.
func (r *Request) check() error {
	if r.ModelIDs.Sent && !r.Models.Sent {
		r.Models = r.ModelIDs
	}
	if r.Name.Sent {
		if err := bounds.CheckID("access_group_name", r.Name.Value); err != nil {
			return err
		}
	}
	if err := bounds.CheckText("description", r.Description.Value, bounds.Text); err != nil {
		return err
	}
	for _, list := range []struct {
		name string
		sent field.Of[[]string]
	}{
		{"access_model_names", r.Models},
		{"access_mcp_server_ids", r.MCPServers},
		{"access_agent_ids", r.Agents},
		{"assigned_team_ids", r.Teams},
		{"assigned_key_ids", r.Keys},
	} {
		if err := bounds.CheckNames(list.name, list.sent.Value); err != nil {
			return err
		}
	}
	for i, key := range r.Keys.Value {
		r.Keys.Value[i] = ident.KeyToken(key)
	}
	return nil
}

// apply changes row by what was sent.
func (r *Request) apply(row *db.AccessGroupTable) {
	r.Name.IntoValue(&row.AccessGroupName)
	r.Description.Into(&row.Description)
	for _, list := range []struct {
		sent field.Of[[]string]
		dst  *[]string
	}{{r.Models, &row.AccessModelNames}, {r.MCPServers, &row.AccessMcpServerIds}, {r.Agents, &row.AccessAgentIds}} {
		if list.sent.Sent {
			*list.dst = list.sent.Or([]string{})
		}
	}
}

// New makes a group.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (View, error) {
	if !r.Name.Sent || r.Name.Null {
		return View{}, apierr.Invalid("missing", "access_group_name", "Field required")
	}
	if err := r.check(); err != nil {
		return View{}, err
	}
	row := db.AccessGroupTable{AccessGroupID: uuid.NewString(), AccessModelNames: []string{}, AccessMcpServerIds: []string{}, AccessAgentIds: []string{}}
	r.apply(&row)
	var out View
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		row, err = s.store.AccessGroupInsert(ctx, tx, db.AccessGroupInsertParams{
			AccessGroupID: row.AccessGroupID, AccessGroupName: row.AccessGroupName, Description: row.Description, AccessModelNames: row.AccessModelNames,
			AccessMcpServerIds: row.AccessMcpServerIds, AccessAgentIds: row.AccessAgentIds, CreatedBy: who.ID(),
		})
		if err != nil {
			return written(r.Name.Value, err)
		}
		if err := s.assign(ctx, tx, who, row.AccessGroupID, r); err != nil {
			return err
		}
		if out, err = s.one(ctx, tx, row); err != nil {
			return err
		}
		made := &audit.Entry{Actor: who.Actor(), Action: audit.Created, Table: audit.AccessGroups, ObjectID: out.ID, After: out}
		if err := tx.Audited(ctx, made); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindAccessGroup, out.ID)
	})
	return out, err
}

// Update changes what was sent.
func (s *Service) Update(ctx context.Context, who caller.Caller, id string, r *Request) (View, error) {
	if r.Name.Null {
		r.Name.Sent = false
	}
	if err := r.check(); err != nil {
		return View{}, err
	}
	var out View
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.AccessGroupForUpdate(ctx, tx, id)
		if err != nil {
			return lost(id, err)
		}
		before, err := s.one(ctx, tx, row)
		if err != nil {
			return err
		}
		r.apply(&row)
		row, err = s.store.AccessGroupUpdate(ctx, tx, db.AccessGroupUpdateParams{
			AccessGroupID: id, AccessGroupName: row.AccessGroupName, Description: row.Description, AccessModelNames: row.AccessModelNames,
			AccessMcpServerIds: row.AccessMcpServerIds, AccessAgentIds: row.AccessAgentIds, UpdatedBy: who.ID(),
		})
		if err != nil {
			return written(r.Name.Value, err)
		}
		if err := s.assign(ctx, tx, who, id, r); err != nil {
			return err
		}
		if out, err = s.one(ctx, tx, row); err != nil {
			return err
		}
		change := &audit.Entry{Actor: who.Actor(), Action: audit.Updated, Table: audit.AccessGroups, ObjectID: id, Before: before, After: out}
		if err := tx.AuditedChange(ctx, change); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindAccessGroup, id)
	})
	return out, err
}

// Delete removes a group, and takes it from all who have it.
func (s *Service) Delete(ctx context.Context, who caller.Caller, id string) error {
	return s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.AccessGroupForUpdate(ctx, tx, id)
		if err != nil {
			return lost(id, err)
		}
		before, err := s.one(ctx, tx, row)
		if err != nil {
			return err
		}
		none := field.Of[[]string]{Sent: true, Value: []string{}}
		if err := s.assign(ctx, tx, who, id, &Request{Teams: none, Keys: none}); err != nil {
			return err
		}
		if _, err := s.store.AccessGroupDelete(ctx, tx, id); err != nil {
			return fmt.Errorf("delete access group: %w", err)
		}
		gone := &audit.Entry{Actor: who.Actor(), Action: audit.Deleted, Table: audit.AccessGroups, ObjectID: id, Before: before, After: audit.Nothing{}}
		if err := tx.Audited(ctx, gone); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindAccessGroup, id)
	})
}

// List returns all groups, the newest first.
func (s *Service) List(ctx context.Context, _ caller.Caller) ([]View, error) {
	rows, err := s.store.AccessGroupList(ctx, s.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list access groups: %w", err)
	}
	return s.views(ctx, s.store.DB(), rows)
}

// Get returns one group.
func (s *Service) Get(ctx context.Context, _ caller.Caller, id string) (View, error) {
	row, err := s.store.AccessGroupByID(ctx, s.store.DB(), id)
	if err != nil {
		return View{}, lost(id, err)
	}
	return s.one(ctx, s.store.DB(), row)
}

func (s *Service) one(ctx context.Context, q db.DBTX, row db.AccessGroupTable) (View, error) {
	all, err := s.views(ctx, q, []db.AccessGroupTable{row})
	if err != nil {
		return View{}, err
	}
	return all[0], nil
}

func (s *Service) views(ctx context.Context, q db.DBTX, rows []db.AccessGroupTable) ([]View, error) {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].AccessGroupID
	}
	teams, err := s.store.AccessGroupTeams(ctx, q, ids)
	if err != nil {
		return nil, fmt.Errorf("read the teams of access groups: %w", err)
	}
	keys, err := s.store.AccessGroupKeys(ctx, q, ids)
	if err != nil {
		return nil, fmt.Errorf("read the keys of access groups: %w", err)
	}
	out := make([]View, len(rows))
	for i, r := range rows {
		out[i] = View{
			ID: r.AccessGroupID, Name: r.AccessGroupName, Description: r.Description, Models: r.AccessModelNames, MCPServers: r.AccessMcpServerIds,
			Agents: r.AccessAgentIds, Teams: []string{}, Keys: []string{}, CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy,
			UpdatedAt: r.UpdatedAt.UTC(), UpdatedBy: r.UpdatedBy,
		}
		for _, t := range teams {
			if t.GroupID == r.AccessGroupID {
				out[i].Teams = append(out[i].Teams, t.TeamID)
			}
		}
		for _, k := range keys {
			if k.GroupID == r.AccessGroupID {
				out[i].Keys = append(out[i].Keys, k.Token)
			}
		}
	}
	return out, nil
}

// missing returns the first that is wanted and not there.
func missing(want, there []string) (string, bool) {
	i := slices.IndexFunc(want, func(w string) bool { return !slices.Contains(there, w) })
	if i < 0 {
		return "", false
	}
	return want[i], true
}

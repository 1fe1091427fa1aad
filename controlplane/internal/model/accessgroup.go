package model

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

const accessGroups = "access_groups"

// AccessGroupRequest is the body of /access_group/new and of
// /access_group/{access_group}/update.
type AccessGroupRequest struct {
	AccessGroup string    `json:"access_group"`
	ModelNames  *[]string `json:"model_names"`
	ModelIDs    *[]string `json:"model_ids"`
}

// AccessGroupChange is the reply to both.
type AccessGroupChange struct {
	AccessGroup   string    `json:"access_group"`
	ModelNames    *[]string `json:"model_names"`
	ModelIDs      *[]string `json:"model_ids"`
	ModelsUpdated int       `json:"models_updated"`
}

// AccessGroup is an access group with the models that are in it.
type AccessGroup struct {
	AccessGroup     string   `json:"access_group"`
	ModelNames      []string `json:"model_names"`
	DeploymentCount int      `json:"deployment_count"`
}

// AccessGroupDeleted is the reply to a deletion.
type AccessGroupDeleted struct {
	AccessGroup   string `json:"access_group"`
	ModelsUpdated int    `json:"models_updated"`
	Message       string `json:"message"`
}

// check says which deployments are meant. Ids come before names.
func (r *AccessGroupRequest) check() (names, ids []string, err error) {
	if r.ModelIDs != nil && len(*r.ModelIDs) > 0 {
		return nil, *r.ModelIDs, bounds.CheckIDs("model_ids", *r.ModelIDs)
	}
	if r.ModelNames == nil || len(*r.ModelNames) == 0 {
		return nil, nil, apierr.Detail(http.StatusBadRequest, "Either model_names or model_ids must be provided and non-empty")
	}
	return *r.ModelNames, nil, bounds.CheckIDs("model_names", *r.ModelNames)
}

// NewAccessGroup puts deployments into an access group that is new.
func (s *Service) NewAccessGroup(ctx context.Context, who caller.Caller, r *AccessGroupRequest) (AccessGroupChange, error) {
	if r.AccessGroup == "" {
		return AccessGroupChange{}, apierr.Detail(http.StatusBadRequest, "access_group is required and must not be empty")
	}
	if err := bounds.CheckID("access_group", r.AccessGroup); err != nil {
		return AccessGroupChange{}, err
	}
	return s.regroup(ctx, who, r, func(had int) error {
		if had > 0 {
			return apierr.Detail(http.StatusConflict, "Access group '%s' already exists. Use PUT /access_group/%s/update to modify it.", r.AccessGroup, r.AccessGroup)
		}
		return nil
	})
}

// UpdateAccessGroup replaces the deployments of an access group.
func (s *Service) UpdateAccessGroup(ctx context.Context, who caller.Caller, r *AccessGroupRequest) (AccessGroupChange, error) {
	return s.regroup(ctx, who, r, func(had int) error {
		if had == 0 {
			return noAccessGroup(r.AccessGroup)
		}
		return nil
	})
}

func noAccessGroup(name string) error {
	return apierr.Detail(http.StatusNotFound, "Access group '%s' not found", name)
}

// regroup makes the deployments that are meant the only ones of a group. allow
// is asked with how many it has.
func (s *Service) regroup(ctx context.Context, who caller.Caller, r *AccessGroupRequest, allow func(had int) error) (AccessGroupChange, error) {
	out := AccessGroupChange{AccessGroup: r.AccessGroup, ModelNames: r.ModelNames, ModelIDs: r.ModelIDs}
	names, ids, err := r.check()
	if err != nil {
		return out, err
	}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		had, err := s.store.ModelsInGroup(ctx, tx, r.AccessGroup)
		if err != nil {
			return fmt.Errorf("read models: %w", err)
		}
		if err := allow(len(had)); err != nil {
			return err
		}
		meant, err := s.meant(ctx, tx, names, ids)
		if err != nil {
			return err
		}
		for _, row := range without(had, meant) {
			if err := s.setGroup(ctx, tx, who, &row, r.AccessGroup, false); err != nil {
				return err
			}
		}
		for _, row := range without(meant, had) {
			if err := s.setGroup(ctx, tx, who, &row, r.AccessGroup, true); err != nil {
				return err
			}
		}
		out.ModelsUpdated = len(meant)
		return nil
	})
	return out, err
}

// without returns the deployments of one list that are not in another.
func without(list, others []db.ProxyModelTable) []db.ProxyModelTable {
	return slices.DeleteFunc(slices.Clone(list), func(one db.ProxyModelTable) bool {
		return slices.ContainsFunc(others, func(other db.ProxyModelTable) bool { return other.ModelID == one.ModelID })
	})
}

// meant returns the stored deployments of names or of ids, all of which must be
// there.
func (s *Service) meant(ctx context.Context, tx *store.Tx, names, ids []string) ([]db.ProxyModelTable, error) {
	if len(ids) > 0 {
		rows, err := s.store.ModelsByIDs(ctx, tx, ids)
		if err != nil {
			return nil, fmt.Errorf("read models: %w", err)
		}
		return rows, missing(ids, rows, func(m *db.ProxyModelTable) string { return m.ModelID }, "Deployment with model_id '%s' not found in Database.")
	}
	rows, err := s.store.ModelsByNames(ctx, tx, names)
	if err != nil {
		return nil, fmt.Errorf("read models: %w", err)
	}
	return rows, missing(names, rows, func(m *db.ProxyModelTable) string { return m.ModelName },
		"Can't find model '%s' in Database. Access group management is only supported for database models.")
}

func missing(want []string, rows []db.ProxyModelTable, name func(*db.ProxyModelTable) string, message string) error {
	for _, w := range want {
		if !slices.ContainsFunc(rows, func(m db.ProxyModelTable) bool { return name(&m) == w }) {
			return apierr.Detail(http.StatusBadRequest, message, w)
		}
	}
	return nil
}

// setGroup puts one deployment into a group, or takes it out.
func (s *Service) setGroup(ctx context.Context, tx *store.Tx, who caller.Caller, row *db.ProxyModelTable, group string, in bool) error {
	info := map[string]json.RawMessage{}
	if err := json.Unmarshal(row.ModelInfo, &info); err != nil {
		return fmt.Errorf("model %s: decode model_info: %w", row.ModelName, err)
	}
	groups := groupsOf(info[accessGroups])
	before := slices.Clone(groups)
	groups = slices.DeleteFunc(groups, func(g string) bool { return g == group })
	if in {
		groups = append(groups, group)
	}
	var err error
	if info[accessGroups], err = json.Marshal(groups); err != nil {
		return fmt.Errorf("encode access groups: %w", err)
	}
	encoded, err := json.Marshal(info)
	if err != nil {
		return fmt.Errorf("encode model_info: %w", err)
	}
	if _, err := s.store.ModelSetInfo(ctx, tx, db.ModelSetInfoParams{ModelID: row.ModelID, ModelInfo: encoded, UpdatedBy: by(who)}); err != nil {
		return fmt.Errorf("write model: %w", err)
	}
	change := &audit.Entry{
		Actor: who.Actor(), Action: audit.Updated, Table: audit.Models, ObjectID: row.ModelID,
		Before: map[string][]string{accessGroups: before}, After: map[string][]string{accessGroups: groups},
	}
	if err := tx.Audited(ctx, change); err != nil {
		return err
	}
	return tx.Changed(ctx, store.KindModel, row.ModelID)
}

func groupsOf(raw json.RawMessage) []string {
	list := []string{}
	if json.Unmarshal(raw, &list) != nil || list == nil {
		return []string{}
	}
	return list
}

// AccessGroups returns the access groups of stored deployments, by their names.
func (s *Service) AccessGroups(ctx context.Context, _ caller.Caller) (map[string][]AccessGroup, error) {
	rows, err := s.store.ModelsGrouped(ctx, s.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	groups := map[string]*AccessGroup{}
	list := []AccessGroup{}
	var names []string
	for _, row := range rows {
		var info struct {
			Groups json.RawMessage `json:"access_groups"`
		}
		if json.Unmarshal(row.ModelInfo, &info) != nil {
			continue
		}
		for _, name := range groupsOf(info.Groups) {
			g := groups[name]
			if g == nil {
				g = &AccessGroup{AccessGroup: name, ModelNames: []string{}}
				groups[name] = g
				names = append(names, name)
			}
			g.DeploymentCount++
			if !slices.Contains(g.ModelNames, row.ModelName) {
				g.ModelNames = append(g.ModelNames, row.ModelName)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		list = append(list, *groups[name])
	}
	return map[string][]AccessGroup{accessGroups: list}, nil
}

// AccessGroup returns one of them.
func (s *Service) AccessGroup(ctx context.Context, who caller.Caller, name string) (AccessGroup, error) {
	all, err := s.AccessGroups(ctx, who)
	if err != nil {
		return AccessGroup{}, err
	}
	list := all[accessGroups]
	if i := slices.IndexFunc(list, func(g AccessGroup) bool { return g.AccessGroup == name }); i >= 0 {
		return list[i], nil
	}
	return AccessGroup{}, noAccessGroup(name)
}

// DeleteAccessGroup takes all deployments out of an access group.
func (s *Service) DeleteAccessGroup(ctx context.Context, who caller.Caller, name string) (AccessGroupDeleted, error) {
	out := AccessGroupDeleted{AccessGroup: name, Message: fmt.Sprintf("Access group '%s' deleted successfully", name)}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		rows, err := s.store.ModelsInGroup(ctx, tx, name)
		if err != nil {
			return fmt.Errorf("read models: %w", err)
		}
		if len(rows) == 0 {
			return noAccessGroup(name)
		}
		for i := range rows {
			if err := s.setGroup(ctx, tx, who, &rows[i], name, false); err != nil {
				return err
			}
		}
		out.ModelsUpdated = len(rows)
		return nil
	})
	return out, err
}

package team

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Permissions is the reply of /team/permissions_list.
type Permissions struct {
	TeamID  string   `json:"team_id"`
	Members []string `json:"team_member_permissions"`
	All     []string `json:"all_available_permissions"`
}

// Permissions returns which routes members of a team may call, and which ones
// could be opened to them.
func (s *Service) Permissions(ctx context.Context, who caller.Caller, id string) (Permissions, error) {
	const path = "/team/permissions_list"
	if id == "" {
		return Permissions{}, apierr.Invalid("missing", "team_id", "Field required")
	}
	row, err := s.store.TeamByID(ctx, s.store.DB(), id)
	if errors.Is(err, store.ErrNotFound) {
		return Permissions{}, lost(who, id, path)
	}
	if err != nil {
		return Permissions{}, fmt.Errorf("read team: %w", err)
	}
	t := who.In(&row)
	if err := who.May().SeeTeamPermissions(t, path); err != nil {
		return Permissions{}, err
	}
	return Permissions{TeamID: id, Members: t.MemberPermissions(), All: policy.MemberPermissions()}, nil
}

// PermissionsRequest is the body of /team/permissions_update.
type PermissionsRequest struct {
	TeamID  string             `json:"team_id"`
	Members field.Of[[]string] `json:"team_member_permissions"`
}

func checkPermissions(member string, sent field.Of[[]string]) error {
	if sent.Ptr() == nil {
		return apierr.Invalid("missing", member, "Field required")
	}
	for _, p := range sent.Value {
		if p != "/team/key/list" && !slices.Contains(policy.MemberPermissions(), p) {
			return apierr.Invalid("enum", member, "Input should be one of "+bounds.Repr(policy.MemberPermissions()))
		}
	}
	return nil
}

// UpdatePermissions sets which routes members of a team may call.
func (s *Service) UpdatePermissions(ctx context.Context, who caller.Caller, r *PermissionsRequest) (View, error) {
	if err := checkPermissions("team_member_permissions", r.Members); err != nil {
		return View{}, err
	}
	var out View
	err := s.managed(ctx, who, r.TeamID, "/team/permissions_update", func(tx *store.Tx, row db.TeamTable) error {
		after, err := s.setPermissions(ctx, tx, who, &row, r.Members.Value)
		out = Show(after)
		return err
	})
	return out, err
}

func (s *Service) setPermissions(ctx context.Context, tx *store.Tx, who caller.Caller, row *db.TeamTable, permissions []string) (db.TeamTable, error) {
	unique := []string{}
	for _, p := range permissions {
		if !slices.Contains(unique, p) {
			unique = append(unique, p)
		}
	}
	after, err := s.store.TeamSetPermissions(ctx, tx, db.TeamSetPermissionsParams{TeamID: row.TeamID, TeamMemberPermissions: unique})
	if err != nil {
		return after, fmt.Errorf("write team: %w", err)
	}
	return after, changed(ctx, tx, who, row, &after)
}

// BulkPermissionsRequest is the body of /team/permissions_bulk_update.
type BulkPermissionsRequest struct {
	Permissions field.Of[[]string] `json:"permissions"`
	TeamIDs     []string           `json:"team_ids"`
	AllTeams    bool               `json:"apply_to_all_teams"`
}

// BulkPermissions is the reply of /team/permissions_bulk_update.
type BulkPermissions struct {
	Message  string   `json:"message"`
	Updated  int      `json:"teams_updated"`
	Appended []string `json:"permissions_appended"`
}

// page is how many teams one transaction changes.
const page = 200

// AppendPermissions opens routes to the members of many teams. Those that are
// named are changed all or not at all; where it is every team, page by page, for
// nobody could wait for all of them.
func (s *Service) AppendPermissions(ctx context.Context, who caller.Caller, r *BulkPermissionsRequest) (BulkPermissions, error) {
	if err := checkPermissions("permissions", r.Permissions); err != nil {
		return BulkPermissions{}, err
	}
	if r.AllTeams == (len(r.TeamIDs) > 0) {
		return BulkPermissions{}, apierr.Detail(http.StatusBadRequest, "Exactly one of 'team_ids' and 'apply_to_all_teams' must be set")
	}
	if err := bounds.CheckNames("team_ids", r.TeamIDs); err != nil {
		return BulkPermissions{}, err
	}
	out := BulkPermissions{Appended: r.Permissions.Value}
	var err error
	if r.AllTeams {
		out.Updated, err = s.appendEverywhere(ctx, who, r.Permissions.Value)
	} else {
		out.Updated, err = s.appendTo(ctx, who, r)
	}
	out.Message = fmt.Sprintf("Updated the permissions of members of %d teams", out.Updated)
	return out, err
}

func (s *Service) appendTo(ctx context.Context, who caller.Caller, r *BulkPermissionsRequest) (int, error) {
	n := 0
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		rows, err := s.store.TeamsLock(ctx, tx, r.TeamIDs)
		if err != nil {
			return fmt.Errorf("read teams: %w", err)
		}
		for _, id := range r.TeamIDs {
			if !slices.ContainsFunc(rows, func(t db.TeamTable) bool { return t.TeamID == id }) {
				return lost(who, id, "/team/permissions_bulk_update")
			}
		}
		n, err = s.appendRows(ctx, tx, who, rows, r.Permissions.Value)
		return err
	})
	return n, err
}

func (s *Service) appendEverywhere(ctx context.Context, who caller.Caller, permissions []string) (int, error) {
	n, after := 0, ""
	for {
		var rows []db.TeamTable
		var done int
		err := s.store.InTx(ctx, func(tx *store.Tx) error {
			var err error
			if rows, err = s.store.TeamsLockAfter(ctx, tx, db.TeamsLockAfterParams{After: after, PageSize: page}); err != nil {
				return fmt.Errorf("read teams: %w", err)
			}
			done, err = s.appendRows(ctx, tx, who, rows, permissions)
			return err
		})
		if err != nil {
			return n, err
		}
		if n += done; len(rows) < page {
			return n, nil
		}
		after = rows[len(rows)-1].TeamID
	}
}

// appendRows returns how many teams did not have all of the permissions.
func (s *Service) appendRows(ctx context.Context, tx *store.Tx, who caller.Caller, rows []db.TeamTable, permissions []string) (int, error) {
	n := 0
	for i := range rows {
		// What members may do where a team says nothing stays.
		present := who.In(&rows[i]).MemberPermissions()
		if !slices.ContainsFunc(permissions, func(p string) bool { return !slices.Contains(present, p) }) {
			continue
		}
		if _, err := s.setPermissions(ctx, tx, who, &rows[i], append(slices.Clone(present), permissions...)); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Package user manages internal users by LiteLLM's rules, as far as they own
// keys.
package user

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store *store.Store
	keys  *key.Service
}

// New returns a service over the store; keys makes the key that a new user gets.
func New(st *store.Store, keys *key.Service) *Service { return &Service{store: st, keys: keys} }

// Request is the body of /user/new. The members that it shares with
// /key/generate describe the user; the user's first key has no limits of its own.
type Request struct {
	limit.Fields

	UserID        field.Of[string]         `json:"user_id"`
	UserAlias     field.Of[string]         `json:"user_alias"`
	UserEmail     field.Of[string]         `json:"user_email"`
	UserRole      field.Of[string]         `json:"user_role"`
	Teams         field.Of[[]string]       `json:"teams"`
	Metadata      field.Of[map[string]any] `json:"metadata"`
	Models        field.Of[[]string]       `json:"models"`
	Organizations field.Of[[]string]       `json:"organizations"`
	AutoCreateKey field.Of[bool]           `json:"auto_create_key"`
	KeyAlias      field.Of[string]         `json:"key_alias"`
	Duration      field.Of[string]         `json:"duration"`
}

// Created is the reply of /user/new.
type Created struct {
	limit.View

	Key       string     `json:"key"`
	UserID    string     `json:"user_id"`
	UserEmail *string    `json:"user_email"`
	UserAlias *string    `json:"user_alias"`
	UserRole  *string    `json:"user_role"`
	Teams     []string   `json:"teams"`
	Models    []string   `json:"models"`
	Spend     float64    `json:"spend"`
	Expires   *time.Time `json:"expires"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
}

// View is a user as LiteLLM shows it.
type View = person.View

// Info is the reply of /user/info.
type Info struct {
	UserID   *string     `json:"user_id"`
	UserInfo *View       `json:"user_info"`
	Keys     []key.Row   `json:"keys"`
	Teams    []team.View `json:"teams"`
}

// New makes a user and, unless told otherwise, a key for them.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (Created, error) {
	orgs := r.Organizations.Or(nil)
	if err := who.May().NewUser(policy.RoleOf(r.UserRole.Or("")), orgs, "/user/new"); err != nil {
		return Created{}, err
	}
	row, err := r.row(time.Now())
	if err != nil {
		return Created{}, err
	}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		wanted := row
		var err error
		row, err = s.store.UserInsert(ctx, tx, insertParams(row))
		if constraint, taken := store.Duplicate(err); taken {
			return conflict(constraint, wanted)
		}
		if err != nil {
			return fmt.Errorf("write user: %w", err)
		}
		if err := s.enter(ctx, tx, &row, orgs); err != nil {
			return err
		}
		made := &audit.Entry{Actor: who.Actor(), Action: audit.Created, Table: audit.Users, ObjectID: row.UserID, After: person.Show(row)}
		if err := tx.Audited(ctx, made); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindUser, row.UserID)
	})
	if err != nil {
		return Created{}, err
	}
	out := Created{
		View: limit.OfUser(&row).View(time.Now()), UserID: row.UserID, UserEmail: row.UserEmail, UserAlias: row.UserAlias, UserRole: row.UserRole,
		Teams: row.Teams, Models: row.Models, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	if !r.AutoCreateKey.Or(true) {
		return out, nil
	}
	made, err := s.keys.Issue(ctx, who, &key.Request{
		UserID: field.Of[string]{Sent: true, Value: row.UserID}, KeyAlias: r.KeyAlias, Duration: r.Duration,
	})
	if err != nil {
		return Created{}, err
	}
	out.Key, out.Expires = made.Key, made.Expires
	return out, nil
}

// enter makes a new user a member of organisations.
func (s *Service) enter(ctx context.Context, tx *store.Tx, u *db.UserTable, orgs []string) error {
	if len(orgs) == 0 {
		return nil
	}
	if err := bounds.CheckIDs("organizations", orgs); err != nil {
		return err
	}
	role := string(policy.InternalUser)
	if u.UserRole != nil && *u.UserRole == string(policy.InternalUserViewer) {
		role = *u.UserRole
	}
	for _, id := range orgs {
		if _, err := s.store.OrgForUpdate(ctx, tx, id); errors.Is(err, store.ErrNotFound) {
			return apierr.Detail(http.StatusBadRequest, "Organization not found for organization_id=%s", id)
		} else if err != nil {
			return fmt.Errorf("read organization: %w", err)
		}
		if _, err := s.store.OrgMemberInsert(ctx, tx, db.OrgMemberInsertParams{OrganizationID: id, UserID: u.UserID, UserRole: &role}); err != nil {
			return fmt.Errorf("write member of organization: %w", err)
		}
	}
	return nil
}

func conflict(constraint string, u db.UserTable) error {
	message := fmt.Sprintf("User with id %s already exists", u.UserID)
	if constraint == "user_table_email" && u.UserEmail != nil {
		message = fmt.Sprintf("User with email %s already exists", *u.UserEmail)
	}
	return &apierr.Error{Status: http.StatusConflict, Type: apierr.TypeBadRequest, NoneText: true, Message: message}
}

func (r *Request) row(now time.Time) (db.UserTable, error) {
	u := db.UserTable{
		UserID: r.UserID.Or(""), UserAlias: r.UserAlias.Ptr(), UserEmail: r.UserEmail.Ptr(), UserRole: r.UserRole.Ptr(),
		Teams: r.Teams.Or([]string{}), Models: r.Models.Or([]string{}),
	}
	if u.UserID == "" {
		u.UserID = uuid.NewString()
	}
	switch r.UserRole.Or("internal_user") {
	case "proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer":
	default:
		return u, apierr.Invalid("enum", "user_role", "Input should be 'proxy_admin', 'proxy_admin_viewer', 'internal_user' or 'internal_user_viewer'")
	}
	meta, err := json.Marshal(r.Metadata.Or(map[string]any{}))
	if err != nil {
		return u, apierr.BadRequest("metadata can not be encoded: %v", err)
	}
	u.Metadata = meta
	err = r.ApplyLimits(limit.OfUser(&u), limit.Rules{Types: limit.OwnerTypes(), Metadata: true, Now: now})
	return u, err
}

func insertParams(u db.UserTable) db.UserInsertParams {
	return db.UserInsertParams{
		UserID: u.UserID, UserAlias: u.UserAlias, UserEmail: u.UserEmail, UserRole: u.UserRole, Teams: u.Teams, Metadata: u.Metadata, Models: u.Models,
		MaxBudgetNano: u.MaxBudgetNano, BudgetDuration: u.BudgetDuration, BudgetResetAt: u.BudgetResetAt,
		MaxParallelRequests: u.MaxParallelRequests, TpmLimit: u.TpmLimit, RpmLimit: u.RpmLimit,
		TphLimit: u.TphLimit, RphLimit: u.RphLimit, TpdLimit: u.TpdLimit, RpdLimit: u.RpdLimit, SoftBudgetNano: u.SoftBudgetNano,
		BudgetLimits: u.BudgetLimits, ModelMaxBudget: u.ModelMaxBudget,
	}
}

// Info returns a user with their keys and teams, to admins and to that user.
func (s *Service) Info(ctx context.Context, who caller.Caller, userID string) (Info, error) {
	if userID == "" {
		userID = who.UserID
	}
	if err := who.May().SeeUser(userID); err != nil {
		return Info{}, err
	}
	if userID == "" {
		userID = caller.AdminUserID
	}
	info := Info{UserID: &userID, Keys: []key.Row{}, Teams: []team.View{}}
	row, err := s.store.UserByID(ctx, s.store.DB(), userID)
	switch {
	case errors.Is(err, store.ErrNotFound) && userID != caller.AdminUserID:
		return Info{}, &apierr.Error{Status: http.StatusNotFound, Type: apierr.TypeNotFound, NoneText: true, Message: fmt.Sprintf("User %s not found", userID)}
	case err == nil:
		v := person.Show(row)
		info.UserInfo = &v
	case !errors.Is(err, store.ErrNotFound):
		return Info{}, fmt.Errorf("read user: %w", err)
	}
	keys, err := s.store.KeysByUser(ctx, s.store.DB(), userID)
	if err != nil {
		return Info{}, fmt.Errorf("read keys of user: %w", err)
	}
	info.Keys = key.Views(keys)
	for _, id := range row.Teams {
		t, err := s.store.TeamByID(ctx, s.store.DB(), id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return Info{}, fmt.Errorf("read team of user: %w", err)
		}
		info.Teams = append(info.Teams, team.Show(t))
	}
	return info, nil
}

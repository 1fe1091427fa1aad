package user

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/password"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
)

const routeNew = "/user/new"

// Created is the reply of /user/new.
type Created struct {
	limit.View

	Key       string          `json:"key"`
	KeyName   *string         `json:"key_name"`
	KeyAlias  *string         `json:"key_alias"`
	Duration  *string         `json:"duration"`
	UserID    string          `json:"user_id"`
	UserEmail *string         `json:"user_email"`
	UserAlias *string         `json:"user_alias"`
	UserRole  *string         `json:"user_role"`
	Teams     []string        `json:"teams"`
	Metadata  json.RawMessage `json:"metadata"`
	Models    []string        `json:"models"`
	Spend     float64         `json:"spend"`
	Expires   *time.Time      `json:"expires"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// enrolled is a new user in the audit trail.
type enrolled struct {
	person.View

	Organizations []string `json:"organizations"`
}

// New makes a user, lets them join teams and organisations, and makes a key for
// them unless told otherwise.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (Created, error) {
	s.rules.fill(r)
	wanted, err := s.prepare(who, r)
	if err != nil {
		return Created{}, err
	}
	orgs := unique(r.Organizations.Or(nil))
	var out Created
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		if err := s.lockOrgs(ctx, tx, orgs); err != nil {
			return err
		}
		teams, err := s.lockTeams(ctx, tx, who, r.Teams.Or(nil))
		if err != nil {
			return err
		}
		row, err := s.insert(ctx, tx, wanted, teams)
		if err != nil {
			return err
		}
		if err := s.joinOrgs(ctx, tx, &row, orgs); err != nil {
			return err
		}
		if err := s.joinTeams(ctx, tx, who, &row, teams); err != nil {
			return err
		}
		if err := tx.Audited(ctx, entry(who, audit.Created, row.UserID, nil, enrolled{person.Show(row), orgs})); err != nil {
			return err
		}
		if err := tx.Changed(ctx, store.KindUser, row.UserID); err != nil {
			return err
		}
		out, err = s.withKey(ctx, tx, who, r, &row)
		return err
	})
	if err != nil {
		return Created{}, err
	}
	return out, nil
}

// prepare checks what can be checked before anything is written, and hashes the
// password.
func (s *Service) prepare(who caller.Caller, r *Request) (db.UserTable, error) {
	may := who.May()
	if err := may.NewUser(policy.RoleOf(r.UserRole.Or("")), r.Organizations.Or(nil), routeNew); err != nil {
		return db.UserTable{}, err
	}
	if r.UserID.Or("") == caller.AdminUserID && !may.Admin() {
		return db.UserTable{}, may.AdminsOnly(routeNew) // who logs in as admin is that user
	}
	if r.SSOUserID.Or("") != "" && !may.Admin() {
		// Whoever made a user for somebody's login elsewhere would have a part in it.
		return db.UserTable{}, apierr.Forbidden("Only proxy admins can set sso_user_id.")
	}
	row, err := r.row(time.Now())
	if err != nil {
		return row, err
	}
	if plain := r.Password.Ptr(); plain != nil {
		if err := password.Check(*plain); err != nil {
			return row, err
		}
		if row.Password, err = password.New(*plain); err != nil {
			return row, err
		}
	}
	return row, nil
}

func (s *Service) insert(ctx context.Context, tx *store.Tx, wanted db.UserTable, teams []joining) (db.UserTable, error) {
	wanted.Teams = slices.Clone(wanted.Teams) // the transaction may run again
	for i := range teams {
		wanted.Teams = append(wanted.Teams, teams[i].row.TeamID)
	}
	row, err := s.store.UserInsert(ctx, tx, insertParams(&wanted))
	if constraint, taken := store.Duplicate(err); taken {
		return row, conflict(constraint, &wanted)
	}
	if err != nil {
		return row, fmt.Errorf("write user: %w", err)
	}
	return row, nil
}

// withKey is the reply, with a key that it makes.
func (s *Service) withKey(ctx context.Context, tx *store.Tx, who caller.Caller, r *Request, row *db.UserTable) (Created, error) {
	out := Created{
		View: limit.OfUser(row).View(time.Now()), UserID: row.UserID, UserEmail: row.UserEmail, UserAlias: row.UserAlias, UserRole: row.UserRole,
		Teams: row.Teams, Metadata: row.Metadata, Models: row.Models, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	if !r.AutoCreateKey.Or(true) {
		return out, nil
	}
	made, err := s.keys.IssueIn(ctx, tx, who, &key.Request{
		UserID: field.Of[string]{Sent: true, Value: row.UserID}, KeyAlias: r.KeyAlias, Duration: r.Duration,
	})
	if err != nil {
		return Created{}, err
	}
	out.Key, out.Expires, out.KeyName, out.KeyAlias, out.Duration = made.Key, made.Expires, made.KeyName, made.KeyAlias, made.Duration
	return out, nil
}

// unique sorts a list, so that rows are always locked in the same order.
func unique(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

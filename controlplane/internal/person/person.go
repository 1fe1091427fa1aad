// Package person finds the user whom a request names as a member of a team or
// an organisation, and makes those that are not known yet, as LiteLLM does. It
// owns no goroutine.
package person

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
	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Name is how a request names somebody: by id, by e-mail address, or both.
type Name struct {
	UserID    *string `json:"user_id"`
	UserEmail *string `json:"user_email"`
}

// Check refuses a name that names nobody.
func (n Name) Check() error {
	if n.UserID == nil && n.UserEmail == nil {
		return apierr.Invalid("value_error", "", "Value error, Either user_id or user_email must be provided")
	}
	if n.UserID != nil {
		if err := bounds.CheckID("user_id", *n.UserID); err != nil {
			return err
		}
	}
	if n.UserEmail == nil {
		return nil
	}
	return bounds.CheckID("user_email", *n.UserEmail)
}

// Find returns the user, or store.ErrNotFound.
func Find(ctx context.Context, st *store.Store, conn db.DBTX, n Name) (db.UserTable, error) {
	if n.UserID != nil {
		return st.UserByID(ctx, conn, *n.UserID)
	}
	return st.UserByEmail(ctx, conn, *n.UserEmail)
}

// Enroll returns the user, whom it makes, for the actor, when there is none.
func Enroll(ctx context.Context, st *store.Store, tx *store.Tx, by audit.Actor, n Name, role string) (db.UserTable, error) {
	u, err := Find(ctx, st, tx, n)
	if !errors.Is(err, store.ErrNotFound) {
		return u, wrap(err)
	}
	id := uuid.NewString()
	if n.UserID != nil {
		id = *n.UserID
	}
	made, err := st.UserEnroll(ctx, tx, db.UserEnrollParams{UserID: id, UserEmail: n.UserEmail, UserRole: &role})
	if err != nil {
		return u, fmt.Errorf("write user: %w", err)
	}
	if made > 0 {
		if err := tx.Changed(ctx, store.KindUser, id); err != nil {
			return u, err
		}
	}
	u, err = Find(ctx, st, tx, n)
	if errors.Is(err, store.ErrNotFound) {
		return u, &apierr.Error{
			Status: http.StatusConflict, Type: apierr.TypeBadRequest, NoneText: true, Message: fmt.Sprintf("User with email %s already exists", *n.UserEmail),
		}
	}
	if err != nil || made == 0 {
		return u, wrap(err)
	}
	return u, tx.Audited(ctx, &audit.Entry{Actor: by, Action: audit.Created, Table: audit.Users, ObjectID: u.UserID, After: Show(u)})
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	return nil
}

// View is a user as LiteLLM shows one.
type View struct {
	limit.View

	UserID    string          `json:"user_id"`
	UserAlias *string         `json:"user_alias"`
	UserEmail *string         `json:"user_email"`
	UserRole  *string         `json:"user_role"`
	SSOUserID *string         `json:"sso_user_id"`
	Teams     []string        `json:"teams"`
	Metadata  json.RawMessage `json:"metadata"`
	Models    []string        `json:"models"`
	Spend     float64         `json:"spend"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// Show returns a user as LiteLLM shows one.
func Show(u db.UserTable) View {
	return View{
		View: limit.OfUser(&u).View(time.Now()), UserID: u.UserID, UserAlias: u.UserAlias, UserEmail: u.UserEmail, UserRole: u.UserRole, SSOUserID: u.SsoUserID, Teams: u.Teams,
		Metadata: u.Metadata, Models: u.Models, Spend: money.Nano(budget.Current(u.SpendNano, u.BudgetResetAt, time.Now())).USD(), CreatedAt: u.CreatedAt.UTC(), UpdatedAt: u.UpdatedAt.UTC(),
	}
}

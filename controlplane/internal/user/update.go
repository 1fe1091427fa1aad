package user

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/password"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
)

const routeUpdate = "/user/update"

// UpdateRequest is the body of /user/update.
type UpdateRequest struct {
	limit.Fields

	UserID    field.Of[string]         `json:"user_id"`
	UserEmail field.Of[string]         `json:"user_email"`
	UserAlias field.Of[string]         `json:"user_alias"`
	UserRole  field.Of[string]         `json:"user_role"`
	Password  field.Of[string]         `json:"password"`
	Metadata  field.Of[map[string]any] `json:"metadata"`
	Models    field.Of[[]string]       `json:"models"`
	Spend     field.Of[float64]        `json:"spend"`
	// members are the names of what was sent.
	members []string
}

// UnmarshalJSON leaves out null and what is empty, but for a budget: LiteLLM's
// clients send every member, whether it is to change or not.
func (r *UpdateRequest) UnmarshalJSON(b []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	var members []string
	for name, value := range all {
		switch text := string(bytes.TrimSpace(value)); {
		case text == "null" && name != "max_budget", empty(text):
			delete(all, name)
		default:
			members = append(members, name)
		}
	}
	slices.Sort(members)
	b, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	type plain UpdateRequest
	var p plain
	if err := json.Unmarshal(b, &p); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	*r = UpdateRequest(p)
	r.members = members
	return nil
}

// empty reports whether JSON is a list or an object of nothing.
func empty(text string) bool {
	if len(text) < 2 || text[0] != '[' && text[0] != '{' {
		return false
	}
	return len(bytes.TrimSpace([]byte(text[1:len(text)-1]))) == 0
}

// Updated is the reply of /user/update.
type Updated struct {
	UserID string `json:"user_id"`
	Data   View   `json:"data"`
}

// traced is a user in the audit trail: that there is a new password, not which.
type traced struct {
	person.View

	Password string `json:"password,omitempty"`
}

// name is how the request names the user.
func (r *UpdateRequest) name() person.Name {
	if id := r.UserID.Ptr(); id != nil {
		return person.Name{UserID: id}
	}
	return person.Name{UserEmail: r.UserEmail.Ptr()}
}

func (r *UpdateRequest) check() error {
	if r.UserID.Ptr() == nil && r.UserEmail.Ptr() == nil {
		return apierr.Invalid("value_error", "", "Value error, Either user_id or user_email must be provided")
	}
	if role := r.UserRole.Ptr(); role != nil {
		if err := checkRole(*role); err != nil {
			return err
		}
	}
	if plain := r.Password.Ptr(); plain != nil {
		if err := password.Check(*plain); err != nil {
			return err
		}
	}
	return r.name().Check()
}

// Update changes what was sent. A user whom an address names and who is not
// there is made.
func (s *Service) Update(ctx context.Context, who caller.Caller, r *UpdateRequest) (Updated, error) {
	if err := r.check(); err != nil {
		return Updated{}, err
	}
	id, err := s.find(ctx, who, r)
	if err != nil {
		return Updated{}, err
	}
	if id == "" {
		return s.enroll(ctx, who, r)
	}
	c, err := newChange(r)
	if err != nil {
		return Updated{}, err
	}
	out := Updated{UserID: id}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		if !c.password.IsZero() {
			if err := s.sessions.Lock(ctx, tx, id); err != nil {
				return err
			}
		}
		row, err := s.store.UserForUpdate(ctx, tx, id)
		if err != nil {
			return read(id, err)
		}
		if row, err = s.change(ctx, tx, who, row, c); err != nil {
			return err
		}
		out.Data = person.Show(row)
		return tx.Changed(ctx, store.KindUser, id)
	})
	return out, err
}

// find looks up whom a request names, and refuses who may not change them. It
// returns "" for an address that nobody has, which an admin may give to a new
// user.
func (s *Service) find(ctx context.Context, who caller.Caller, r *UpdateRequest) (string, error) {
	row, err := person.Find(ctx, s.store, s.store.DB(), r.name())
	missing := errors.Is(err, store.ErrNotFound)
	if err != nil && !missing {
		return "", fmt.Errorf("read user: %w", err)
	}
	id := row.UserID
	if missing {
		id = r.UserID.Or("")
	}
	may := who.May()
	if err := may.UpdateUser(id, r.members, routeUpdate); err != nil {
		return "", err
	}
	if missing && id != "" {
		return "", notFound(id)
	}
	if missing || may.Admin() || r.UserEmail.Ptr() == nil || row.UserEmail != nil && *row.UserEmail == r.UserEmail.Value {
		return id, nil
	}
	// Identity providers and teams find people by their addresses, and nobody here
	// makes sure that one is the user's.
	return "", apierr.Forbidden("Only proxy admins can change a user's address.")
}

// enroll makes a user whom a request for a change names by address.
func (s *Service) enroll(ctx context.Context, who caller.Caller, r *UpdateRequest) (Updated, error) {
	made, err := s.New(ctx, who, &Request{
		Fields: r.Fields, UserEmail: r.UserEmail, UserAlias: r.UserAlias, UserRole: r.UserRole, Password: r.Password, Metadata: r.Metadata,
		Models: r.Models, AutoCreateKey: sent(false),
	})
	if err != nil {
		return Updated{}, err
	}
	row, err := s.store.UserByID(ctx, s.store.DB(), made.UserID)
	if err != nil {
		return Updated{}, read(made.UserID, err)
	}
	return Updated{UserID: row.UserID, Data: person.Show(row)}, nil
}

// change is what is to be done to users.
type change struct {
	*UpdateRequest

	password password.Hash
	now      time.Time
}

// newChange hashes the password, which is slow, before any row is locked.
func newChange(r *UpdateRequest) (*change, error) {
	c := &change{UpdateRequest: r, now: time.Now()}
	if plain := r.Password.Ptr(); plain != nil {
		var err error
		if c.password, err = password.New(*plain); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// change changes a user whose row is locked, and returns them as they are then.
func (s *Service) change(ctx context.Context, tx *store.Tx, who caller.Caller, row db.UserTable, c *change) (db.UserTable, error) {
	before := row
	if err := c.apply(&row); err != nil {
		return row, err
	}
	var setSpend *int64
	if c.Spend.Sent || row.SpendNano != before.SpendNano {
		setSpend = &row.SpendNano
	}
	wanted := row
	row, err := s.store.UserUpdate(ctx, tx, updateParams(&row, setSpend))
	if constraint, taken := store.Duplicate(err); taken {
		return row, conflict(constraint, &wanted)
	}
	if err != nil {
		return row, fmt.Errorf("write user: %w", err)
	}
	after := traced{View: person.Show(row)}
	if !c.password.IsZero() {
		after.Password = "set"
		if err := s.sessions.EndAll(ctx, tx, who.Actor(), row.UserID, who.KeyHash); err != nil {
			return row, err
		}
	}
	return row, tx.AuditedChange(ctx, entry(who, audit.Updated, row.UserID, traced{View: person.Show(before)}, after))
}

// apply changes row by what was sent.
func (c *change) apply(row *db.UserTable) error {
	budget.Roll(&row.SpendNano, &row.BudgetResetAt, row.BudgetDuration, c.now)
	c.UserEmail.Into(&row.UserEmail)
	c.UserAlias.Into(&row.UserAlias)
	c.UserRole.Into(&row.UserRole)
	c.Models.IntoValue(&row.Models)
	if !c.password.IsZero() {
		row.Password = c.password
	}
	row.UserEmail = filled(row.UserEmail)
	if err := checkNames(row); err != nil {
		return err
	}
	if c.Metadata.Sent {
		meta, err := bounds.Encode("metadata", keepProvisioned(row.Metadata, c.Metadata.Value))
		if err != nil {
			return err
		}
		row.Metadata = meta
	}
	if c.Spend.Sent {
		n, err := money.FromUSD(c.Spend.Value)
		if err != nil || n < 0 {
			return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "spend must be a non-negative number of dollars")
		}
		row.SpendNano = int64(n)
	}
	return c.ApplyLimits(limit.OfUser(row), limit.Rules{Types: limit.OwnerTypes(), Metadata: c.Metadata.Sent, Now: c.now})
}

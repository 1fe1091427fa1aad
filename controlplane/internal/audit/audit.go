package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Action is what was done to an object.
type Action string

// The actions.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Deleted   Action = "deleted"
	Blocked   Action = "blocked"
	Unblocked Action = "unblocked"
	Rotated   Action = "rotated"
)

// Table is the kind of an object, by the name of its table.
type Table string

// The tables whose changes are kept.
const (
	Keys          Table = "verification_token"
	Teams         Table = "team_table"
	Users         Table = "user_table"
	Models        Table = "proxy_model_table"
	Customers     Table = "end_user_table"
	Organizations Table = "organization_table"
	Budgets       Table = "budget_table"
	Tags          Table = "tag_table"
	AccessGroups  Table = "access_group_table"
	Fallbacks     Table = "fallback_table"
	Memberships   Table = "team_membership"
	OrgMembers    Table = "organization_membership"
	Credentials   Table = "credentials_table"
	Invitations   Table = "invitation_link"
	JWTMappings   Table = "jwt_key_mapping"
)

// liteLLM is how LiteLLM's tables are called beside ours.
func liteLLM() map[string]Table {
	return map[string]Table{
		"LiteLLM_VerificationToken": Keys, "LiteLLM_TeamTable": Teams, "LiteLLM_UserTable": Users, "LiteLLM_ProxyModelTable": Models,
		"LiteLLM_EndUserTable": Customers, "LiteLLM_OrganizationTable": Organizations, "LiteLLM_BudgetTable": Budgets, "LiteLLM_TagTable": Tags,
		"LiteLLM_AccessGroupTable": AccessGroups,
		"LiteLLM_TeamMembership":   Memberships, "LiteLLM_OrganizationMembership": OrgMembers, "LiteLLM_CredentialsTable": Credentials,
		"LiteLLM_InvitationLink": Invitations, "LiteLLM_JWTKeyMapping": JWTMappings,
	}
}

// TableOf returns the table that a filter names, by our name or LiteLLM's.
func TableOf(name string) Table {
	if t, ok := liteLLM()[name]; ok {
		return t
	}
	return Table(name)
}

// Actor is who made a change.
type Actor struct {
	// ID is a user, or what the caller says it acts for.
	ID string
	// KeyHash is of the key that was used; empty for the master key.
	KeyHash string
}

// Entry is one change of one object. Before and After are encoded as JSON; nil
// is nothing.
type Entry struct {
	Actor    Actor
	Action   Action
	Table    Table
	ObjectID string
	Before   any
	After    any
}

// Row is an entry as it is stored.
type Row struct {
	ID        uuid.UUID
	UpdatedAt time.Time // whole microseconds, as in Postgres
	Entry     Entry
	Before    []byte
	After     []byte
}

// NewRow encodes an entry. Secrets in it are masked.
func NewRow(e *Entry, now time.Time) (Row, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Row{}, fmt.Errorf("make audit id: %w", err)
	}
	r := Row{ID: id, UpdatedAt: now.UTC().Truncate(time.Microsecond), Entry: *e}
	if r.Before, err = encode(e.Before); err != nil {
		return Row{}, fmt.Errorf("encode what an object was: %w", err)
	}
	if r.After, err = encode(e.After); err != nil {
		return Row{}, fmt.Errorf("encode what an object became: %w", err)
	}
	return r, nil
}

// Hash links a row to the one before it: SHA-256 over the hash of that one and
// all members of this one, each with its length.
func (r *Row) Hash(previous []byte) []byte {
	h := sha256.New()
	for _, part := range [][]byte{
		previous, r.ID[:], []byte(r.UpdatedAt.UTC().Format(time.RFC3339Nano)), []byte(r.Entry.Actor.ID), []byte(r.Entry.Actor.KeyHash),
		[]byte(r.Entry.Action), []byte(r.Entry.Table), []byte(r.Entry.ObjectID), r.Before, r.After,
	} {
		_, _ = fmt.Fprintf(h, "%d:", len(part)) // a hash does not fail
		_, _ = h.Write(part)
	}
	return h.Sum(nil)
}

func encode(v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it was
	}
	var loose any
	if err := json.Unmarshal(raw, &loose); err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it was
	}
	if loose == nil {
		return nil, nil
	}
	return json.Marshal(masked(loose)) //nolint:wrapcheck // the caller says what it was
}

// Changes are the members of after that differ from those of before: what an
// update changed. Both are objects in JSON.
func Changes(before, after any) (any, error) {
	old, err := members(before)
	if err != nil {
		return nil, err
	}
	present, err := members(after)
	if err != nil {
		return nil, err
	}
	for name, value := range present {
		if bytes.Equal(old[name], value) {
			delete(present, name)
		}
	}
	return present, nil
}

func members(v any) (map[string]json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode an object of the audit log: %w", err)
	}
	m := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("encode an object of the audit log: %w", err)
	}
	return m, nil
}

// Nothing is what an object that is gone has become, as at LiteLLM.
type Nothing struct{}

// mask stands for a secret.
const mask = "****"

// masked replaces every secret, at any depth.
func masked(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if _, text := member.(string); text && secret(name) {
				v[name] = mask
			} else {
				v[name] = masked(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = masked(v[i])
		}
	}
	return v
}

// secret reports whether a member of that name holds a secret. The hash of a
// key, which is its name in the database, is none.
func secret(name string) bool {
	name = strings.ToLower(name)
	if name == "key" || strings.HasSuffix(name, "_key") || strings.HasSuffix(name, "apikey") {
		return name != "changed_by_api_key" && name != "deleted_by_api_key"
	}
	for _, part := range []string{"secret", "password", "passwd", "private", "credential", "authorization", "access_token", "refresh_token", "_token"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

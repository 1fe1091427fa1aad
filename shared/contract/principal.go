package contract

import (
	"encoding/json"
	"time"
)

// Head is what every record in a bucket starts with.
//
// A deleted object stays as a record with Deleted set: writers replace the
// revision they have read, and a deleted key has no revision to compare, so a
// writer that is late could bring a revoked key back to life.
type Head struct {
	V       int       `json:"v"`
	Deleted bool      `json:"deleted,omitempty"`
	At      time.Time `json:"at,omitzero"` // when it was deleted
}

// Header returns h itself; records embed Head and so satisfy Record.
func (h *Head) Header() *Head { return h }

// Record is any bucket value.
type Record interface{ Header() *Head }

// VirtualKey is what a data plane needs to know of a virtual key.
type VirtualKey struct {
	Head

	Hash          string            `json:"hash"`
	Alias         string            `json:"alias,omitempty"`
	Name          string            `json:"name,omitempty"` // sk-...abcd, for messages
	UserID        string            `json:"user_id,omitempty"`
	TeamID        string            `json:"team_id,omitempty"`
	OrgID         string            `json:"org_id,omitempty"`
	Models        []string          `json:"models,omitempty"`
	Aliases       map[string]string `json:"aliases,omitempty"`
	AllowedRoutes []string          `json:"allowed_routes,omitempty"`
	Blocked       bool              `json:"blocked,omitempty"`
	Expires       time.Time         `json:"expires,omitzero"`
	Limits        Limits            `json:"limits,omitzero"`
	Metadata      json.RawMessage   `json:"metadata,omitempty"`
}

// Team is what a data plane needs to know of a team.
type Team struct {
	Head

	ID           string            `json:"id"`
	Alias        string            `json:"alias,omitempty"`
	OrgID        string            `json:"org_id,omitempty"`
	Models       []string          `json:"models,omitempty"`
	ModelAliases map[string]string `json:"model_aliases,omitempty"`
	Blocked      bool              `json:"blocked,omitempty"`
	Limits       Limits            `json:"limits,omitzero"`
	Metadata     json.RawMessage   `json:"metadata,omitempty"`
}

// User is what a data plane needs to know of an internal user.
type User struct {
	Head

	ID     string   `json:"id"`
	Role   string   `json:"role,omitempty"`
	Models []string `json:"models,omitempty"`
	Limits Limits   `json:"limits,omitzero"`
}

// Limits are the limits of one principal; nil means unlimited, zero means
// that everything is refused.
type Limits struct {
	RPM           *int64 `json:"rpm,omitempty"`
	TPM           *int64 `json:"tpm,omitempty"`
	MaxParallel   *int64 `json:"max_parallel,omitempty"`
	MaxBudgetNano *int64 `json:"max_budget_nano,omitempty"`
}

// PrincipalsState says whether the principals bucket holds every principal.
// While Complete is false an unknown key may simply not have been published
// yet (a fresh or wiped NATS), so it must not be refused as unknown.
type PrincipalsState struct {
	Head

	Complete bool `json:"complete"`
}

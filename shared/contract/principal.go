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
	AgentID       string            `json:"agent_id,omitempty"`
	Models        []string          `json:"models,omitempty"`
	Aliases       map[string]string `json:"aliases,omitempty"`
	AllowedRoutes []string          `json:"allowed_routes,omitempty"`
	// AccessGroups are the ids of groups whose models the key may use besides.
	AccessGroups []string  `json:"access_groups,omitempty"`
	Blocked      bool      `json:"blocked,omitempty"`
	Expires      time.Time `json:"expires,omitzero"`
	Limits       Limits    `json:"limits,omitzero"`
	// CacheControls are the members of a request's cache object that the key
	// may set; empty allows all.
	CacheControls []string        `json:"cache_controls,omitempty"`
	Metadata      json.RawMessage `json:"metadata,omitempty"`
	// Delegated says that others than its user know the key: it does not act with
	// the user's role, where that opens more than calls.
	Delegated bool `json:"delegated,omitempty"`
	// ReplacedBy is the hash of the key that this was a former text of. Until
	// Expires it is that key in every respect, then nothing. Blocked is set in
	// such a record, for data planes that do not know this member.
	ReplacedBy string `json:"replaced_by,omitempty"`
}

// Team is what a data plane needs to know of a team.
type Team struct {
	Head

	ID           string            `json:"id"`
	Alias        string            `json:"alias,omitempty"`
	OrgID        string            `json:"org_id,omitempty"`
	Models       []string          `json:"models,omitempty"`
	ModelAliases map[string]string `json:"model_aliases,omitempty"`
	// AccessGroups are the ids of groups whose models the team may use besides.
	AccessGroups []string        `json:"access_groups,omitempty"`
	Blocked      bool            `json:"blocked,omitempty"`
	Limits       Limits          `json:"limits,omitzero"`
	Metadata     json.RawMessage `json:"metadata,omitempty"`
}

// User is what a data plane needs to know of an internal user.
type User struct {
	Head

	ID     string   `json:"id"`
	Role   string   `json:"role,omitempty"`
	Models []string `json:"models,omitempty"`
	Limits Limits   `json:"limits,omitzero"`
	// Deactivated says that an identity provider has taken the user's access away:
	// none of their keys works.
	Deactivated bool `json:"deactivated,omitempty"`
}

// Membership is what a data plane needs to know of a user in a team.
type Membership struct {
	Head

	TeamID string `json:"team_id"`
	UserID string `json:"user_id"`
	Limits Limits `json:"limits,omitzero"`
}

// Organization is what a data plane needs to know of an organisation.
type Organization struct {
	Head

	ID       string          `json:"id"`
	Alias    string          `json:"alias,omitempty"`
	Models   []string        `json:"models,omitempty"`
	Limits   Limits          `json:"limits,omitzero"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// Customer is an end user of somebody's application, whom requests name.
type Customer struct {
	Head

	ID      string `json:"id"`
	Alias   string `json:"alias,omitempty"`
	Blocked bool   `json:"blocked,omitempty"`
	// Region is where the customer's requests may go, such as eu.
	Region       string `json:"region,omitempty"`
	DefaultModel string `json:"default_model,omitempty"`
	Limits       Limits `json:"limits,omitzero"`
}

// Tag is a label that requests and keys carry.
type Tag struct {
	Head

	Name   string `json:"name"`
	Limits Limits `json:"limits,omitzero"`
}

// PrincipalsState says whether the principals bucket holds every principal.
// While Complete is false an unknown key may simply not have been published
// yet (a fresh or wiped NATS), so it must not be refused as unknown.
type PrincipalsState struct {
	Head

	Complete bool `json:"complete"`
}

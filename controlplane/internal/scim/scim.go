// Package scim lets an identity provider keep users and teams by SCIM 2.0
// (RFC 7643, RFC 7644): Users are internal users and Groups are teams, as at
// LiteLLM. A user who is not active keeps their keys, none of which works until
// they are active again.
//
// Users and teams are those of packages user and team; here is how SCIM calls
// them, and how it changes them. Who may call is package policy's to say. It owns
// no goroutine.
package scim

import (
	"context"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
	"github.com/tianjillm/tianjillm/shared/policy"
)

const (
	// Base is where the routes are.
	Base = "/scim/v2"
	// MediaType is that of all answers.
	MediaType = "application/scim+json"

	// MostListed is how many resources one page has at most.
	MostListed = 1000
	// defaultListed is a page of nobody's choice.
	defaultListed = 100
	// mostGroups is a page of groups with all their members.
	mostGroups = 100
	// mostMembers is how many members a group may have here.
	mostMembers = 10_000
	// mostOperations is how many changes one PATCH may have.
	mostOperations = 1000
	// longest is how many bytes a text may have.
	longest = 512
)

// Users makes and deletes users. Service in package user is one.
type Users interface {
	New(ctx context.Context, who caller.Caller, r *user.Request) (user.Created, error)
	Delete(ctx context.Context, who caller.Caller, r *user.DeleteRequest) (int, error)
}

// Teams makes teams. Service in package team is one.
type Teams interface {
	New(ctx context.Context, who caller.Caller, r *team.Request) (team.View, error)
}

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store *store.Store
	users Users
	teams Teams
}

// New returns a service over the store.
func New(st *store.Store, users Users, teams Teams) *Service {
	return &Service{store: st, users: users, teams: teams}
}

// acting is the caller with the rights of an admin, for the packages below: the
// route was open to it, and so is all that the route leads to.
func acting(who caller.Caller) caller.Caller {
	who.Role = policy.ProxyAdmin
	if who.UserID == "" {
		who.UserID = caller.AdminUserID // rows say who made them
	}
	return who
}

// Query is a query for a list.
type Query struct {
	Filter string
	// Start counts from 1; less is 1. Count of less than 0 is for nobody's choice.
	Start, Count int
	// NoMembers says that groups are wanted without their members.
	NoMembers bool
	// Location is the address of Base, in front of what resources are called by.
	Location string
}

func (q *Query) page(most int) (skip, size int32) {
	count := q.Count
	if count < 0 {
		count = defaultListed
	}
	const last = 1 << 30
	return int32(min(max(q.Start, 1), last)) - 1, int32(min(count, most)) //nolint:gosec // both are bounded
}

// Change is a request for one resource.
type Change struct {
	ID string
	// IfMatch is the header of that name, or "".
	IfMatch  string
	Body     []byte
	Location string
}

// notFound is the answer to an id that nothing has.
func notFound(id string) error {
	return &Error{Status: http.StatusNotFound, Detail: "Resource " + short(id) + " not found"}
}

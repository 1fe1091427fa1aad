package policy

import (
	"net/http"

	"github.com/tianjillm/tianjillm/shared/route"
)

// Reach is how far a role reaches on a route.
type Reach uint8

// The reaches.
const (
	// None: the route is refused.
	None Reach = iota
	// Owned: the caller gets what is theirs, by the rules for the object.
	Owned
	// All: nothing more is asked.
	All
)

// cell is a reach, or what it depends on.
type cell uint8

const (
	none  cell = iota
	owned      // what is the caller's
	all
	reads // everything that changes nothing
	orgs  // what belongs to an organisation that the caller is an admin of
)

// cells is who reaches how far, by the kinds of access in package route: Public,
// AnyKey, LLM, Spend, Own, Org, Admin, Provision, MasterOnly.
//
//nolint:gochecknoglobals // a read-only table
var cells = map[Role][route.MasterOnly + 1]cell{
	ProxyAdmin:         {all, all, all, all, all, all, all, all, none},
	ProxyAdminViewer:   {all, all, none, all, reads, reads, reads, reads, none},
	InternalUser:       {all, owned, all, owned, owned, orgs, none, none, none},
	InternalUserViewer: {all, owned, none, owned, orgs, orgs, none, none, none},
	NoRole:             {all, owned, all, owned, owned, none, none, none, none},
	TeamToken:          {all, owned, all, none, none, none, none, none, none},
	Customer:           {all, owned, all, none, none, none, none, none, none},
}

// Reach returns how far the caller reaches on routes of a kind.
func (c *Caller) Reach(access route.Access, method string) Reach {
	if c.Master {
		return All
	}
	if c.Spender && access == route.Spend || c.Provisioner && access == route.Provision {
		return All
	}
	switch cells[c.Role][access] {
	case owned:
		return Owned
	case all:
		return All
	case reads:
		if reading(method) {
			return All
		}
	case orgs:
		if c.orgAdmin() {
			return Owned
		}
	case none:
	}
	return None
}

func reading(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// Gate refuses a route that the caller's role does not open. path is the path
// that was asked for.
func (c *Caller) Gate(r *route.Route, path string) error {
	if c.Reach(r.Access, r.Method) != None {
		return nil
	}
	switch {
	case r.Access == route.MasterOnly:
		return masterOnly(path)
	case r.Access == route.LLM:
		return NoCalls(c.Role)
	case c.Role == ProxyAdminViewer:
		return viewerWrites(c.Role, path)
	}
	return c.AdminsOnly(path)
}

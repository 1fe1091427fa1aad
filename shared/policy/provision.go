package policy

import (
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// scimRoutes start what in a list of allowed routes makes a key that of an
// identity provider, such as "/scim/*".
const scimRoutes = "/scim/"

// Provisions reports whether a key with these allowed routes is one of an
// identity provider.
func Provisions(allowed []string) bool {
	return slices.ContainsFunc(allowed, func(item string) bool { return strings.HasPrefix(item, scimRoutes) })
}

// PermitRoutes refuses to narrow a key to routes that reach beyond its owner: those
// open what they name.
func (c *Caller) PermitRoutes(allowed []string) error {
	if c.Admin() || !Provisions(allowed) {
		return nil
	}
	return apierr.Forbidden("Only proxy admins can make keys for the routes of SCIM.")
}

package policy

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// maxPath bounds how much of a path a message repeats.
const maxPath = 128

func short(path string) string {
	return strings.ToValidUTF8(path[:min(len(path), maxPath)], "")
}

// AdminsOnly refuses what admins may do.
func (c *Caller) AdminsOnly(path string) *apierr.Error {
	return apierr.Auth("Only proxy admin can be used to generate, delete, update info for new keys/users/teams. Route=" + short(path) +
		". Your role=" + c.role().String() + ". Your user_id=" + ident.Mask(c.UserID))
}

func (c *Caller) role() Role {
	if c.Master {
		return ProxyAdmin
	}
	return c.Role
}

// NoCalls refuses calls of models to a role that may not make them.
func NoCalls(r Role) *apierr.Error {
	return apierr.Forbidden("user not allowed to access this OpenAI routes, role= %s", r)
}

func masterOnly(path string) *apierr.Error {
	return apierr.Auth("Tried to access route=" + short(path) + ", which is only for MASTER KEY")
}

func viewerWrites(r Role, path string) *apierr.Error {
	return apierr.Forbidden("user not allowed to access this route, role= %s. Trying to access: %s", r, short(path))
}

func notAllowed(path string) *apierr.Error {
	return apierr.Forbidden("Route %s not allowed", short(path))
}

func adminRoute(path string) *apierr.Error {
	return apierr.Forbidden("user not allowed to access this route. Route=%s is an admin only route", short(path))
}

// bad is a request that breaks a rule for new keys.
func bad(format string, args ...any) *apierr.Error {
	return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, format, args...)
}

// lacks refuses a member of a team what the team does not let its members do.
func (t *Team) lacks(path string) *apierr.Error {
	return &apierr.Error{
		Status: http.StatusUnauthorized, Type: "team_member_permission_error", Param: path,
		Message: fmt.Sprintf("Team member does not have permissions for endpoint: %s. You only have access to the following endpoints: %s for team %s. "+
			"To create keys for this team, please ask your proxy admin to check the team member permission settings and update the settings to allow team member users to create keys.",
			path, quoted(t.MemberPermissions()), t.ID),
	}
}

// quoted writes a list as LiteLLM's messages do.
func quoted(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	return "['" + strings.Join(list, "', '") + "']"
}

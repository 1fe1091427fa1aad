package policy_test

import (
	"testing"

	"github.com/tianjillm/tianjillm/shared/policy"
)

func TestManageModel(t *testing.T) {
	t.Parallel()
	denied := func(role string) string {
		return "User does not have permission to make this model call. Your role=" + role + ". You can only make model calls if you are a PROXY_ADMIN " +
			"or if you are a team admin, by specifying a team_id in the model_info."
	}
	refused(t, callers()["admin"].ManageModel(nil), 0, "")
	refused(t, callers()["user"].ManageModel(team(policy.TeamAdmin)), 0, "")
	refused(t, callers()["org admin"].ManageModel(team(policy.NotInTeam)), 0, "")
	refused(t, callers()["user"].ManageModel(nil), 403, denied("internal_user"))
	refused(t, callers()["user"].ManageModel(team(policy.TeamMember)), 403, denied("internal_user"))
	refused(t, callers()["viewer"].ManageModel(team(policy.NotInTeam)), 403, denied("proxy_admin_viewer"))
}

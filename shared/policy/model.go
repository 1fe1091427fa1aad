package policy

import "github.com/tianjillm/tianjillm/shared/apierr"

// ManageModel refuses to make or change a deployment. Admins may; those of a
// team may with the team's own, for which team is not nil.
func (c *Caller) ManageModel(team *Team) error {
	if c.Admin() || c.leads(team) {
		return nil
	}
	return apierr.Forbidden("User does not have permission to make this model call. Your role=%s. You can only make model calls if you are a PROXY_ADMIN "+
		"or if you are a team admin, by specifying a team_id in the model_info.", c.role())
}

package scim

// TryPatch makes the changes of a PATCH to a user and to a group that are like any
// others, and returns what they come to.
func TryPatch(body []byte) (userName string, active bool, members []string, err error) {
	all, err := operations(body)
	if err != nil {
		return "", false, nil, err
	}
	u := &userState{names: names{UserName: "ann"}, id: "ann", email: "ann@example.com", active: true}
	g := &groupState{id: "devs", displayName: "Devs", members: []string{"ann", "bob"}}
	for i := range all {
		if err := all[i].apply(u); err != nil {
			return "", false, nil, err
		}
		if err := all[i].apply(g); err != nil {
			return "", false, nil, err
		}
	}
	return u.UserName, u.active, g.members, nil
}

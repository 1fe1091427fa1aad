package access

import "slices"

// Grant is what a key, a team or a user may use.
type Grant struct {
	// Models is their own list; an empty one allows all. It may name access
	// groups of models.
	Models []string
	// More are the models of the groups that they are given by their ids. They
	// only add: where there are none, they say nothing.
	More []string
}

// Allows reports whether a model may be used that is in some access groups of
// models.
func (g *Grant) Allows(model string, groups []string) bool {
	return listed(g.Models, model, groups) || len(g.More) > 0 && listed(g.More, model, groups)
}

func listed(list []string, model string, groups []string) bool {
	return Model(list, model) || slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(list, g) })
}

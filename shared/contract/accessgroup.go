package contract

// AccessGroup is a list of models that keys and teams are given by its id.
type AccessGroup struct {
	Head

	ID     string   `json:"id"`
	Models []string `json:"models,omitempty"`
}

// PrefixAccessGroup starts the config keys of access groups.
const PrefixAccessGroup = "accessgroup."

// AccessGroupKey is the config key of an access group.
func AccessGroupKey(id string) string { return PrefixAccessGroup + Token(id) }

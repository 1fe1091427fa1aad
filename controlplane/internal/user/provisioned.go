package user

import (
	"encoding/json"
	"maps"
	"slices"
)

// provisioned are the members of metadata that an identity provider keeps (package
// scim): whoever replaces the metadata and does not know of them must not undo
// what it did, such as taking the access away.
func provisioned() []string { return []string{"scim_metadata", "scim_active"} }

// keepProvisioned adds to new metadata what of the old an identity provider keeps,
// unless the new say it themselves.
func keepProvisioned(old json.RawMessage, sent map[string]any) map[string]any {
	var had map[string]any
	if json.Unmarshal(old, &had) != nil {
		return sent
	}
	all := make(map[string]any, len(sent)+len(had))
	for name, value := range had {
		if slices.Contains(provisioned(), name) {
			all[name] = value
		}
	}
	maps.Copy(all, sent)
	return all
}

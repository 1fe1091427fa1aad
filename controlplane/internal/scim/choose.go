package scim

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Choose returns the attributes of a resource that a client wants: those of a
// list, or all but those of a list. The id and the schemas are always there.
func Choose(resource any, attributes, excluded string) (any, error) {
	if attributes == "" && excluded == "" {
		return resource, nil
	}
	b, err := json.Marshal(resource)
	if err != nil {
		return nil, fmt.Errorf("encode resource: %w", err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("encode resource: %w", err)
	}
	wanted, unwanted := attributesOf(attributes), attributesOf(excluded)
	for name := range all {
		switch lower := strings.ToLower(name); {
		case lower == "id" || lower == "schemas":
		case len(wanted) > 0 && !wanted[lower] && !wanted[lower+"."], unwanted[lower]:
			delete(all, name)
		}
	}
	return all, nil
}

// attributesOf reads a list. A part of an attribute stands for the whole where it
// is wanted; as one that is not wanted it names nothing.
func attributesOf(list string) map[string]bool {
	all := map[string]bool{}
	for one := range strings.SplitSeq(list, ",") {
		one = strings.ToLower(strings.TrimSpace(one))
		if strings.HasPrefix(one, "urn:") {
			one = one[strings.LastIndexByte(one, ':')+1:]
		}
		if one != "" {
			all[one] = true
		}
	}
	for name := range all {
		if whole, _, part := strings.Cut(name, "."); part {
			all[whole+"."] = true
		}
	}
	return all
}

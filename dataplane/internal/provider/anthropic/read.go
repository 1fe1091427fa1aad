package anthropic

import (
	"bytes"

	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// errorType returns the type in an error of Anthropic's.
func errorType(body []byte) string {
	inner := jsonx.Lookup(body, "error").Of(body)
	return text(inner, "type")
}

// serviceTier returns the tier that served, in OpenAI's word.
func serviceTier(usage []byte) string {
	switch tier := text(usage, "service_tier"); tier {
	case "standard":
		return "default"
	default:
		return tier
	}
}

// withMember sets a member of an object whose members are known.
func withMember(object []byte, members []jsonx.Member, name string, value []byte) []byte {
	for i := range members {
		if string(members[i].Name) == name {
			return bytes.Join(jsonx.Rewrite(nil, object, members, []jsonx.Change{{Index: i, Value: value}}), nil)
		}
	}
	return bytes.Join(jsonx.Rewrite(nil, object, members, nil, splice.NewMember(name, value)), nil)
}

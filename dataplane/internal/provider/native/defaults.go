package native

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// defaults are the chat parameters that the deployment sets for requests that
// do not, and those that it cuts.
type defaults struct {
	body    []byte // a JSON object
	members []jsonx.Member
	drops   []string
}

func newDefaults(params map[string]json.RawMessage) (defaults, error) {
	var d defaults
	if raw, ok := params["additional_drop_params"]; ok {
		_ = json.Unmarshal(raw, &d.drops) // a list of paths; what is none names nothing
	}
	set := map[string]json.RawMessage{}
	for _, name := range slices.Concat(catalog.ChatParams(), []string{"top_k"}) {
		if value, ok := params[name]; ok {
			set[name] = value
		}
	}
	var err error
	if d.body, err = json.Marshal(set); err != nil {
		return d, err
	}
	if d.members, err = jsonx.Members(nil, d.body); err != nil {
		return d, err
	}
	return d, (&chat.Request{}).Merge(d.body, d.members)
}

// into completes a request.
func (d *defaults) into(req *chat.Request) error {
	for _, name := range d.drops {
		req.Drop(name)
		if _, ok := req.Extra[name]; ok {
			req.Extra = maps.Clone(req.Extra)
			delete(req.Extra, name)
		}
	}
	if len(d.members) == 0 {
		return nil
	}
	given := req.Params()
	missing := slices.DeleteFunc(slices.Clone(d.members), func(m jsonx.Member) bool {
		_, extra := req.Extra[string(m.Name)]
		return extra || slices.Contains(given, string(m.Name))
	})
	if _, limited := req.Limit(); limited { // by whichever name
		missing = slices.DeleteFunc(missing, func(m jsonx.Member) bool {
			return string(m.Name) == "max_tokens" || string(m.Name) == "max_completion_tokens"
		})
	}
	if len(missing) == 0 {
		return nil
	}
	req.Extra = maps.Clone(req.Extra)
	return req.Merge(d.body, missing)
}

package pipeline

import (
	"encoding/json"
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// takeControls takes from a translated request what speaks to the gateway, so
// that no vendor gets it: mock members stay, for the mock provider.
func (x *exchange) takeControls(req *chat.Request) {
	// What a client of another dialect said has no name here that could be told.
	x.call.DropParams = string(req.Extra["drop_params"]) == "true" || !x.plain
	x.call.Allowed = texts(req.Extra["allowed_openai_params"])
	x.takeExtraBody(req)
	if x.deployment.Provider == mockProvider {
		return
	}
	for _, name := range provider.Controls() {
		delete(req.Extra, name)
	}
}

// takeExtraBody takes the members of extra_body for the request's own, but for
// those that were checked: it is for the vendor's parameters.
func (x *exchange) takeExtraBody(req *chat.Request) {
	raw, ok := req.Extra["extra_body"]
	if !ok {
		return
	}
	delete(req.Extra, "extra_body")
	members, err := jsonx.Members(nil, raw)
	if err != nil {
		return // not an object: nothing of the vendor's
	}
	members = slices.DeleteFunc(members, func(m jsonx.Member) bool {
		return slices.Contains([]string{"model", "stream", "messages", "prompt", "input"}, string(m.Name))
	})
	_ = req.Merge(raw, members) // of a wrong type: as if it was not there
}

// withoutDropped returns the body without what additional_drop_params name,
// which may be paths.
func (x *exchange) withoutDropped() ([]byte, []jsonx.Member) {
	drop := texts(x.call.Lookup("additional_drop_params"))
	if len(drop) == 0 {
		return *x.body, x.members
	}
	body := *x.body
	for _, path := range drop {
		body = splice.Remove(body, splice.ParsePath(path))
	}
	members, err := jsonx.Members(nil, body)
	if err != nil {
		return *x.body, x.members
	}
	return body, members
}

// mockProvider answers by what the request's mock members say.
const mockProvider = "mock"

func texts(raw json.RawMessage) []string {
	if len(raw) == 0 {
		return nil
	}
	var list []string // on the heap
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// mayControl refuses what a request says about the cache and its key may not
// say, whether there is a cache or not.
func (x *exchange) mayControl() error {
	if x.master || len(x.identity.Key.CacheControls) == 0 {
		return nil
	}
	return cache.CheckAllowed(x.call.Lookup("cache"), x.identity.Key.CacheControls)
}

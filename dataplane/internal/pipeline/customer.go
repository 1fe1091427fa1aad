package pipeline

import (
	"net/http"

	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// endUser is who the request says it is for, by LiteLLM's order of places: the
// headers, then the body.
func (x *exchange) endUser() string {
	places := [...]string{"X-Tianji-Customer-Id", "X-Litellm-Customer-Id", "X-Tianji-End-User-Id", "X-Litellm-End-User-Id"}
	for _, names := range [...][]string{places[:], x.state.config.General.CustomerHeaders} {
		for _, name := range names {
			if v := x.r.Header[name]; len(v) > 0 && v[0] != "" {
				return v[0]
			}
		}
	}
	if x.usage.EndUser != "" { // the field of a form
		return x.usage.EndUser
	}
	for _, place := range [...]struct{ object, member string }{{"", "user"}, {"litellm_metadata", "user"}, {"metadata", "user_id"}, {"", "safety_identifier"}} {
		var value []byte
		if place.object == "" {
			value = x.call.Lookup(place.member)
		} else if object := x.call.Lookup(place.object); len(object) > 0 && object[0] == '{' {
			value = jsonx.Lookup(object, place.member).Of(object)
		}
		if len(value) > 2 && value[0] == '"' {
			if id := splice.Text(value); id != "" {
				return id
			}
		}
	}
	return ""
}

// meet finds the customer whom the request is for, and what holds for all of
// its requests.
func (x *exchange) meet() error {
	if !x.master && !x.anonymous {
		x.region = x.teamRegion()
	}
	id := x.identity.Named()
	if id == "" {
		id = x.endUser()
	}
	id = bounded(id)
	x.usage.EndUser = id
	if id == "" || x.anonymous {
		return nil
	}
	c, err := x.p.opts.Principals.Customer(x.r.Context(), id)
	if err := x.unread(err); err != nil {
		return err
	}
	x.customer = c
	if c.Blocked {
		return &apierr.Error{
			Status: http.StatusBadRequest, NoneText: true, Message: "{'error': 'User blocked from making LLM API Calls. User=" + id + "'}",
		}
	}
	if c.Region != "" {
		x.region = c.Region
	}
	if c.DefaultModel != "" && x.passage == nil {
		x.model, x.modelJSON = c.DefaultModel, jsonx.Quote(c.DefaultModel)
	}
	return nil
}

func (x *exchange) teamRegion() string {
	if x.identity.Team == nil {
		return ""
	}
	return x.identity.Team.Marks.Region
}

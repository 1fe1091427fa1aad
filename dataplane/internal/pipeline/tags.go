package pipeline

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// maxTags bounds the tags of a request.
const maxTags = 64

// tags are those of the key and of its team, and the request's own where they
// are allowed: tags decide which deployments may be used and which budgets pay,
// so a client must not give them to itself. Each is there once.
func (x *exchange) tags() []string {
	a := &x.account
	if !a.tagged {
		a.tags, a.tagged = x.findTags(), true
	}
	return a.tags
}

func (x *exchange) findTags() []string {
	if x.anonymous {
		return nil
	}
	if x.master {
		return x.clientTags(nil)
	}
	key := &x.identity.Key.Marks
	tags, allowed := key.Tags, key.ClientTags
	if x.identity.Team != nil {
		team := &x.identity.Team.Marks
		if len(team.Tags) > 0 {
			tags = append(slices.Clip(tags), team.Tags...)
		}
		allowed = allowed || team.ClientTags
	}
	if allowed {
		return x.clientTags(tags)
	}
	return distinct(tags)
}

// clientTags adds the tags of a header, of the body, and of its metadata.
func (x *exchange) clientTags(tags []string) []string {
	tags = slices.Clip(tags)
	for _, name := range [...]string{"X-Tianji-Tags", "X-Litellm-Tags"} {
		for _, v := range x.r.Header[name] {
			tags = appendParts(tags, v)
		}
	}
	tags = append(tags, texts(x.call.Lookup("tags"))...)
	for _, name := range [...]string{"metadata", "litellm_metadata"} {
		if object := x.call.Lookup(name); len(object) > 0 && object[0] == '{' {
			tags = append(tags, texts(json.RawMessage(jsonx.Lookup(object, "tags").Of(object)))...)
		}
	}
	return distinct(tags)
}

func appendParts(tags []string, list string) []string {
	for tag := range strings.SplitSeq(list, ",") {
		tags = append(tags, strings.TrimSpace(tag))
	}
	return tags
}

// distinct returns tags without those that can not be used and those that stand
// twice: what they use would count twice.
func distinct(tags []string) []string {
	bad := func(i int) bool {
		return tags[i] == "" || len(tags[i]) > maxClientText || slices.Contains(tags[:i], tags[i])
	}
	good := 0
	for good < len(tags) && good < maxTags && !bad(good) {
		good++
	}
	if good == len(tags) { // as nearly always: nothing is copied
		return tags
	}
	list := slices.Clone(tags[:good])
	for i := good; i < len(tags) && len(list) < maxTags; i++ {
		if !bad(i) {
			list = append(list, tags[i])
		}
	}
	return list
}

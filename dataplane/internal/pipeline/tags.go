package pipeline

import (
	"encoding/json"
	"strings"
)

// maxTags bounds the tags of a request.
const maxTags = 64

// marked is what the metadata of keys and teams say of tags.
type marked struct {
	Tags            []string `json:"tags"`
	AllowClientTags bool     `json:"allow_client_tags"`
}

// tags are those of the key and of its team, and the request's own where they
// are allowed: tags decide which deployments may be used, so a client must not
// give them to itself.
func (x *exchange) tags() []string {
	if x.master {
		return x.clientTags(nil)
	}
	key := readMarked(x.identity.Key.Metadata)
	tags, allowed := key.Tags, key.AllowClientTags
	if x.identity.Team != nil {
		team := readMarked(x.identity.Team.Metadata)
		tags, allowed = append(tags, team.Tags...), allowed || team.AllowClientTags
	}
	if allowed {
		tags = x.clientTags(tags)
	}
	return tags
}

func readMarked(metadata json.RawMessage) (m marked) {
	if len(metadata) > 0 {
		_ = json.Unmarshal(metadata, &m) // metadata are the user's own: what does not fit is not ours
	}
	return m
}

// clientTags adds the tags of a header, of the body, and of its metadata.
func (x *exchange) clientTags(tags []string) []string {
	for _, name := range [...]string{"X-Tianji-Tags", "X-Litellm-Tags"} {
		for _, v := range x.r.Header[name] {
			for tag := range strings.SplitSeq(v, ",") {
				if tag = strings.TrimSpace(tag); tag != "" {
					tags = append(tags, tag)
				}
			}
		}
	}
	tags = append(tags, texts(x.call.Lookup("tags"))...)
	for _, name := range [...]string{"metadata", "litellm_metadata"} {
		tags = append(tags, readMarked(x.call.Lookup(name)).Tags...)
	}
	return tags[:min(len(tags), maxTags)]
}

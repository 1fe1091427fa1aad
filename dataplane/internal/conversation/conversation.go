// Package conversation keeps the responses of the Responses API that the
// gateway itself made out of chats, so that any replica can go on from them,
// and knows how to write the id of a response that a vendor keeps so that any
// replica finds the vendor again.
package conversation

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

// Record is one response and what led to it.
type Record struct {
	Owner Owner `json:"owner"`
	// Messages are the whole conversation, the answer included, without the
	// instructions, which each request gives anew.
	Messages []chat.Message `json:"messages"`
	// Response and Input are as the client saw and sent them.
	Response json.RawMessage `json:"response"`
	Input    json.RawMessage `json:"input,omitempty"`
}

// Owner is who a response belongs to.
type Owner struct {
	KeyHash string `json:"key,omitempty"`
	UserID  string `json:"user,omitempty"`
	TeamID  string `json:"team,omitempty"`
}

// Refuses says why another caller may not use what belongs to o: "user" where
// it is another user's, "team" where it is another team's, and "" where it may.
// What has neither user nor team is its key's alone.
func (o Owner) Refuses(other Owner) (why string) {
	switch {
	case o.KeyHash == other.KeyHash:
		return ""
	case o.UserID != other.UserID && o.UserID != "", o.UserID == "" && o.TeamID == "":
		return "user"
	case o.TeamID != other.TeamID && o.TeamID != "":
		return "team"
	}
	return ""
}

// idPrefix starts every response's id.
const idPrefix = "resp_"

// Native is the id that clients see of a response that a vendor keeps: it says
// which deployment has it. The form is LiteLLM's, so that ids it gave out lead
// somewhere still.
func Native(slug, deployment, vendorID string) string {
	text := fmt.Sprintf("litellm:custom_llm_provider:%s;model_id:%s;response_id:%s", slug, deployment, vendorID)
	return idPrefix + base64.URLEncoding.EncodeToString([]byte(text))
}

// ParseNative undoes Native.
func ParseNative(id string) (deployment, vendorID string, ok bool) {
	encoded, ok := strings.CutPrefix(id, idPrefix)
	if !ok {
		return "", "", false
	}
	text, err := base64.URLEncoding.DecodeString(encoded)
	if err != nil {
		if text, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return "", "", false
		}
	}
	rest, ok := strings.CutPrefix(string(text), "litellm:custom_llm_provider:")
	if !ok {
		return "", "", false
	}
	_, rest, ok = strings.Cut(rest, ";model_id:")
	if !ok {
		return "", "", false
	}
	deployment, vendorID, ok = strings.Cut(rest, ";response_id:")
	return deployment, vendorID, ok && vendorID != ""
}

package ledger

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// maxText bounds what a client can make a column hold.
const maxText = 512

func lines(payload []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(payload) > 0 {
			line, rest, _ := bytes.Cut(payload, []byte{'\n'})
			payload = rest
			if len(line) > 0 && !yield(line) {
				return
			}
		}
	}
}

// clean makes text that came from a client fit for a Postgres column.
func clean(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
	if len(s) > maxText { // a byte became three
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// columnsOf are the columns of spend rows.
func columnsOf(events map[string]*contract.Usage) db.SpendInsertParams {
	ids := make([]string, 0, len(events))
	for id := range events {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var p db.SpendInsertParams
	for _, id := range ids {
		e := events[id]
		p.RequestID = append(p.RequestID, e.ID)
		p.CallType = append(p.CallType, clean(e.CallType))
		p.ApiKey = append(p.ApiKey, e.KeyHash)
		p.UserID = append(p.UserID, clean(e.UserID))
		p.TeamID = append(p.TeamID, clean(e.TeamID))
		p.OrganizationID = append(p.OrganizationID, clean(e.OrgID))
		p.EndUser = append(p.EndUser, clean(e.EndUser))
		p.ModelGroup = append(p.ModelGroup, clean(e.ModelGroup))
		p.Model = append(p.Model, clean(e.Model))
		p.ModelID = append(p.ModelID, clean(e.DeploymentID))
		p.CustomLlmProvider = append(p.CustomLlmProvider, clean(e.Provider))
		p.ApiBase = append(p.ApiBase, clean(e.APIBase))
		p.Status = append(p.Status, clean(string(e.Status)))
		p.HttpStatus = append(p.HttpStatus, int32(e.HTTPStatus)) //nolint:gosec // three digits
		p.ErrorType = append(p.ErrorType, clean(e.ErrorType))
		p.Stream = append(p.Stream, e.Stream)
		p.UsageEstimated = append(p.UsageEstimated, e.Estimated)
		p.PromptTokens = append(p.PromptTokens, e.InputTokens)
		p.CompletionTokens = append(p.CompletionTokens, e.OutputTokens)
		p.CachedTokens = append(p.CachedTokens, e.CachedInputTokens)
		p.ReasoningTokens = append(p.ReasoningTokens, e.ReasoningTokens)
		p.SpendNano = append(p.SpendNano, e.CostNano)
		p.StartTime = append(p.StartTime, time.UnixMilli(e.StartMS))
		p.EndTime = append(p.EndTime, time.UnixMilli(e.EndMS))
		p.CompletionStartTime = append(p.CompletionStartTime, time.UnixMilli(e.FirstMS))
		p.RequesterIpAddress = append(p.RequesterIpAddress, clean(e.RequesterIP))
		p.Replica = append(p.Replica, clean(e.Replica))
		p.CacheHit = append(p.CacheHit, e.CacheHit)
		p.CacheWriteTokens = append(p.CacheWriteTokens, e.CacheWriteTokens)
		p.Retries = append(p.Retries, int32(e.Retries))       //nolint:gosec // bounded by the router
		p.Fallbacks = append(p.Fallbacks, int32(e.Fallbacks)) //nolint:gosec // bounded by the router
		p.RequestTags = append(p.RequestTags, tagsOf(e))
		p.SessionID = append(p.SessionID, clean(e.Session))
		p.AgentID = append(p.AgentID, clean(e.AgentID))
	}
	return p
}

// tagsOf are the tags of an event as JSON, or nothing.
func tagsOf(e *contract.Usage) string {
	if len(e.Tags) == 0 {
		return ""
	}
	b, err := json.Marshal(bookedTags(e))
	if err != nil { // texts can be encoded
		return ""
	}
	return string(b)
}

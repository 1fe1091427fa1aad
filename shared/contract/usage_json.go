package contract

import (
	"encoding/json"
	"strconv"
)

// AppendJSON appends the event as one line of JSON without a line break. It is
// written by hand because it runs once for every request; a test holds it
// against encoding/json.
func (u *Usage) AppendJSON(b []byte) []byte {
	b = append(b, `{"v":`...)
	b = strconv.AppendInt(b, int64(u.V), 10)
	b = appendText(b, `,"id":`, u.ID, true)
	b = appendNumber(b, `,"start":`, u.StartMS, true)
	b = appendNumber(b, `,"end":`, u.EndMS, true)
	b = appendNumber(b, `,"first":`, u.FirstMS, false)
	b = appendText(b, `,"key":`, u.KeyHash, false)
	b = appendText(b, `,"user":`, u.UserID, false)
	b = appendText(b, `,"team":`, u.TeamID, false)
	b = appendText(b, `,"org":`, u.OrgID, false)
	b = appendText(b, `,"agent":`, u.AgentID, false)
	b = appendText(b, `,"end_user":`, u.EndUser, false)
	b = appendList(b, `,"tags":[`, u.Tags)
	b = appendText(b, `,"session":`, u.Session, false)
	b = appendText(b, `,"call":`, u.CallType, true)
	b = appendText(b, `,"group":`, u.ModelGroup, false)
	b = appendText(b, `,"model":`, u.Model, false)
	b = appendText(b, `,"dep":`, u.DeploymentID, false)
	b = appendList(b, `,"as":[`, u.LimitedAs)
	b = appendText(b, `,"prov":`, u.Provider, false)
	b = appendText(b, `,"base":`, u.APIBase, false)
	b = appendText(b, `,"status":`, string(u.Status), true)
	b = appendNumber(b, `,"http":`, int64(u.HTTPStatus), true)
	b = appendText(b, `,"err":`, u.ErrorType, false)
	b = appendFlag(b, `,"stream":true`, u.Stream)
	b = appendFlag(b, `,"est":true`, u.Estimated)
	b = appendNumber(b, `,"in":`, u.InputTokens, false)
	b = appendNumber(b, `,"out":`, u.OutputTokens, false)
	b = appendNumber(b, `,"cached":`, u.CachedInputTokens, false)
	b = appendNumber(b, `,"cache_write":`, u.CacheWriteTokens, false)
	b = appendNumber(b, `,"reason":`, u.ReasoningTokens, false)
	b = appendNumber(b, `,"cost":`, u.CostNano, false)
	b = appendFlag(b, `,"hit":true`, u.CacheHit)
	b = appendNumber(b, `,"retries":`, int64(u.Retries), false)
	b = appendNumber(b, `,"fallbacks":`, int64(u.Fallbacks), false)
	b = appendText(b, `,"ip":`, u.RequesterIP, false)
	b = appendText(b, `,"replica":`, u.Replica, false)
	return append(b, '}')
}

func appendNumber(b []byte, name string, v int64, always bool) []byte {
	if v == 0 && !always {
		return b
	}
	return strconv.AppendInt(append(b, name...), v, 10)
}

func appendFlag(b []byte, member string, set bool) []byte {
	if !set {
		return b
	}
	return append(b, member...)
}

func appendText(b []byte, name, v string, always bool) []byte {
	if v == "" && !always {
		return b
	}
	b = append(b, name...)
	for i := range len(v) {
		if c := v[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return append(b, quoted(v)...)
		}
	}
	b = append(b, '"')
	b = append(b, v...)
	return append(b, '"')
}

func appendList(b []byte, name string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(b, name...)
	for i, v := range list {
		separator := ","
		if i == 0 {
			separator = ""
		}
		b = appendText(b, separator, v, true)
	}
	return append(b, ']')
}

func quoted(v string) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`""`)
	}
	return b
}

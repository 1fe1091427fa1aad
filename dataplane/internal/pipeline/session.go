package pipeline

import (
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// session is what the client calls the requests that belong together: by a header,
// or by a member of the body, as at LiteLLM.
// https://docs.litellm.ai/docs/proxy/ui_logs_sessions
func (x *exchange) session() string {
	for _, name := range [...]string{"X-Tianji-Session-Id", "X-Litellm-Session-Id", "X-Litellm-Trace-Id"} {
		if v := x.r.Header[name]; len(v) > 0 && printable(v[0]) {
			return v[0]
		}
	}
	for i := range x.members {
		m := &x.members[i]
		switch string(m.Name) {
		case "litellm_session_id", "litellm_trace_id":
		default:
			continue
		}
		if s, err := jsonx.Unquote(m.Value.Of(*x.body)); err == nil && printable(s) {
			return s
		}
	}
	return ""
}

package pipeline

import (
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/transcript"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Transcripts keeps what requests and their answers say. Keeper in package
// transcript is one.
type Transcripts interface {
	Keep(line []byte)
}

// overhear begins to remember what the request and its answer say, where the
// settings ask for it and the caller does not forbid it. Where they do not, all
// that a request pays for it is this look.
func (x *exchange) overhear() {
	if !x.state.config.General.Transcripts || x.p.opts.Transcripts == nil || x.silent() {
		return
	}
	x.heard = &transcript.Capture{}
}

// silent reports whether the request, its key or its team wants nothing to be
// kept: https://docs.litellm.ai/docs/proxy/logging#redacting-userapikeyinfo
func (x *exchange) silent() bool {
	if !x.state.config.General.NoOptOut && x.asksForSilence() {
		return true
	}
	if x.master || x.anonymous {
		return false
	}
	return noLogging(x.identity.Key.Metadata) || x.identity.Team != nil && noLogging(x.identity.Team.Metadata)
}

func (x *exchange) asksForSilence() bool {
	for _, name := range [...]string{"X-Tianji-Enable-Message-Redaction", "X-Litellm-Enable-Message-Redaction"} {
		if v := x.r.Header[name]; len(v) > 0 && strings.EqualFold(v[0], "true") {
			return true
		}
	}
	return string(x.call.Lookup("no-log")) == "true"
}

// noLogging reads what the metadata of a key or a team say, by LiteLLM's name of
// the setting.
func noLogging(metadata []byte) bool {
	return len(metadata) > 0 && string(jsonx.Lookup(metadata, "turn_off_message_logging").Of(metadata)) == "true"
}

// retell gives what was heard of a request that is booked to whom keeps it. It is
// called when the client has its answer.
func (x *exchange) retell() {
	if x.heard == nil || !x.settled || x.free {
		return
	}
	var request []byte
	if x.body != nil && x.call.ContentType == "" { // a form is mostly files
		request = *x.body
	}
	x.p.opts.Transcripts.Keep(x.heard.Line(x.id.String(), x.start, request))
}

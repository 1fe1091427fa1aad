package contract_test

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// outcome is what clients get, whatever their dialect.
type outcome struct {
	status int
	class  string // LiteLLM's name of the error; none of a success
	text   string // how what is told begins, behind the class and the vendor
	after  string // Retry-After
	// begun says that the client has got some of a stream before.
	begun bool
}

// mishap is a way in which a vendor fails.
type mishap struct {
	name   string
	do     fakevendor.Behaviour // nil: nobody listens
	params []string             // of the deployment
	// json and stream are what comes of it; nil is not asked for.
	json, stream *outcome
	// passed is what comes of it for streams in the dialect that the vendor
	// speaks itself, where that is something else.
	passed map[string]outcome
	// slow mishaps last until a timeout of the deployment.
	slow bool
	// final mishaps are not worth another attempt, even to who wants some.
	final bool
	// few are asked about in each dialect.
	few bool
}

func (m *mishap) end() string { return strings.ReplaceAll(strings.ToLower(m.name), " ", "-") }

func (m *mishap) outcome(dialect string, stream bool) *outcome {
	if !stream {
		return m.json
	}
	if o, ok := m.passed[dialect]; ok {
		o.begun = m.stream.begun
		return &o
	}
	return m.stream
}

const vendorReason = "The vendor's reason."

// refusals are those in which the vendor answers with a status, whatever was
// asked for.
func refusals() []mishap {
	status := func(code int, class string) mishap {
		o := outcome{status: code, class: class, text: vendorReason}
		return mishap{name: "status " + strconv.Itoa(code), do: fakevendor.Fail(code, vendorReason), json: &o, stream: &o}
	}
	later := func(m mishap, code int) mishap {
		o := *m.json
		o.after = "17"
		m.name, m.do, m.json, m.stream = m.name+" later", fakevendor.FailLater(code, vendorReason, o.after), &o, &o
		return m
	}
	final := func(m mishap) mishap {
		m.final = true
		return m
	}
	few := func(m mishap) mishap {
		m.few = true
		return m
	}
	const overloaded = 529
	limited, unavailable := status(http.StatusTooManyRequests, "RateLimitError"), status(http.StatusServiceUnavailable, "ServiceUnavailableError")
	over := status(overloaded, "ServiceUnavailableError")
	over.json.status = http.StatusServiceUnavailable // the status is Anthropic's own
	return []mishap{
		few(final(status(http.StatusBadRequest, "BadRequestError"))),
		few(final(status(http.StatusUnauthorized, "AuthenticationError"))),
		final(status(http.StatusForbidden, "PermissionDeniedError")),
		final(status(http.StatusNotFound, "NotFoundError")),
		status(http.StatusRequestTimeout, "Timeout"),
		status(http.StatusConflict, "BadRequestError"),
		final(status(http.StatusRequestEntityTooLarge, "BadRequestError")),
		final(status(http.StatusUnprocessableEntity, "UnprocessableEntityError")),
		limited, few(later(limited, http.StatusTooManyRequests)),
		few(status(http.StatusInternalServerError, "InternalServerError")),
		status(http.StatusBadGateway, "BadGatewayError"),
		unavailable, later(unavailable, http.StatusServiceUnavailable),
		few(over),
		{
			name: "the key in a reason", do: fakevendor.Fail(http.StatusUnauthorized, "authorization denied for Bearer "+fakevendor.Key),
			json:   &outcome{status: http.StatusUnauthorized, class: "AuthenticationError", text: "authorization denied for [redacted]"},
			stream: &outcome{status: http.StatusUnauthorized, class: "AuthenticationError", text: "authorization denied for [redacted]"},
		},
		{
			name: "an error page", do: fakevendor.Status(http.StatusBadGateway, "<html>"+strings.Repeat("sorry ", 40<<10)), // more than is read
			json:   &outcome{status: http.StatusBadGateway, class: "BadGatewayError", text: "the provider gave no reason"},
			stream: &outcome{status: http.StatusBadGateway, class: "BadGatewayError", text: "the provider gave no reason"},
		},
	}
}

// accidents are all that can happen beside a refusal.
func accidents() []mishap {
	lost := &outcome{status: http.StatusInternalServerError, class: "InternalServerError", text: "Connection error."}
	garbled := &outcome{status: http.StatusInternalServerError, class: "APIError", text: "the answer is not "}
	unread := &outcome{status: http.StatusInternalServerError, class: "APIError", text: "the "} // answer is not, or stream has no
	late := &outcome{status: http.StatusRequestTimeout, class: "Timeout", text: "Request timed out."}
	good := &outcome{status: http.StatusOK}
	begun := func(o *outcome) *outcome {
		c := *o
		c.begun = true
		return &c
	}
	timeout, idle := []string{"timeout: 1", "stream_timeout: 1"}, []string{"stream_idle_timeout: 1"}
	const slowHead = 20 * time.Millisecond
	return []mishap{
		{name: "refused", json: lost, stream: lost},
		{name: "hung up", do: fakevendor.HangUp(), json: lost, stream: lost, few: true},
		{name: "cut body", do: fakevendor.CutBody(), json: lost},
		{name: "truncated JSON", do: fakevendor.TruncatedJSON(), json: garbled, stream: unread, few: true},
		{name: "not JSON", do: fakevendor.Raw("application/json", "\x00\x01 not JSON"), json: garbled, stream: unread},
		{name: "a web page", do: fakevendor.Raw("text/html", "<html>hello</html>"), json: garbled, stream: unread},
		{name: "an array", do: fakevendor.Raw("application/json", "[1]"), json: garbled},
		{name: "nothing", do: fakevendor.Raw("application/json", ""), json: garbled},
		{name: "an empty stream", do: fakevendor.Raw("text/event-stream", ""), stream: unread},
		{name: "a garbage stream", do: fakevendor.Raw("text/event-stream", "data: <html>\n\ndata: [DONE]\n\n"), stream: unread},
		{name: "garbage that stays", do: fakevendor.RawStays("text/event-stream", "data: <html>\n\n"), stream: unread, few: true},
		{name: "mistyped", do: fakevendor.Mistyped("text/plain"), json: good},
		{name: "silent", do: fakevendor.Hang(), params: timeout, slow: true, json: late, stream: late, few: true},
		{name: "slow head", do: fakevendor.SlowHead(slowHead), params: timeout, slow: true, json: late, stream: late},
		{name: "stalled body", do: fakevendor.Stall(), params: timeout, slow: true, json: late},
		{name: "stalled at once", do: fakevendor.StallFirst(), params: idle, slow: true, stream: late, few: true},
		{name: "stalled stream", do: fakevendor.Answer(fakevendor.Options{StallAfter: 2}), params: idle, slow: true, stream: begun(late), few: true},
		{name: "cut stream", do: fakevendor.Answer(fakevendor.Options{CutAfter: 2}), stream: begun(lost), few: true},
	}
}

// breaks are the vendor's own errors under a good status.
func breaks(p *peer) []mishap {
	first, begun := p.broken, p.broken
	begun.begun = true
	all := []mishap{
		{name: "broken at once", do: fakevendor.BreakFirst(vendorBroke), stream: &first, passed: p.brokenBy, few: true},
		{name: "broken stream", do: fakevendor.Answer(fakevendor.Options{BreakAfter: 2}), stream: &begun, passed: p.brokenBy, few: true},
	}
	if !p.openAI() {
		return all
	}
	limited := &outcome{status: http.StatusTooManyRequests, class: "RateLimitError", text: vendorReason}
	envelope := `{"error":{"message":"` + vendorReason + `","type":null,"param":null,"code":"429"}}`
	return append(all,
		mishap{name: "limited in an answer", do: fakevendor.Raw("application/json", envelope), json: limited, stream: limited, few: true},
		mishap{name: "limited in a stream", do: fakevendor.Raw("text/event-stream", "data: "+envelope+"\n\n"), stream: limited, few: true})
}

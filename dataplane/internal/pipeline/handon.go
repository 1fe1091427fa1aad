package pipeline

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// maxLook bounds an answer that is looked into for its usage; a longer one is
// handed on as it comes.
const maxLook = 16 << 20

// handOn relays an answer as it is, errors included, and reads its usage on
// the way.
func (x *exchange) handOn(reply provider.Reply) error {
	x.relayHeaders(reply)
	status, contentType := reply.Status(), reply.Header("Content-Type")
	isStream := strings.HasPrefix(contentType, "text/event-stream")
	switch {
	case x.passage == nil && isStream && status < http.StatusBadRequest:
		return x.forwardStream(reply)
	case x.passage != nil && (isStream || x.passage.Streams) && status < http.StatusBadRequest:
		return x.handOnStream(reply, isStream)
	case strings.HasPrefix(contentType, "application/json") && reply.ContentLength() <= maxLook:
		return x.handOnJSON(reply, status)
	default:
		return x.handOnRaw(reply, status)
	}
}

// fielded is a reply that can tell all of its headers.
type fielded interface {
	Fields(yield func(name, value string) bool)
}

func (x *exchange) relayHeaders(reply provider.Reply) {
	h := x.w.Header()
	for _, name := range relayedBack() {
		if v := reply.Header(name); v != "" {
			h[http.CanonicalHeaderKey(name)] = []string{v}
		}
	}
	all, ok := reply.(fielded)
	if !ok {
		return
	}
	for name, value := range all.Fields {
		name = http.CanonicalHeaderKey(name)
		if mayGoOut(name) && name != "Set-Cookie" && name != "Date" && h[name] == nil {
			h[name] = []string{value}
		}
	}
}

func relayedBack() []string {
	return []string{
		"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Range", "Accept-Ranges", "Etag", "Last-Modified", "Location", "Retry-After",
		"X-Request-Id", "Request-Id", "Openai-Version", "Openai-Organization", "X-Goog-Upload-Url", "X-Goog-Upload-Status", "X-Amzn-Requestid", "X-Amzn-Errortype",
		"Apim-Request-Id", "Operation-Location",
	}
}

// handOnJSON reads the answer first, so that its cost can stand in front.
func (x *exchange) handOnJSON(reply provider.Reply, status int) error {
	buf := getBuffer()
	defer putBuffer(buf)
	err := readAll(reply, buf, maxLook)
	if errors.Is(err, errTooLarge) {
		return x.handOnRest(*buf, reply, status)
	}
	if err != nil {
		f := x.understandFailure(err)
		return f.public(x.deployment.Provider)
	}
	var edits []jsonx.Edit
	if status < http.StatusBadRequest {
		if x.passage == nil {
			edits = x.edits(*buf)
		} else {
			x.look(*buf)
		}
	}
	x.settle(status, "")
	h := x.w.Header()
	x.setHeaders(h, reply.Header)
	x.set(h, "Content-Length", itoa(edited(len(*buf), edits)))
	x.setCost(h)
	x.headerSent = true
	x.w.WriteHeader(status)
	return x.writeEdited(*buf, edits)
}

// look takes from an answer or an event that passes what it says of usage.
func (x *exchange) look(data []byte) {
	wire := x.passage.Wire
	if wire == nil || len(data) == 0 || data[0] != '{' {
		return
	}
	if wire.Usage(data, &x.tokens.Usage) {
		x.tokens.known = true
	}
	if x.usage.Model == "" {
		x.usage.Model = bounded(splice.Text(wire.Model(data).Of(data)))
	}
}

func (x *exchange) handOnRaw(reply provider.Reply, status int) error {
	return x.handOnRest(nil, reply, status)
}

// handOnRest sends what was read of an answer, and the rest as it comes.
func (x *exchange) handOnRest(head []byte, reply provider.Reply, status int) error {
	x.settle(status, "")
	h := x.w.Header()
	x.setHeaders(h, reply.Header)
	if n := reply.ContentLength(); n >= 0 && status != http.StatusNoContent && status != http.StatusNotModified {
		x.set(h, "Content-Length", strconv.FormatInt(n, 10))
	}
	x.headerSent = true
	x.w.WriteHeader(status)
	if _, err := x.w.Write(head); len(head) > 0 && err != nil {
		return errClientGone
	}
	return x.relay(reply, nil)
}

// handOnStream relays a stream and listens to it.
func (x *exchange) handOnStream(reply provider.Reply, events bool) error {
	x.usage.Stream = true
	h := x.w.Header()
	x.setHeaders(h, reply.Header)
	h["Cache-Control"] = noCache
	x.headerSent = true
	x.w.WriteHeader(reply.Status())
	if err := x.relay(reply, &tap{x: x, events: events}); err != nil {
		return err
	}
	x.settle(reply.Status(), "")
	return nil
}

// relay copies what is left of an answer as it comes, and flushes each read.
func (x *exchange) relay(reply provider.Reply, t *tap) error {
	control := http.NewResponseController(x.w)
	buf := getStreamBuffer()
	defer putStreamBuffer(buf)
	b := (*buf)[:cap(*buf)]
	var deadline time.Time
	for {
		n, err := reply.Read(b)
		if n > 0 {
			t.hear(b[:n])
			if now := time.Now(); now.Sub(deadline) > -writePatience+writeRefresh {
				deadline = now.Add(writePatience)
				_ = control.SetWriteDeadline(deadline) // a writer without deadlines can not hang us
			}
			if _, werr := x.w.Write(b[:n]); werr != nil {
				return errClientGone
			}
			if err == nil {
				_ = control.Flush() // a writer that can not flush sends at the end
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			t.end()
			return nil
		case err != nil && x.r.Context().Err() != nil:
			return errClientGone
		case err != nil:
			// The head is out: an answer that is cut short says so itself.
			t.end()
			x.settle(http.StatusBadGateway, "")
			x.p.metrics.broken.Inc()
			panic(http.ErrAbortHandler)
		}
	}
}

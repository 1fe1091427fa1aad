package pipeline

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// attempt calls the picked deployment and brings its answer to the client. An
// error means that the client has got nothing yet, unless headerSent is set.
func (x *exchange) attempt() error {
	d := x.deployment
	x.usage.Model, x.usage.DeploymentID, x.usage.Provider, x.usage.APIBase = d.Model, d.ID, d.Provider, d.APIBase
	timeouts, err := x.timeouts()
	if err != nil {
		return err
	}
	x.call.Timeout, x.call.IdleTimeout = timeouts.Head, timeouts.Idle
	x.free = x.endpoint.Count != nil // counting costs nothing
	switch {
	case x.backend.Offers(x.endpoint.Surface) && !x.endpoint.Translated && x.recalled.ours == nil:
		err = x.native()
	case x.endpoint.Count != nil:
		err = x.countHere()
	case x.endpoint.Chats:
		if t := x.endpoint.Translator; t != nil {
			x.endpoint.Dialect = t
		}
		err = x.translate()
	default:
		err = provider.ErrUnsupported
	}
	if err != nil && x.r.Context().Err() != nil {
		return errClientGone
	}
	return err
}

// native lets the bytes of both sides pass through.
func (x *exchange) native() error {
	x.vendorBody()
	reply, err := x.backend.Do(x.r.Context(), &x.call)
	if err != nil {
		return err
	}
	defer func() { _ = reply.Close() }()
	switch {
	case reply.Status() >= http.StatusBadRequest:
		return provider.ReadFailure(reply)
	case x.call.Stream && strings.HasPrefix(reply.Header("Content-Type"), "text/event-stream"):
		return x.forwardStream(reply)
	case x.soundOrText(reply.Header("Content-Type")):
		return x.forwardRaw(reply)
	default:
		return x.forwardJSON(reply)
	}
}

// soundOrText reports whether an answer is not meant to be JSON: speech, and
// transcripts as text or subtitles.
func (x *exchange) soundOrText(contentType string) bool {
	s := x.endpoint.Surface
	return (s == provider.Speech || s == provider.Transcriptions || s == provider.Translations) && !strings.HasPrefix(contentType, "application/json")
}

// forwardRaw sends what comes as it comes.
func (x *exchange) forwardRaw(reply provider.Reply) error {
	x.measure(nil)
	x.w.Header()["Content-Type"] = []string{reply.Header("Content-Type")}
	return x.handOnRaw(reply, http.StatusOK)
}

// forwardJSON reads the whole answer before it sends any of it: the usage
// stands at its end, and an answer that breaks off must become an error.
func (x *exchange) forwardJSON(reply provider.Reply) error {
	buf := getBuffer()
	defer putBuffer(buf)
	if n := reply.ContentLength(); n > 0 && n <= maxReply && int64(cap(*buf)) < n {
		*buf = make([]byte, 0, n)
	}
	if err := readAll(reply, buf, maxReply); err != nil {
		if errors.Is(err, errTooLarge) {
			return provider.BadAnswer("the answer is larger than the gateway accepts", nil)
		}
		return err
	}
	body, err := x.merged(*buf)
	if err != nil {
		return err
	}
	read := x.readAnswer
	if x.plain {
		read = x.readOpenAI
	}
	edits, err := read(body)
	if err != nil {
		return err
	}
	if !speaks(x.endpoint.Surface) {
		x.measure(body)
	}
	if x.endpoint.Answer != nil {
		return x.sendTranslated(reply, body)
	}
	// The event is kept before the client can have the whole answer.
	x.settle(http.StatusOK, "")
	x.beginWhole(reply.Header, edited(len(body), edits))
	return x.writeEdited(body, edits)
}

// edited is the length of a body after its edits.
func edited(length int, edits []jsonx.Edit) int {
	for _, e := range edits {
		length += len(e.New) - (e.At.End - e.At.Start)
	}
	return length
}

// beginWhole sends the head of an answer that is not a stream.
func (x *exchange) beginWhole(vendor func(string) string, length int) {
	h := x.w.Header()
	x.setHeaders(h, vendor)
	h["Content-Type"] = jsonType
	x.set(h, "Content-Length", itoa(length))
	x.setCost(h)
	x.headerSent = true
	x.w.WriteHeader(http.StatusOK)
}

func (x *exchange) clientError(err error) error {
	if err != nil {
		return errClientGone
	}
	return nil
}

var jsonType = []string{"application/json"} //nolint:gochecknoglobals // read-only

// translateBody brings a body into the wire of the surface.
func (x *exchange) translateBody() error {
	if x.endpoint.Request == nil {
		return nil
	}
	body, err := x.endpoint.Request(*x.body)
	if err != nil {
		return err
	}
	*x.body = body
	return nil
}

// sendTranslated sends an answer in the wire of the client.
func (x *exchange) sendTranslated(reply provider.Reply, body []byte) error {
	translated, err := x.endpoint.Answer(body)
	if err != nil {
		return provider.BadAnswer("the answer is not what the provider documents", err)
	}
	x.settle(http.StatusOK, "")
	x.beginWhole(reply.Header, len(translated))
	if x.heard != nil {
		x.heard.Answer(translated, false)
	}
	_, err = x.w.Write(translated)
	return x.clientError(err)
}

// countHere counts the tokens of a request for a deployment that does not.
func (x *exchange) countHere() error {
	req, err := x.endpoint.Count.Decode(*x.body, x.members)
	if err != nil {
		return err
	}
	n := int64(len(*x.body)) / bytesPerToken
	if c := x.p.opts.Counter; c != nil {
		n = c.Chat(x.deployment.Model, req)
	}
	return x.sendJSON(x.endpoint.Count.Answer(n), nil)
}

package pipeline

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// forward calls the deployment and brings its answer to the client.
func (x *exchange) forward() error {
	d := x.deployment
	x.usage.Model, x.usage.DeploymentID, x.usage.Provider, x.usage.APIBase = d.Model, d.ID, d.Provider, d.APIBase
	var err error
	if x.call.Timeout, err = x.timeout(); err != nil {
		return err
	}
	reply, err := d.Backend.Do(x.r.Context(), &x.call)
	if err != nil {
		return x.callFailed(err)
	}
	defer func() { _ = reply.Close() }()
	switch {
	case reply.Status() >= http.StatusBadRequest:
		return x.refused(reply)
	case x.call.Stream && strings.HasPrefix(reply.Header("Content-Type"), "text/event-stream"):
		return x.forwardStream(reply)
	default:
		return x.forwardJSON(reply)
	}
}

// timeout is what the client asks for in a header, else the installation's
// where the deployment has none; zero leaves it to the backend.
func (x *exchange) timeout() (time.Duration, error) {
	for _, name := range [...]string{"X-Tianji-Timeout", "X-Litellm-Timeout"} {
		v := x.r.Header[name]
		if len(v) == 0 {
			continue
		}
		seconds, err := strconv.ParseFloat(v[0], 64)
		if err != nil || seconds <= 0 || seconds > maxTimeout.Seconds() {
			return 0, apierr.BadRequest("Header %s: want a number of seconds up to %d", strings.ToLower(name), int(maxTimeout.Seconds()))
		}
		return time.Duration(seconds * float64(time.Second)), nil
	}
	if x.deployment.Timeout == 0 {
		return time.Duration(x.state.config.General.TimeoutMS) * time.Millisecond, nil
	}
	return 0, nil
}

// maxTimeout bounds what a client may ask for.
const maxTimeout = 6000 * time.Second

// forwardJSON reads the whole answer before it sends any of it: the usage
// stands at its end, and an answer that breaks off must become an error.
func (x *exchange) forwardJSON(reply provider.Reply) error {
	buf := getBuffer()
	defer putBuffer(buf)
	if n := reply.ContentLength(); n > 0 && n <= maxReply && int64(cap(*buf)) < n {
		*buf = make([]byte, 0, n)
	}
	if err := x.readReply(reply, buf); err != nil {
		return err
	}
	edit, err := x.readAnswer(*buf)
	if err != nil {
		return err
	}
	// The event is kept before the client can have the whole answer.
	x.settle(http.StatusOK, "")
	h := x.w.Header()
	x.setHeaders(h, reply)
	body := *buf
	length := len(body)
	if edit.New != nil {
		length += len(edit.New) - (edit.At.End - edit.At.Start)
	}
	h["Content-Type"] = jsonType
	x.set(h, "Content-Length", itoa(length))
	x.setCost(h)
	x.headerSent = true
	x.w.WriteHeader(http.StatusOK)
	if edit.New == nil {
		_, err = x.w.Write(body)
		return x.clientError(err)
	}
	return x.writeEdited(body, edit)
}

func (x *exchange) readReply(reply provider.Reply, buf *[]byte) error {
	err := readAll(reply, buf, maxReply)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooLarge):
		return x.badAnswer("the answer is larger than the gateway accepts")
	default:
		return x.callFailed(err)
	}
}

func (x *exchange) clientError(err error) error {
	if err != nil {
		return errClientGone
	}
	return nil
}

var jsonType = []string{"application/json"} //nolint:gochecknoglobals // read-only

// badAnswer is a success of the vendor that can not be understood.
func (x *exchange) badAnswer(what string) error {
	return x.providerError(http.StatusInternalServerError, "APIError", what)
}

// refused turns a vendor's error into LiteLLM's.
func (x *exchange) refused(reply provider.Reply) error {
	buf := getBuffer()
	defer putBuffer(buf)
	text := "the provider gave no reason"
	if err := readAll(io.LimitReader(reply, maxErrorBody), buf, maxErrorBody); err == nil || len(*buf) > 0 {
		if s := vendorMessage(*buf); s != "" {
			text = s
		}
	}
	e := x.providerError(reply.Status(), "", text)
	if after := retryAfter(reply.Header("Retry-After")); after > 0 {
		e = e.After(after)
	}
	return e
}

// callFailed is a call that brought no answer.
func (x *exchange) callFailed(err error) error {
	if public, ok := errors.AsType[*apierr.Error](err); ok {
		return public
	}
	if x.r.Context().Err() != nil {
		return errClientGone
	}
	if errors.Is(err, provider.ErrUnsupported) {
		return apierr.New(http.StatusBadRequest, "", "litellm.BadRequestError: %sException - %s does not offer %s", x.deployment.Provider, x.deployment.Provider, x.endpoint.Name)
	}
	if t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && t.Timeout() {
		return x.providerError(http.StatusRequestTimeout, "Timeout", "Request timed out.").Because(err)
	}
	return x.providerError(http.StatusInternalServerError, "InternalServerError", "Connection error.").Because(err)
}

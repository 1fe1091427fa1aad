package pipeline

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	smallBuffer = 16 << 10
	// pooledBuffer is the largest buffer that is kept for reuse.
	pooledBuffer = 1 << 20
)

// errClientGone ends a request whose client does not wait for an answer.
var errClientGone = errors.New("client closed the request")

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, smallBuffer); return &b }} //nolint:gochecknoglobals // a pool

func getBuffer() *[]byte {
	b, _ := buffers.Get().(*[]byte)
	return b
}

func putBuffer(b *[]byte) {
	if cap(*b) <= pooledBuffer {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}

func (x *exchange) releaseBody() {
	if x.body != nil {
		putBuffer(x.body)
		x.body = nil
	}
	if x.said != nil {
		putBuffer(x.said)
		x.said = nil
	}
}

// readBody reads the whole request body, up to the limit.
func (x *exchange) readBody() error {
	limit := x.state.maxBody
	if x.r.ContentLength > limit {
		return apierr.BodyTooLarge(limit)
	}
	x.body = getBuffer()
	if n := int(x.r.ContentLength); n >= 0 {
		if cap(*x.body) < n {
			*x.body = make([]byte, 0, n)
		}
		*x.body = (*x.body)[:n]
		if _, err := io.ReadFull(x.r.Body, *x.body); err != nil {
			return x.bodyError(err, limit)
		}
		return nil
	}
	err := readAll(x.r.Body, x.body, limit)
	return x.bodyError(err, limit)
}

var errTooLarge = errors.New("larger than the limit")

// readAll reads to the end of r, or fails when there is more than limit.
func readAll(r io.Reader, into *[]byte, limit int64) error {
	b := *into
	defer func() { *into = b }()
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			return errTooLarge
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (x *exchange) bodyError(err error, limit int64) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooLarge):
		return apierr.BodyTooLarge(limit)
	case x.r.Context().Err() != nil:
		return errClientGone
	default:
		return apierr.BadRequest("Request body could not be read to its end").Because(err)
	}
}

// understand checks the body and takes from it what the pipeline needs.
func (x *exchange) understand(pathModel string) error {
	if x.isForm() {
		return x.understandForm(pathModel)
	}
	var err error
	if x.members, err = jsonx.Members(x.members, *x.body); err != nil {
		return (&apierr.Error{Status: http.StatusBadRequest, Type: apierr.TypeInvalidRequest, Message: "Invalid JSON payload: the request body must be one JSON object"}).Because(err)
	}
	if name, twice := repeated(x.members); twice {
		// What is checked here must be what the vendor acts on, and the two
		// might disagree on which of them counts.
		return apierr.BadRequest("Invalid JSON payload: member '%.64s' stands twice", name)
	}
	x.call = provider.Call{Surface: x.endpoint.Surface, Body: *x.body, Members: x.members, CallID: x.callID}
	var model, stream, options []byte
	for i := range x.members {
		m := &x.members[i]
		var slot *[]byte
		switch string(m.Name) {
		case "model":
			slot = &model
		case "stream":
			slot = &stream
		case "stream_options":
			slot = &options
		default:
			continue
		}
		*slot = m.Value.Of(*x.body)
	}
	x.call.Header = x.r.Header
	x.call.Stream = x.endpoint.Stream || string(stream) == "true" && x.endpoint.Surface != provider.Embeddings
	if x.call.Stream {
		x.wantsUsage = options != nil && !jsonx.IsNull(options) && string(jsonx.Lookup(options, "include_usage").Of(options)) == "true"
		x.call.AddUsage = !x.wantsUsage
	}
	if x.endpoint.Surface == provider.Responses {
		if err := x.previous(); err != nil {
			return err
		}
	}
	return x.takeModel(model, pathModel)
}

// fewMembers is up to where comparing all with all is cheaper than a map.
const fewMembers = 24

// repeated finds a name that stands twice.
func repeated(members []provider.Member) (name []byte, twice bool) {
	if len(members) > fewMembers {
		seen := make(map[string]struct{}, len(members))
		for _, m := range members {
			if _, twice := seen[string(m.Name)]; twice {
				return m.Name, true
			}
			seen[string(m.Name)] = struct{}{}
		}
		return nil, false
	}
	for i := range members {
		for j := range i {
			if bytes.Equal(members[i].Name, members[j].Name) {
				return members[i].Name, true
			}
		}
	}
	return nil, false
}

// takeModel takes the model from the path, where Azure's SDKs put it, or else
// from the body. What is checked is what is sent: backends replace the body's
// member, and one that is not there is added.
func (x *exchange) takeModel(model []byte, pathModel string) error {
	if model != nil && model[0] != '"' && !jsonx.IsNull(model) {
		return apierr.BadRequest("Invalid type for 'model': expected a string")
	}
	switch {
	case pathModel != "":
		x.model = pathModel
		x.modelJSON = jsonx.Quote(pathModel)
	case model != nil && model[0] == '"':
		s, err := jsonx.Unquote(model)
		if err != nil {
			return apierr.BadRequest("Invalid value for 'model'").Because(err)
		}
		x.model, x.modelJSON = s, model
	}
	if len(x.model) > maxClientText {
		return apierr.BadRequest("Invalid value for 'model': longer than %d bytes", maxClientText)
	}
	if model == nil && x.model != "" && !x.endpoint.ModelInPath {
		x.addModel()
	}
	return nil
}

// addModel gives the body of a request that names its model in the path a
// member for backends to replace.
func (x *exchange) addModel() {
	name := []byte(`{"model":` + string(x.modelJSON))
	edited := make([]byte, 0, len(*x.body)+len(name)+1)
	edited = append(edited, name...)
	if len(x.members) > 0 {
		edited = append(edited, ',')
		edited = append(edited, (*x.body)[x.members[0].All.Start:]...)
	} else {
		edited = append(edited, '}')
	}
	x.setBody(edited)
	x.modelJSON = x.members[0].Value.Of(edited)
}

// setBody replaces the body by another that is well-formed.
func (x *exchange) setBody(edited []byte) {
	*x.body = edited
	x.members, _ = jsonx.Members(x.members[:0], edited) // it was well-formed and still is
	x.call.Body, x.call.Members = edited, x.members
}

// replaceMember gives a member of the body another value.
func (x *exchange) replaceMember(i int, value []byte) {
	x.modelJSON = bytes.Clone(x.modelJSON) // it may lie in the body
	x.setBody(slices.Concat(jsonx.Rewrite(nil, *x.body, x.members, []jsonx.Change{{Index: i, Value: value}})...))
}

func bounded(s string) string {
	if len(s) > maxClientText {
		return s[:maxClientText]
	}
	return s
}

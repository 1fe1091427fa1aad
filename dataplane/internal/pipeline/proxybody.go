package pipeline

import (
	"bytes"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/form"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// maxUpload bounds a file, as OpenAI does:
// https://platform.openai.com/docs/api-reference/files/create
const maxUpload = 512 << 20

// proxyBody makes the body of a passage ready. What may name a model is read
// and looked into; the rest goes on as it comes.
func (x *exchange) proxyBody() (provider.Forward, error) {
	var f provider.Forward
	if x.r.ContentLength == 0 || x.r.Body == nil || x.r.Body == http.NoBody {
		return f, nil
	}
	if encoding := x.r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return f, apierr.New(http.StatusUnsupportedMediaType, apierr.TypeInvalidRequest, "Requests with a Content-Encoding are not passed on")
	}
	mediaType, _, _ := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	isForm, isJSON := mediaType == "multipart/form-data", mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
	long := x.r.ContentLength < 0 || x.r.ContentLength > x.state.maxBody
	if isForm && long && x.passage.Uploads || !isForm && !isJSON && !x.restricted() {
		limit := max(x.state.maxBody, maxUpload)
		if x.r.ContentLength > limit {
			return f, apierr.BodyTooLarge(limit)
		}
		f.Body, f.Length = http.MaxBytesReader(nil, x.r.Body, limit), x.r.ContentLength
		return f, nil
	}
	if err := x.readBody(); err != nil {
		return f, err
	}
	var err error
	switch {
	case isForm:
		err = x.lookIntoForm()
	case isJSON || looksLikeJSON(*x.body):
		err = x.lookIntoJSON()
	}
	f.Whole = *x.body
	return f, err
}

// lookIntoForm sees which model a form names.
func (x *exchange) lookIntoForm() error {
	contentType := x.r.Header.Get("Content-Type")
	f, err := form.Parse(contentType, *x.body)
	if err != nil {
		return apierr.BadRequest("Invalid multipart form").Because(err)
	}
	if f.Count("model") > 1 {
		return apierr.BadRequest("Invalid multipart form: field 'model' stands twice")
	}
	x.call = provider.Call{Body: *x.body, ContentType: contentType}
	model, _ := f.Text("model")
	return x.name(model)
}

// lookIntoJSON does the same to JSON. What is no object the vendor may refuse,
// unless a model could hide in it.
func (x *exchange) lookIntoJSON() error {
	var err error
	if x.members, err = jsonx.Members(x.members, *x.body); err != nil {
		x.members = x.members[:0]
		if x.restricted() {
			return apierr.BadRequest("Invalid JSON payload: the request body must be one JSON object").Because(err)
		}
		return nil
	}
	if name, twice := repeated(x.members); twice {
		return apierr.BadRequest("Invalid JSON payload: member '%.64s' stands twice", name)
	}
	x.call = provider.Call{Body: *x.body, Members: x.members}
	return x.name(splice.Text(x.call.Lookup("model")))
}

func (x *exchange) name(model string) error {
	if len(model) > maxClientText {
		return apierr.BadRequest("Invalid value for 'model': longer than %d bytes", maxClientText)
	}
	x.model = model
	return nil
}

// withoutOwn returns the body without the members that are for the gateway.
func (x *exchange) withoutOwn() []byte {
	own := x.passage.Own
	switch {
	case len(own) == 0:
	case x.call.ContentType != "":
		if f, err := form.Parse(x.call.ContentType, *x.body); err == nil {
			return bytes.Join(f.Rewrite(nil, func(p *form.Part) form.Edit { return form.Edit{Cut: slices.Contains(own, p.Name)} }), nil)
		}
	case len(x.members) > 0:
		return splice.Object(*x.body, func(name string, _ []byte) splice.Edit { return splice.Edit{Cut: slices.Contains(own, name)} })
	}
	return *x.body
}

// looksLikeJSON reports whether a reader that does not care for the type would
// take a body for JSON, in whatever encoding.
func looksLikeJSON(body []byte) bool {
	if bytes.IndexByte(body[:min(len(body), 4)], 0) >= 0 || bytes.HasPrefix(body, []byte("\xef\xbb\xbf")) ||
		bytes.HasPrefix(body, []byte("\xff\xfe")) || bytes.HasPrefix(body, []byte("\xfe\xff")) {
		return true
	}
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

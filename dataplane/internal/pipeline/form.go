package pipeline

import (
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/form"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// isForm reports whether the client sends a form, which the routes that take
// files want.
func (x *exchange) isForm() bool {
	return strings.HasPrefix(x.r.Header.Get("Content-Type"), "multipart/form-data")
}

// understandForm is understand for forms: what it takes are text fields.
func (x *exchange) understandForm(pathModel string) error {
	contentType := x.r.Header.Get("Content-Type")
	f, err := form.Parse(contentType, *x.body)
	if err != nil {
		return apierr.BadRequest("Invalid multipart form").Because(err)
	}
	if f.Count("model") > 1 {
		return apierr.BadRequest("Invalid multipart form: field 'model' stands twice")
	}
	x.call = provider.Call{Surface: x.endpoint.Surface, Body: *x.body, ContentType: contentType, CallID: x.callID, Header: x.r.Header}
	x.model = pathModel
	named, ok := f.Text("model")
	if x.model == "" {
		x.model = named
	}
	if len(x.model) > maxClientText {
		return apierr.BadRequest("Invalid value for 'model': longer than %d bytes", maxClientText)
	}
	if !ok && x.model != "" { // for backends to replace
		var b []byte
		for _, segment := range f.Add(nil, "model", []byte(x.model)) {
			b = append(b, segment...)
		}
		*x.body, x.call.Body = b, b
	}
	if stream, _ := f.Text("stream"); stream == "true" {
		x.call.Stream = true
	}
	if user, _ := f.Text("user"); user != "" {
		x.usage.EndUser = bounded(user)
	}
	x.modelJSON = jsonx.Quote(x.model)
	return nil
}

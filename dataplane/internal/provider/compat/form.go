package compat

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/form"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// rewriteForm puts the vendor's model into a form and cuts what is meant for
// the gateway. Files are neither decoded nor copied.
func (b *Backend) rewriteForm(s *scratch, call *provider.Call) error {
	f, err := form.Parse(call.ContentType, call.Body)
	if err != nil {
		return apierr.BadRequest("Invalid request body: it is not a multipart form").Because(err)
	}
	if f.Count("model") == 0 {
		s.segments = append(s.segments, f.Field("model", []byte(b.model)))
	}
	s.segments = f.Rewrite(s.segments, func(p *form.Part) form.Edit {
		switch b.edits.other[p.Name].verb {
		case setModel:
			return form.Edit{Text: []byte(b.model)}
		case cut, extraBody, extraCut:
			return form.Edit{Cut: true}
		default:
			return form.Edit{}
		}
	})
	return nil
}

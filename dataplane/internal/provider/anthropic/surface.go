package anthropic

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Messages is the surface of requests in Anthropic's own wire: they pass, with
// the model replaced and without what speaks to the gateway.
func (c *Codec) Messages() native.Surface {
	return native.Surface{Encode: func(call *provider.Call) (*native.Request, error) {
		return c.pass(call, c.opts.Path(call.Stream), nil, nil), nil
	}}
}

// CountTokens is the surface that counts the tokens of such a request, at a
// path behind the base. Betas go with it, beside those of the host. model is
// what the body has to name; "" leaves it out.
func (c *Codec) CountTokens(path, model string, betas ...string) native.Surface {
	return native.Surface{Encode: func(call *provider.Call) (*native.Request, error) {
		return c.pass(call, path, &model, betas), nil
	}}
}

// pass edits a request in Anthropic's wire.
func (c *Codec) pass(call *provider.Call, path string, model *string, betas []string) *native.Request {
	named := split(call.Header[http.CanonicalHeaderKey(headerBeta)])
	e := editor{
		codec: c, call: call, controls: provider.Controls(), name: c.opts.Model,
		betas: slices.Concat(named, c.opts.Betas, betas),
	}
	if c.opts.ModelInPath {
		e.name = ""
	}
	if model != nil {
		e.name = *model
	}
	for i := range call.Members {
		e.member(i, &call.Members[i])
	}
	body := bytes.Join(jsonx.Rewrite(nil, call.Body, call.Members, e.changes, e.extra()...), nil)
	version := version1
	if v := call.Header[headerVersion]; len(v) > 0 && v[0] != "" {
		version = v[0]
	}
	return &native.Request{Path: path, Body: body, Header: c.header(version, e.betas)}
}

// editor edits the members of one body.
type editor struct {
	codec    *Codec
	call     *provider.Call
	controls []string
	name     string // of the model, "" to leave it out
	named    bool
	betas    []string
	changes  []jsonx.Change
}

func (e *editor) member(i int, m *provider.Member) {
	o := &e.codec.opts
	change := jsonx.Change{Index: i, Drop: true}
	switch name := string(m.Name); {
	case name == "model":
		e.named = true
		if e.name != "" {
			change = jsonx.Change{Index: i, Value: jsonx.Quote(e.name)}
		}
	case name == "stream" && o.StreamInPath:
	case name == "anthropic_version" && o.BodyVersion != "":
	case name == extraBetas:
		e.betas = append(e.betas, betaNames(m.Value.Of(e.call.Body))...)
	case slices.Contains(e.controls, name):
	default:
		return
	}
	e.changes = append(e.changes, change)
}

// extra returns the members that the host wants in the body.
func (e *editor) extra() [][]byte {
	o := &e.codec.opts
	var all [][]byte
	if !e.named && e.name != "" {
		all = append(all, slices.Concat([]byte(`"model":`), jsonx.Quote(e.name)))
	}
	if o.BodyVersion != "" {
		all = append(all, slices.Concat([]byte(`"anthropic_version":`), jsonx.Quote(o.BodyVersion)))
	}
	if betas := distinct(e.betas); o.BodyBetas && len(betas) > 0 {
		if list, err := marshal(betas); err == nil {
			all = append(all, slices.Concat([]byte(`"anthropic_beta":`), list))
		}
	}
	return all
}

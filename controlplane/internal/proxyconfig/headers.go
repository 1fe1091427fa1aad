package proxyconfig

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/tianjillm/tianjillm/shared/credential"
)

// maxUserHeaders bounds the headers that are looked for in each request.
const maxUserHeaders = 16

// readUserHeaders reads which headers of requests name somebody.
func readUserHeaders(o *object, g *General) {
	const key, older = "user_header_mappings", "user_header_name"
	if n := o.get(key); n != nil && n.kind == mapKind { // LiteLLM takes one without its list
		g.readUserHeader(o.object(key))
	} else {
		o.each(key, g.readUserHeader)
	}
	if name := o.text(older); name != "" {
		g.addCustomerHeader(o, o.get(older).place(join(o.path, older)), name)
	}
	if len(g.CustomerHeaders) > maxUserHeaders {
		o.problems.errorf(o.get(key).place(join(o.path, key)), "there may be %d headers that name customers", maxUserHeaders)
	}
}

func (g *General) readUserHeader(o *object) {
	o.warnUnknown(keysOf("header_name litellm_user_role"))
	place := o.node.place(o.path)
	name := o.required("header_name", "the request header that names somebody")
	if name == "" {
		return
	}
	switch strings.ToLower(o.text("litellm_user_role")) {
	case "customer":
		g.addCustomerHeader(o, place, name)
	case "internal_user":
		switch name = g.headerName(o, place, name); {
		case name == "":
		case g.UserHeader != "":
			o.problems.warnf(place, "%s names internal users already; this header is not looked at", g.UserHeader)
		default:
			g.UserHeader = name
		}
	default:
		o.problems.warnf(place, "litellm_user_role is customer or internal_user; this header is not looked at")
	}
}

func (g *General) addCustomerHeader(o *object, place Place, name string) {
	if name = g.headerName(o, place, name); name != "" && !slices.Contains(g.CustomerHeaders, name) {
		g.CustomerHeaders = append(g.CustomerHeaders, name)
	}
}

// headerName returns the name as requests have it, or "". What a header says of
// somebody is stored with the spend, so it can not be one of credentials.
func (g *General) headerName(o *object, place Place, name string) string {
	name = http.CanonicalHeaderKey(strings.TrimSpace(name))
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		o.problems.errorf(place, "expected the name of a header, such as X-User-Id")
	case credential.IsHeader(name, g.KeyHeaderName):
		o.problems.errorf(place, "%s brings the credential of a request; it can not name who makes it", name)
	default:
		return name
	}
	return ""
}

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
	const key = "user_header_mappings"
	list, path := o.get(key), join(o.path, key)
	switch {
	case list == nil:
	case list.kind == listKind:
		for i, n := range list.items {
			readUserHeader(o, n, index(path, i), g)
		}
	default: // LiteLLM takes one without its list
		readUserHeader(o, list, path, g)
	}
	const older = "user_header_name"
	if name := o.text(older); name != "" {
		g.addCustomerHeader(o, o.get(older).place(join(o.path, older)), name)
	}
	if len(g.CustomerHeaders) > maxUserHeaders {
		o.problems.errorf(list.place(path), "there may be %d headers that name customers", maxUserHeaders)
	}
}

func readUserHeader(general *object, n *node, path string, g *General) {
	o := objectAt(general.problems, n, path)
	if o.node == nil {
		return
	}
	o.warnUnknown(keysOf("header_name litellm_user_role"))
	place := o.node.place(o.path)
	name := o.required("header_name", "the request header that names somebody")
	if name == "" {
		return
	}
	switch role := o.text("litellm_user_role"); strings.ToLower(role) {
	case "customer":
		g.addCustomerHeader(general, place, name)
	case "internal_user":
		if name = headerName(general, place, name); g.UserHeader != "" && name != "" {
			general.problems.warnf(place, "%s names internal users already; this header is not looked at", g.UserHeader)
			return
		}
		g.UserHeader = name
	default:
		general.problems.warnf(place, "litellm_user_role is customer or internal_user; this header is not looked at")
	}
}

func (g *General) addCustomerHeader(o *object, place Place, name string) {
	if name = headerName(o, place, name); name != "" && !slices.Contains(g.CustomerHeaders, name) {
		g.CustomerHeaders = append(g.CustomerHeaders, name)
	}
}

// headerName returns the name as requests have it, or "". What a header says of
// somebody is stored with the spend, so it can not be one of credentials.
func headerName(o *object, place Place, name string) string {
	name = http.CanonicalHeaderKey(strings.TrimSpace(name))
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		o.problems.errorf(place, "expected the name of a header, such as X-User-Id")
	case credential.IsHeader(name, o.text("litellm_key_header_name")):
		o.problems.errorf(place, "%s brings the credential of a request; it can not name who makes it", name)
	default:
		return name
	}
	return ""
}

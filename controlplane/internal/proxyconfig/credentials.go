package proxyconfig

import (
	"encoding/json"
	"maps"

	"github.com/tianjillm/tianjillm/shared/secret"
)

// Credential is an entry of credential_list: parameters that models share by
// its name.
type Credential struct {
	Name   string
	Values Raw // credential_values
	Place  Place
}

const sharedKeys = `
credential_info credential_name credential_values
`

func readCredentials(p *problems, list *node) []Credential {
	const key = "credential_list"
	if list == nil {
		return nil
	}
	if list.kind != listKind {
		p.errorf(list.place(key), "expected a list of credentials, found %s", list.kind)
		return nil
	}
	var all []Credential
	seen := map[string]Place{}
	for i, n := range list.items {
		o := objectAt(p, n, index(key, i))
		if o.node == nil {
			continue
		}
		o.warnUnknown(keysOf(sharedKeys))
		c := Credential{Name: o.required("credential_name", "what litellm_credential_name says"), Values: o.object("credential_values").raw(), Place: n.place(o.path)}
		if first, taken := seen[c.Name]; taken {
			p.errorf(c.Place, "credential_name is taken by %s; names must differ", first)
		}
		seen[c.Name] = c.Place
		all = append(all, c)
	}
	return all
}

// WithCredential returns the parameters with those of a credential, which do
// not replace what the model says itself.
func (p *Params) WithCredential(values map[string]json.RawMessage) Params {
	out := *p
	out.Extra = Raw{}
	for name, value := range values {
		var text string
		isText := json.Unmarshal(value, &text) == nil
		switch {
		case isText && name == "api_key":
			if out.APIKey.IsZero() {
				out.APIKey = secret.New(text)
			}
		case isText && out.takes(name, text):
		default:
			out.Extra[name] = value
		}
	}
	maps.Copy(out.Extra, p.Extra)
	return out
}

// takes sets a parameter that has a field, unless it is set.
func (p *Params) takes(name, value string) bool {
	field, ok := map[string]*string{
		"api_base": &p.APIBase, "base_url": &p.APIBase, "api_version": &p.APIVersion, "organization": &p.Organization,
		"custom_llm_provider": &p.Provider, "region_name": &p.RegionName,
	}[name]
	if ok && *field == "" {
		*field = value
	}
	return ok
}

// ClientParam is an item of configurable_clientside_auth_params: what a request
// may bring itself, and a regular expression for it or "".
type ClientParam struct{ Name, Pattern string }

func (o *object) clientParams(key string) []ClientParam {
	n := o.get(key)
	if n == nil {
		return nil
	}
	path := join(o.path, key)
	if n.kind != listKind {
		o.wrong(n, path, "a list of names of parameters")
		return nil
	}
	var all []ClientParam
	for i, item := range n.items {
		switch {
		case item.kind == textKind:
			all = append(all, ClientParam{Name: item.content()})
		case item.kind == mapKind && len(item.fields) == 1 && item.fields[0].value.kind == textKind:
			all = append(all, ClientParam{item.fields[0].key, item.fields[0].value.content()})
		default:
			o.wrong(item, index(path, i), "the name of a parameter, or a mapping of one to a regular expression")
		}
	}
	return all
}

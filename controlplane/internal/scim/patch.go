package scim

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/scim/filter"
)

// verb is what a change does to an attribute.
type verb uint8

const (
	replace verb = iota
	add
	remove
)

// target is a resource that changes attribute by attribute. What it does not
// know it passes over: providers send much that nobody keeps here.
type target interface {
	set(v verb, at filter.Path, value json.RawMessage) error
}

// operation is one change of a PATCH:
// https://www.rfc-editor.org/rfc/rfc7644#section-3.5.2
type operation struct {
	verb  verb
	path  filter.Path
	value json.RawMessage
}

// operations reads the body of a PATCH. Entra ID writes the names of operations
// with a capital letter.
func operations(body []byte) ([]operation, error) {
	whole, err := readObject(body)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if json.Unmarshal(whole["operations"], &list) != nil || len(list) == 0 {
		return nil, invalid(InvalidSyntax, "Operations must be a list of at least one")
	}
	if len(list) > mostOperations {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Type: TooMany, Detail: "a request has 1000 operations at most"}
	}
	all := make([]operation, len(list))
	for i, raw := range list {
		if all[i], err = readOperation(raw); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func readOperation(raw json.RawMessage) (operation, error) {
	var op operation
	o, err := readObject(raw)
	if err != nil {
		return op, err
	}
	name, err := text("op", o["op"])
	if err != nil {
		return op, err
	}
	switch strings.ToLower(name) {
	case "replace":
		op.verb = replace
	case "add":
		op.verb = add
	case "remove":
		op.verb = remove
	default:
		return op, invalid(InvalidSyntax, "op must be add, remove or replace")
	}
	where := ""
	if value := o["path"]; !isNull(value) && json.Unmarshal(value, &where) != nil {
		return op, invalid(InvalidPath, "path must be a text")
	}
	if op.path, err = readPath(where); err != nil {
		return op, err
	}
	op.value = o["value"]
	switch {
	case op.verb == remove && op.path.Attr == "":
		return op, invalid("noTarget", "remove needs a path")
	case op.verb != remove && len(op.value) == 0:
		return op, invalid(InvalidValue, name+" needs a value")
	}
	return op, nil
}

func readPath(where string) (filter.Path, error) {
	path, err := filter.ParsePath(where)
	if errors.Is(err, filter.ErrSyntax) {
		return path, &Error{Status: http.StatusBadRequest, Type: InvalidPath, Detail: strings.Replace(err.Error(), "filter", "path", 1), cause: err}
	}
	return path, err
}

func (op *operation) apply(t target) error {
	if op.path.Attr != "" {
		return t.set(op.verb, op.path, op.value)
	}
	return setAll(t, op.verb, op.value)
}

// setAll sets the attributes of an object. Their names may be paths, as Okta and
// Entra ID write them where they give none.
func setAll(t target, v verb, value json.RawMessage) error {
	all, err := readObject(value)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) { // name comes before name.givenName
		one := all[name]
		if strings.HasPrefix(name, "urn:") && isObject(one) {
			if !core(name) { // an extension, of which nothing is kept
				continue
			}
			if err := setAll(t, v, one); err != nil {
				return err
			}
			continue
		}
		path, err := readPath(name)
		if err != nil {
			return err
		}
		if err := t.set(v, path, one); err != nil {
			return err
		}
	}
	return nil
}

func isObject(raw json.RawMessage) bool {
	return strings.HasPrefix(strings.TrimLeft(string(raw), " \t\r\n"), "{")
}

func core(name string) bool {
	return name == strings.ToLower(userSchema) || name == strings.ToLower(groupSchema)
}

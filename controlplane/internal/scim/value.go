package scim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"unicode"
)

// object is a JSON object whose names are in lower case: SCIM's do not differ by
// case.
type object map[string]json.RawMessage

func readObject(raw []byte) (object, error) {
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil || all == nil {
		return nil, invalid(InvalidSyntax, "a JSON object was expected")
	}
	o := make(object, len(all))
	for name, value := range all {
		lower := strings.ToLower(name)
		if _, twice := o[lower]; twice {
			return nil, invalid(InvalidSyntax, "the attribute "+short(name)+" stands twice")
		}
		o[lower] = value
	}
	return o, nil
}

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || string(bytes.TrimSpace(raw)) == "null"
}

// only undoes the dialect of Entra ID that sends a value as a list of one object
// that has it.
func only(raw json.RawMessage) json.RawMessage {
	var list []object
	if json.Unmarshal(raw, &list) != nil || len(list) != 1 {
		return raw
	}
	for name, value := range list[0] {
		if strings.EqualFold(name, "value") {
			return value
		}
	}
	return raw
}

// text reads a text; null is "".
func text(attr string, raw json.RawMessage) (string, error) {
	raw = only(raw)
	if isNull(raw) {
		return "", nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", invalid(InvalidValue, attr+" must be a text")
	}
	if len(s) > longest {
		return "", invalid(InvalidValue, attr+" is longer than 512 bytes")
	}
	if strings.ContainsFunc(s, unicode.IsControl) || strings.ContainsRune(s, unicode.ReplacementChar) {
		return "", invalid(InvalidValue, attr+" can not have control characters")
	}
	return s, nil
}

// boolean reads true and false, and the texts that Entra ID sends for them.
func boolean(attr string, raw json.RawMessage) (bool, error) {
	raw = only(raw)
	var b bool
	if json.Unmarshal(raw, &b) == nil && !isNull(raw) {
		return b, nil
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		switch strings.ToLower(s) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	return false, invalid(InvalidValue, attr+" must be true or false")
}

// objects reads a list of objects, or one of them without the brackets. null is
// none. A text stands for an object with that value.
func objects(attr string, raw json.RawMessage) ([]object, error) {
	trimmed := bytes.TrimSpace(raw)
	if isNull(raw) {
		return nil, nil
	}
	var list []json.RawMessage
	if trimmed[0] != '[' {
		list = append(list, trimmed)
	} else if json.Unmarshal(trimmed, &list) != nil {
		return nil, invalid(InvalidValue, attr+" must be a list of objects")
	}
	if len(list) > mostMembers {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Type: TooMany, Detail: attr + " has too many values"}
	}
	all := make([]object, 0, len(list))
	for _, item := range list {
		if item = bytes.TrimSpace(item); len(item) > 0 && item[0] == '"' {
			all = append(all, object{"value": item})
			continue
		}
		o, err := readObject(item)
		if err != nil {
			return nil, invalid(InvalidValue, attr+" must be a list of objects")
		}
		all = append(all, o)
	}
	return all, nil
}

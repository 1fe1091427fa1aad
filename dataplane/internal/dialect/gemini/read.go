package gemini

import (
	"encoding/json"
	"math"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// members calls f for each member of an object that is not null, with its name
// as the wire has it: Google takes Python's names as well.
func members(object []byte, what string, f func(name string, value []byte) error) error {
	var s jsonx.Scanner
	for s.Reset(object); s.Next(); {
		value := s.Value().Of(object)
		if jsonx.IsNull(value) {
			continue
		}
		if err := f(camel(s.Key()), value); err != nil {
			return err
		}
	}
	if s.Err() != nil {
		return &chat.ParamError{Param: what, Want: "an object"}
	}
	return nil
}

// elements calls f for each element of a list. A single object is taken for a
// list of one.
func elements(list []byte, what string, f func(value []byte) error) error {
	if len(list) > 0 && list[0] == '{' {
		return f(list)
	}
	var all []json.RawMessage
	if err := json.Unmarshal(list, &all); err != nil {
		return &chat.ParamError{Param: what, Want: "a list"}
	}
	for _, value := range all {
		if err := f(value); err != nil {
			return err
		}
	}
	return nil
}

// camel returns the wire's name of a member.
func camel(name []byte) string {
	under := false
	for _, c := range name {
		under = under || c == '_'
	}
	if !under {
		return string(name)
	}
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if name[i] == '_' && i > 0 && i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z' {
			i++
			b = append(b, name[i]-'a'+'A')
			continue
		}
		b = append(b, name[i])
	}
	return string(b)
}

// take reads a value.
func take(value []byte, to any, what, want string) error {
	if json.Unmarshal(value, to) != nil {
		return &chat.ParamError{Param: what, Want: want}
	}
	return nil
}

func text(value []byte, to *string, what string) error { return take(value, to, what, "a string") }

// integer reads a whole number, which clients write as a float, too.
func integer(value []byte, to **int64, what string) error {
	var f float64
	if json.Unmarshal(value, &f) != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return &chat.ParamError{Param: what, Want: "an integer"}
	}
	*to = new(int64(f))
	return nil
}

func put(to *map[string]json.RawMessage, name string, value []byte) {
	if *to == nil {
		*to = map[string]json.RawMessage{}
	}
	(*to)[name] = value
}

// Package bounds refuses text that is too long or that can not name anything,
// with the answers of FastAPI that LiteLLM's clients know. It owns no
// goroutine.
package bounds

import (
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

const (
	// ID is how many bytes an id may have: it becomes part of a subject, where
	// two of them may stand beside each other.
	ID = 512
	// Text is how many bytes a name or a description may have.
	Text = 2048
	// Items is how many a list may have.
	Items = 1000
	// Object is how many bytes a JSON object may have: a record has to fit into
	// a message.
	Object = 64 << 10
)

// CheckID refuses what can not be an id: nothing, too much, control characters.
func CheckID(member, id string) error {
	if id == "" {
		return apierr.Invalid("string_too_short", member, "String should have at least 1 character")
	}
	for _, r := range id {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return apierr.Invalid("value_error", member, "Value error, an id can not have control characters")
		}
	}
	return CheckText(member, id, ID)
}

// CheckText refuses text of more than most bytes.
func CheckText(member, text string, most int) error {
	if len(text) > most {
		return apierr.Invalid("string_too_long", member, fmt.Sprintf("String should have at most %d characters", most))
	}
	return nil
}

// CheckOptional is CheckText of text that may be missing.
func CheckOptional(member string, text *string, most int) error {
	if text == nil {
		return nil
	}
	return CheckText(member, *text, most)
}

// CheckIDs refuses a list that is empty, too long, or holds what is no id.
func CheckIDs(member string, ids []string) error {
	if len(ids) == 0 {
		return apierr.Invalid("too_short", member, "List should have at least 1 item after validation, not 0")
	}
	if err := CheckLen(member, len(ids)); err != nil {
		return err
	}
	for _, id := range ids {
		if err := CheckID(member, id); err != nil {
			return err
		}
	}
	return nil
}

// CheckNames refuses a list of names that is too long; it may be empty.
func CheckNames(member string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	return CheckIDs(member, names)
}

// CheckLen refuses a list of too many items.
func CheckLen(member string, n int) error {
	if n > Items {
		return apierr.Invalid("too_long", member, fmt.Sprintf("List should have at most %d items after validation, not %d", Items, n))
	}
	return nil
}

// Encode returns an object as it is stored, unless it is too large.
func Encode(member string, object map[string]any) (json.RawMessage, error) {
	if object == nil {
		return json.RawMessage("{}"), nil
	}
	b, err := json.Marshal(object)
	if err != nil {
		return nil, apierr.Invalid("dict_type", member, "Input should be a valid dictionary").Because(err)
	}
	if len(b) > Object {
		return nil, apierr.Invalid("value_error", member, fmt.Sprintf("Value error, an object can have at most %d bytes of JSON", Object))
	}
	return b, nil
}

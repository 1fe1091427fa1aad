package field

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// List is a member that is a list, or one item without the brackets.
type List[T any] struct {
	Items []T
	// Many says that it was a list.
	Many bool
}

// UnmarshalJSON reads either form.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '[' {
		l.Many = true
		if err := json.Unmarshal(b, &l.Items); err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		return nil
	}
	if string(b) == "null" {
		return nil
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	l.Items = []T{one}
	return nil
}

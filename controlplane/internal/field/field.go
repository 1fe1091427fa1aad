// Package field tells a JSON member that was not sent from one that was sent
// as null: an update changes only what was sent.
package field

import (
	"encoding/json"
	"fmt"
)

// Of is a member of type T. The zero value was not sent.
type Of[T any] struct {
	Sent  bool
	Null  bool
	Value T
}

// UnmarshalJSON notes that the member was sent.
func (f *Of[T]) UnmarshalJSON(b []byte) error {
	f.Sent, f.Null = true, string(b) == "null"
	if f.Null {
		return nil
	}
	if err := json.Unmarshal(b, &f.Value); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}

// Ptr returns the value, or nil when it was null or not sent.
func (f Of[T]) Ptr() *T {
	if !f.Sent || f.Null {
		return nil
	}
	return &f.Value
}

// Into stores the value where it was sent; null stores nil.
func (f Of[T]) Into(dst **T) {
	if f.Sent {
		*dst = f.Ptr()
	}
}

// IntoValue stores the value where it was sent; null stores the zero value.
func (f Of[T]) IntoValue(dst *T) {
	if f.Sent {
		*dst = f.Value
	}
}

// Or returns the value, or def when it was null or not sent.
func (f Of[T]) Or(def T) T {
	if !f.Sent || f.Null {
		return def
	}
	return f.Value
}

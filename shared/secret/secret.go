// Package secret holds credentials in a type that does not print itself, so
// that a configuration can be logged, dumped or put into an error as a whole.
//
// It neither stores nor encrypts anything: a secret lives in memory as plain
// text, and package seal is what protects one at rest. It runs no goroutines.
package secret

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what every output shows in place of a secret that is not empty.
const Redacted = "[redacted]"

// String is a secret text; the zero value is an empty one. It prints, logs and
// marshals as Redacted, and only Reveal gives the text. Compare two with
// Equal: the operator == tells where the text came from, not what it says.
type String struct {
	// A pointer, because fmt prints the content of unexported fields without
	// asking the methods of their type, but only the address of a pointer.
	text *string
}

// New returns text as a secret.
func New(text string) String {
	if text == "" {
		return String{}
	}
	return String{text: &text}
}

// Reveal returns the text itself, to be handed to whoever needs the credential.
func (s String) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the secret is empty; the omitzero option of
// encoding/json asks it.
func (s String) IsZero() bool { return s.Reveal() == "" }

// Equal reports whether both texts are the same, in a time that does not
// depend on where they differ.
func (s String) Equal(other String) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns Redacted, or nothing when the secret is empty: whether one is
// set is no secret and is what an operator looks for.
func (s String) String() string {
	if s.IsZero() {
		return ""
	}
	return Redacted
}

// GoString answers the verb %#v.
func (s String) GoString() string { return fmt.Sprintf("secret.New(%q)", s.String()) }

// Format answers every other verb of package fmt, %x and %d among them.
func (s String) Format(f fmt.State, verb rune) {
	text := s.String()
	switch {
	case verb == 'v' && f.Flag('#'):
		text = s.GoString()
	case verb == 'q':
		text = fmt.Sprintf("%q", text)
	}
	_, _ = io.WriteString(f, text) // fmt.State reports no errors
}

// LogValue answers log/slog.
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON writes the redacted form: a configuration that is shown as JSON
// shows no secret, and one that must travel carries Reveal, sealed.
func (s String) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText answers encoding/xml, map keys and whatever else asks for text.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a secret from plain text, and from JSON strings as well.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}

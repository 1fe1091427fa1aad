package proxyconfig

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"github.com/tianjillm/tianjillm/shared/secret"
)

// Raw is settings that nothing here understands, each as JSON with the
// references to the environment resolved. Any of them can be a credential, so
// that a Raw prints, logs and marshals its keys only; it can be assigned to a
// map[string]json.RawMessage to travel on.
type Raw map[string]json.RawMessage

// String lists the keys.
func (r Raw) String() string {
	return fmt.Sprintf("%v", slices.Sorted(maps.Keys(r)))
}

// GoString answers the verb %#v.
func (r Raw) GoString() string { return "proxyconfig.Raw" + r.String() }

// Format answers every other verb of package fmt.
func (r Raw) Format(f fmt.State, verb rune) {
	text := r.String()
	if verb == 'v' && f.Flag('#') {
		text = r.GoString()
	}
	_, _ = io.WriteString(f, text) // fmt.State reports no errors
}

// LogValue answers log/slog.
func (r Raw) LogValue() slog.Value { return slog.AnyValue(slices.Sorted(maps.Keys(r))) }

// MarshalJSON writes the keys with redacted values.
func (r Raw) MarshalJSON() ([]byte, error) {
	keys := make(map[string]string, len(r))
	for key := range r {
		keys[key] = secret.Redacted
	}
	return json.Marshal(keys)
}

package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/secret"
)

const plain = "sk-Q7x9-do-not-print"

// exported and hidden are the two ways a configuration holds a secret: fmt
// asks the methods of an exported field only.
type exported struct {
	Key  secret.String            `json:"key"`
	Keys map[string]secret.String `json:"keys"`
	List []secret.String          `json:"list"`
	Ptr  *secret.String           `json:"ptr"`
	Any  any                      `json:"any"`
}

type hidden struct {
	key  secret.String
	keys map[string]secret.String
	list []secret.String
	ptr  *secret.String
}

func holders() map[string]any {
	s := secret.New(plain)
	return map[string]any{
		"value":   s,
		"pointer": &s,
		"exported": exported{
			Key: s, Keys: map[string]secret.String{"k": s}, List: []secret.String{s}, Ptr: &s, Any: s,
		},
		"hidden": hidden{key: s, keys: map[string]secret.String{"k": s}, list: []secret.String{s}, ptr: &s},
		"slice":  []secret.String{s},
		"array":  [1]secret.String{s},
		"map":    map[string]secret.String{"k": s},
		"key":    map[secret.String]int{s: 1},
		"error":  fmt.Errorf("open %v: %w", s, errors.ErrUnsupported),
	}
}

// requireHidden fails when out holds the secret as text, hex or a byte list.
func requireHidden(t *testing.T, out string) {
	t.Helper()
	require.NotContains(t, out, plain)
	require.NotContains(t, out, fmt.Sprintf("%x", plain))
	require.NotContains(t, out, fmt.Sprintf("%X", plain))
	require.NotContains(t, out, fmt.Sprintf("% x", plain))
	require.NotContains(t, out, "115 107 45") // "sk-" as %v of a byte slice
}

func verbs() []string {
	return []string{
		"%v", "%+v", "%#v", "%q", "%s", "%x", "%X", "% x", "%d", "%o", "%b", "%c",
		"%U", "%e", "%t", "%p", "%T", "%10s", "%-20v", "%.3s",
	}
}

func TestFmtNeverShowsTheSecret(t *testing.T) {
	t.Parallel()
	for _, v := range holders() {
		for _, verb := range verbs() {
			requireHidden(t, fmt.Sprintf(verb, v))
		}
		requireHidden(t, fmt.Sprint(v))
		requireHidden(t, fmt.Sprintln(v))
	}
}

func TestFmtShowsTheMark(t *testing.T) {
	t.Parallel()
	s := secret.New(plain)
	for verb, want := range map[string]string{
		"%v": "[redacted]", "%+v": "[redacted]", "%s": "[redacted]", "%x": "[redacted]",
		"%q": `"[redacted]"`, "%#v": `secret.New("[redacted]")`,
	} {
		require.Equal(t, want, fmt.Sprintf(verb, s), verb)
		require.Equal(t, want, fmt.Sprintf(verb, &s), verb)
	}
	require.Empty(t, fmt.Sprintf("%v", secret.String{}), "an unset secret reads as unset")
	require.Equal(t, `secret.New("")`, fmt.Sprintf("%#v", secret.New("")))
}

func TestEncodersNeverShowTheSecret(t *testing.T) {
	t.Parallel()
	for name, v := range holders() {
		out, err := json.Marshal(v)
		require.NoError(t, err, name)
		requireHidden(t, string(out))
	}
	out, err := json.Marshal(exported{Key: secret.New(plain)})
	require.NoError(t, err)
	require.Contains(t, string(out), `"key":"[redacted]"`)

	type element struct {
		Key secret.String `xml:"key"`
	}
	out, err = xml.Marshal(element{secret.New(plain)})
	require.NoError(t, err)
	requireHidden(t, string(out))
	require.Contains(t, string(out), "[redacted]")
}

func TestSlogNeverShowsTheSecret(t *testing.T) {
	t.Parallel()
	for name, v := range holders() {
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("loaded", slog.Any(name, v))
		slog.New(slog.NewJSONHandler(&out, nil)).Info("loaded", slog.Any(name, v))
		requireHidden(t, out.String())
	}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("loaded", slog.Any("key", secret.New(plain)))
	require.Contains(t, out.String(), "key=[redacted]")
}

func TestOmitZero(t *testing.T) {
	t.Parallel()
	type config struct {
		Key secret.String `json:"key,omitzero"`
	}
	out, err := json.Marshal(config{})
	require.NoError(t, err)
	require.JSONEq(t, `{}`, string(out))
	out, err = json.Marshal(config{Key: secret.New(plain)})
	require.NoError(t, err)
	require.JSONEq(t, `{"key":"[redacted]"}`, string(out))
}

func TestReveal(t *testing.T) {
	t.Parallel()
	require.Equal(t, plain, secret.New(plain).Reveal())
	require.Empty(t, secret.String{}.Reveal())
	require.True(t, secret.String{}.IsZero())
	require.True(t, secret.New("").IsZero())
	require.False(t, secret.New("x").IsZero())
}

func TestEqual(t *testing.T) {
	t.Parallel()
	require.True(t, secret.New(plain).Equal(secret.New(plain)))
	require.False(t, secret.New(plain).Equal(secret.New(plain+"x")))
	require.False(t, secret.New(plain).Equal(secret.String{}))
	require.True(t, secret.New("").Equal(secret.String{}))
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	var c exported
	require.NoError(t, json.Unmarshal([]byte(`{"key":"`+plain+`"}`), &c))
	require.Equal(t, plain, c.Key.Reveal())

	err := json.Unmarshal([]byte(`{"key":["`+plain+`"]}`), &c)
	require.Error(t, err)
	requireHidden(t, err.Error())
}

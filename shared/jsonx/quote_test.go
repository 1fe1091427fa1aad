package jsonx_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

func FuzzAppendQuote(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c\n\r\t\x01", "héllo \u2028 <b>", "\xff\xc3bad\xe2\x82", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted := jsonx.AppendQuote([]byte("x"), s)[1:]
		var back string
		require.NoError(t, json.Unmarshal(quoted, &back))
		if utf8.ValidString(s) {
			require.Equal(t, s, back)
		} else {
			require.Equal(t, strings.ToValidUTF8(string([]rune(s)), "\ufffd"), back)
		}
	})
}

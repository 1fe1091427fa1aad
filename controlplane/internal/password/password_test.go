package password_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/password"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

const plain = "correct horse battery staple"

// Hashes of plain as LiteLLM has stored them: SHA-256, and scrypt in both forms
// (hashlib.scrypt with n=16384, r=8, p=1, dklen=32, salt 00 01 … 0f).
const (
	asSHA256 = "c4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a"
	asHex    = "scrypt:000102030405060708090a0b0c0d0e0f:d7590aca2c9801cf06eeba772a69dc31ce3862591d96522ac4e6bba6ad1f31a5"
	asBase64 = "scrypt:AAECAwQFBgcICQoLDA0OD9dZCsosmAHPBu66dypp3DHOOGJZHZZSKsTmu6atHzGl"
)

func TestHash(t *testing.T) {
	t.Parallel()
	h, err := password.New(plain)
	require.NoError(t, err)
	require.True(t, h.Matches(plain))
	require.False(t, h.Matches(plain+"."))
	require.False(t, h.Outdated())
	stored, err := h.TextValue()
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(stored.String, "scrypt:16384:8:5:"), stored.String)
	again, err := password.New(plain)
	require.NoError(t, err)
	text, err := again.TextValue()
	require.NoError(t, err)
	require.NotEqual(t, stored, text, "no two hashes have one salt")

	var read password.Hash
	require.NoError(t, read.ScanText(stored))
	require.True(t, read.Matches(plain))
	require.NoError(t, read.ScanText(pgtype.Text{}))
	require.True(t, read.IsZero())
	require.False(t, read.Matches(""))
	none, err := read.TextValue()
	require.NoError(t, err)
	require.False(t, none.Valid)
}

func TestHash_of_LiteLLM(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{asSHA256, asHex, asBase64} {
		h := password.Stored(stored)
		require.True(t, h.Matches(plain), stored)
		require.False(t, h.Matches("correct horse"), stored)
		require.True(t, h.Outdated(), stored)
	}
}

func TestHash_that_can_not_be_read(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{
		"", "plain", "scrypt:", "scrypt:x", "scrypt:00:11", "scrypt:1:2:3", "scrypt:16384:8:1:AAAA:", "scrypt:1073741824:8:1:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"scrypt:16384:x:1:AAAA:AAAA", asSHA256[:60],
	} {
		h := password.Stored(stored)
		require.False(t, h.Matches(plain), stored)
		require.True(t, h.Outdated(), stored)
	}
	require.False(t, password.Decoy().Matches(plain))
	require.False(t, password.Decoy().Matches(""))
}

// A hash is nobody's business, wherever it gets by mistake.
func TestHash_does_not_show_itself(t *testing.T) {
	t.Parallel()
	row := struct{ Password password.Hash }{password.Stored(asSHA256)}
	asJSON, err := json.Marshal(row)
	require.NoError(t, err)
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", slog.Any("user", row))
	for _, text := range []string{string(asJSON), logged.String(), fmt.Sprintf("%v %+v %#v", row, row, row)} {
		require.NotContains(t, text, asSHA256[:8])
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"": false, "1234567": false, "12345678": true, strings.Repeat("é", 128): true, strings.Repeat("x", 129): false,
	} {
		err := password.Check(text)
		require.Equal(t, ok, err == nil, text)
		if e, is := errors.AsType[*apierr.Error](err); is {
			require.Equal(t, http.StatusUnprocessableEntity, e.Status)
			require.NotContains(t, e.Error(), "12345")
		}
	}
}

func FuzzMatches(f *testing.F) {
	for _, seed := range []string{asSHA256, asHex, asBase64, "scrypt:2:1:1:AAAA:AAAAAAAAAAAAAAAAAAAAAA", "scrypt::", "scrypt:2:1:1::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		require.False(t, password.Stored(stored).Matches("a password that nothing was made of"))
	})
}

package money_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tianjillm/tianjillm/shared/money"
)

func TestParsePerMillion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]money.Nano{
		"0": 0, "0.0": 0, "2.5e-07": 250_000_000, "0.00000025": 250_000_000, "1.25e-06": 1_250_000_000,
		// What Python writes for 3e-08 that went through a multiplication.
		"3.0000000000000004e-08": 30_000_000, "1E-15": 1, "4.9e-16": 0, "5e-16": 1, "4e-400": 0, ".5e-6": 500_000_000, "5.": 5_000_000_000_000_000, "5.e-6": 5_000_000_000,
		"-1e-6": -1_000_000_000, "+1e-6": 1_000_000_000, "0e99999999999": 0, "9223.372036854775807": math.MaxInt64,
	} {
		got, err := money.ParsePerMillion(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "-", ".", "e5", ".e5", "1e", "1e+", "1.2.3", "0x1p-2", "NaN", "inf", " 1", "1 ", "1_0", "1e1x", strings.Repeat("1", 500)} {
		_, err := money.ParsePerMillion(text)
		require.ErrorIs(t, err, money.ErrSyntax, text)
	}
	for _, text := range []string{"9223.372036854775808", "1e99", "99999"} {
		_, err := money.ParsePerMillion(text)
		require.ErrorIs(t, err, money.ErrRange, text)
	}
}

func TestParseUSD_is_exact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,12}(\.[0-9]{0,14})?([eE][-+]?[0-9]{1,2})?`).Draw(t, "text")
		got, err := money.ParseUSD(text)
		exact, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		exact.Mul(exact, big.NewRat(money.NanosPerUSD, 1))
		rounded := new(big.Int).Div(exact.Add(exact, big.NewRat(1, 2)).Num(), exact.Denom())
		if !rounded.IsInt64() {
			require.ErrorIs(t, err, money.ErrRange)
			return
		}
		require.NoError(t, err)
		require.Equal(t, rounded.Int64(), int64(got), text)
	})
}

func TestPer_rounds_and_saturates(t *testing.T) {
	t.Parallel()
	require.Equal(t, money.Nano(3), money.PerMillion(5, 500_000))
	require.Equal(t, money.Nano(2), money.Per(3, 1, 2))
	require.Equal(t, money.Nano(math.MaxInt64), money.PerMillion(math.MaxInt64, math.MaxInt64))
	require.Zero(t, money.Per(-1, 5, 1))
	require.Equal(t, money.Nano(math.MaxInt64), money.Add(math.MaxInt64, 1))
	require.Equal(t, money.Nano(3), money.Add(1, 2))
}

func FuzzParseScaled(f *testing.F) {
	for _, seed := range []string{"1e-6", "0.5", "1.", "9e99", "-", "1.25E+2", "00.00"} {
		f.Add(seed, 15)
	}
	f.Fuzz(func(t *testing.T, text string, scale int) {
		_, err := money.ParseScaled(text, scale%30)
		if err != nil && !errors.Is(err, money.ErrSyntax) && !errors.Is(err, money.ErrRange) {
			t.Fatal(err)
		}
	})
}

// Package money holds amounts of US dollars as whole nano-dollars, and the one
// place where they are rounded.
package money

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Nano is an amount in nano-dollars (1e-9 USD).
type Nano int64

// NanosPerUSD is the number of nano-dollars in a dollar.
const NanosPerUSD = 1_000_000_000

// ErrRange means that an amount does not fit into an int64 of nano-dollars.
var ErrRange = errors.New("amount out of range")

// FromUSD converts a float of dollars, as JSON APIs carry it, to the nearest
// nano-dollar.
func FromUSD(usd float64) (Nano, error) {
	v := math.Round(usd * NanosPerUSD)
	if math.IsNaN(v) || v >= math.MaxInt64 || v <= math.MinInt64 {
		return 0, fmt.Errorf("%v USD: %w", usd, ErrRange)
	}
	return Nano(v), nil
}

// USD returns the amount as a float of dollars, for JSON APIs only.
func (n Nano) USD() float64 { return float64(n) / NanosPerUSD }

// String returns the amount as an exact decimal number of dollars without
// trailing zeros, for example "0.0000315".
func (n Nano) String() string {
	sign, v := "", uint64(n) //nolint:gosec // two's complement on purpose: the minimum has no positive twin
	if n < 0 {
		sign, v = "-", -v
	}
	whole, frac := v/NanosPerUSD, v%NanosPerUSD
	if frac == 0 {
		return sign + strconv.FormatUint(whole, 10)
	}
	return sign + strconv.FormatUint(whole, 10) + "." + strings.TrimRight(fmt.Sprintf("%09d", frac), "0")
}

// PerMillion returns the price of tokens at a price per million tokens,
// rounded half up. It saturates instead of overflowing.
func PerMillion(tokens int64, price Nano) Nano { return Per(tokens, price, 1_000_000) }

// Per returns the price of a quantity at a price for so many, rounded half up.
// It saturates instead of overflowing.
func Per(quantity int64, price Nano, many uint64) Nano {
	if quantity <= 0 || price <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(quantity), uint64(price))
	lo, carry := bits.Add64(lo, many/2, 0)
	hi += carry
	if hi >= many {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, many)
	if q > math.MaxInt64 {
		return math.MaxInt64
	}
	return Nano(q)
}

// Add returns a sum that saturates instead of overflowing. Neither amount may
// be negative.
func Add(a, b Nano) Nano {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

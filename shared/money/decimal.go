package money

import (
	"errors"
	"fmt"
	"math"
)

// ErrSyntax means that a text is no decimal number.
var ErrSyntax = errors.New("not a decimal number")

// maxDecimal bounds the digits and the exponent of a decimal text, so that
// hostile ones cost nothing.
const maxDecimal = 400

// ParseUSD reads an amount of dollars such as "2.5" or "1.25e-06" exactly,
// where a float64 in between would round it. What is finer than a nano-dollar
// is rounded half away from zero.
func ParseUSD(decimal string) (Nano, error) { return ParseScaled(decimal, 9) }

// ParsePerMillion reads dollars for one unit, as LiteLLM's price files carry
// them, and returns nano-dollars for a million units.
func ParsePerMillion(decimal string) (Nano, error) { return ParseScaled(decimal, 15) }

// ParseScaled reads a decimal number times ten to the power of scale.
func ParseScaled(decimal string, scale int) (Nano, error) {
	d, err := scanDecimal(decimal)
	if err != nil {
		return 0, fmt.Errorf("%.40q: %w", decimal, err)
	}
	value, ok := d.shifted(scale)
	if !ok {
		return 0, fmt.Errorf("%.40q: %w", decimal, ErrRange)
	}
	if d.negative {
		return Nano(-value), nil
	}
	return Nano(value), nil
}

// decimal is the digits of a text, of which point stand behind the dot, times
// ten to the power of exponent.
type decimal struct {
	negative bool
	digits   string // with the dot
	count    int    // without it
	point    int
	exponent int
}

func scanDecimal(s string) (decimal, error) {
	var d decimal
	if len(s) > maxDecimal {
		return d, ErrSyntax
	}
	d.negative, s = cutSign(s)
	dot := false
	for len(d.digits) < len(s) {
		c := s[len(d.digits)]
		switch {
		case c >= '0' && c <= '9':
			d.count++
			if dot {
				d.point++
			}
		case c == '.' && !dot:
			dot = true
		case c == 'e' || c == 'E':
			if d.count == 0 {
				return d, ErrSyntax
			}
			var err error
			d.exponent, err = scanExponent(s[len(d.digits)+1:])
			return d, err
		default:
			return d, ErrSyntax
		}
		d.digits = s[:len(d.digits)+1]
	}
	if d.count == 0 {
		return d, ErrSyntax
	}
	return d, nil
}

func cutSign(s string) (negative bool, rest string) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[0] == '-', s[1:]
	}
	return false, s
}

func scanExponent(s string) (int, error) {
	negative, s := cutSign(s)
	if s == "" {
		return 0, ErrSyntax
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, ErrSyntax
		}
		n = min(n*10+int(s[i]-'0'), 10*maxDecimal)
	}
	if negative {
		n = -n
	}
	return n, nil
}

// shifted returns the number times ten to the power of scale, rounded half
// up, without its sign.
func (d *decimal) shifted(scale int) (int64, bool) {
	const most = math.MaxInt64
	keep := d.count - d.point + d.exponent + scale // digits in front of the rounded place
	var value int64
	at := 0
	for i := 0; i < len(d.digits) && at <= keep; i++ {
		if d.digits[i] == '.' {
			continue
		}
		digit := int64(d.digits[i] - '0')
		if at == keep {
			if digit >= 5 && value < most {
				value++
			}
			return value, true
		}
		at++
		if value > (most-digit)/10 {
			return 0, false
		}
		value = value*10 + digit
	}
	for ; at < keep && value != 0; at++ {
		if value > most/10 {
			return 0, false
		}
		value *= 10
	}
	return value, true
}

package console

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// nothing stands where there is no value.
const nothing = "-"

// usd shows an amount: cents, and for what is less than a dollar and no whole
// cents three digits that matter.
func usd(v float64) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	cents := v * 100
	if v == 0 || v >= 1 || math.Abs(cents-math.Round(cents)) < 1e-7 {
		return sign + "$" + grouped(strconv.FormatFloat(v, 'f', 2, 64))
	}
	digits := max(2, 3-int(math.Ceil(math.Log10(v))))
	return sign + "$" + strings.TrimRight(strconv.FormatFloat(v, 'f', digits, 64), "0")
}

// grouped parts the digits of a number in front of its point by thousands.
func grouped(digits string) string {
	whole, rest, found := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		return whole + "." + rest
	}
	return whole
}

// quantity shows a number of things.
func quantity(n int64) string { return grouped(strconv.FormatInt(n, 10)) }

func optionalUSD(v *float64) string {
	if v == nil {
		return nothing
	}
	return usd(*v)
}

// budget shows what may be spent, and how often.
func budget(most *float64, duration *string) string {
	switch {
	case most == nil:
		return nothing
	case duration == nil || *duration == "":
		return usd(*most)
	default:
		return usd(*most) + "/" + *duration
	}
}

func text(s *string) string {
	if s == nil || *s == "" {
		return nothing
	}
	return *s
}

func count(n *int64) string {
	if n == nil {
		return nothing
	}
	return quantity(*n)
}

// moment shows a time where people are.
func (t *Terminal) moment(at *time.Time) string {
	if at == nil {
		return nothing
	}
	return at.In(t.Zone).Format("2006-01-02 15:04")
}

func names(all []string, otherwise string) string {
	if len(all) == 0 {
		return otherwise
	}
	return strings.Join(all, ", ")
}

// compact shows JSON in one line; an empty object is nothing.
func compact(raw json.RawMessage) string {
	s := strings.TrimSpace(string(raw))
	if s == "" || s == "{}" || s == "[]" || s == "null" {
		return nothing
	}
	return s
}

// number shows what may be a whole number or an amount.
func number(v any, money bool) string {
	f, ok := v.(float64)
	switch {
	case !ok:
		return nothing
	case money:
		return usd(f)
	default:
		return grouped(strconv.FormatFloat(f, 'f', -1, 64))
	}
}

// state is one word about what may be blocked or may expire.
func state(blocked bool, expires *time.Time) string {
	switch {
	case blocked:
		return "blocked"
	case expires != nil && time.Now().After(*expires):
		return "expired"
	default:
		return "ok"
	}
}

// pages tells of further pages of a list.
func pages(shown int, total, page, last int64) string {
	if last <= 1 {
		return quantity(total) + " in all\n"
	}
	more := ""
	if page < last {
		more = fmt.Sprintf("; --page %d shows more", page+1)
	}
	return fmt.Sprintf("%d of %s, page %d of %d%s\n", shown, quantity(total), page, last, more)
}

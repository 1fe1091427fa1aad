package litellm

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/money"
)

// object is a row, or a JSON object inside of one.
type object map[string]json.RawMessage

func null(v json.RawMessage) bool { return len(v) == 0 || string(v) == "null" }

// empty reports whether a value says nothing: what columns hold that nobody
// filled.
func empty(v json.RawMessage) bool {
	switch string(v) {
	case "", "null", "false", "0", "0.0", `""`, "[]", "{}", `"{}"`, `"[]"`, `"null"`:
		return true
	}
	return false
}

// asText reads a JSON text.
func asText(v json.RawMessage) (string, bool) {
	var s string
	if len(v) == 0 || v[0] != '"' || json.Unmarshal(v, &s) != nil {
		return "", false
	}
	return s, true
}

// text is asText, or "".
func text(v json.RawMessage) string {
	s, _ := asText(v)
	return s
}

func quote(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage(`""`) // texts can be encoded
	}
	return b
}

// maxUnwrap is how often JSON may be quoted inside JSON.
const maxUnwrap = 4

// unwrap returns JSON that older releases stored as a text inside JSON.
func unwrap(v json.RawMessage) json.RawMessage {
	for range maxUnwrap {
		s, ok := asText(v)
		if !ok || !json.Valid([]byte(s)) {
			return v
		}
		v = json.RawMessage(bytes.TrimSpace([]byte(s)))
	}
	return v
}

// members reads an object; anything else has none.
func members(v json.RawMessage) object {
	m := object{}
	v = unwrap(v)
	if len(v) == 0 || v[0] != '{' || json.Unmarshal(v, &m) != nil {
		return object{}
	}
	return m
}

// items reads a list; anything else is an empty one.
func items(v json.RawMessage) []json.RawMessage {
	var all []json.RawMessage
	v = unwrap(v)
	if len(v) == 0 || v[0] != '[' || json.Unmarshal(v, &all) != nil {
		return nil
	}
	return all
}

// nanoDollars turns a number of dollars into nano-dollars. Why it is not what
// LiteLLM has is in note; limit says that it bounds, and does not count.
func nanoDollars(v json.RawMessage, limit bool) (out json.RawMessage, note string) {
	if null(v) {
		return nil, ""
	}
	digits := string(v)
	if s, ok := asText(v); ok { // NaN and infinities are texts in JSON
		digits = s
	}
	n, err := money.ParseUSD(digits)
	switch {
	case errors.Is(err, money.ErrRange) || err == nil && n > proxyconfig.MaxDollars*money.NanosPerUSD:
		const most = proxyconfig.MaxDollars * money.NanosPerUSD
		if strings.HasPrefix(digits, "-") {
			return json.RawMessage("0"), "is negative: taken as 0"
		}
		return number(most), "is above " + strconv.Itoa(proxyconfig.MaxDollars) + " dollars: taken as that"
	case err != nil && limit:
		return nil, "is no amount (" + shortened(digits) + "): taken as no limit, as LiteLLM does"
	case err != nil:
		return json.RawMessage("0"), "is no amount (" + shortened(digits) + "): taken as 0"
	case n < 0:
		return json.RawMessage("0"), "is negative: taken as 0"
	}
	return number(int64(n)), ""
}

func number(n int64) json.RawMessage { return json.RawMessage(strconv.FormatInt(n, 10)) }

// whole turns a number into a whole one that fits a limit.
func whole(v json.RawMessage) (out json.RawMessage, note string) {
	if null(v) {
		return nil, ""
	}
	digits := string(v)
	if s, ok := asText(v); ok {
		digits = s
	}
	f, err := strconv.ParseFloat(digits, 64)
	switch {
	case err != nil || math.IsNaN(f):
		return nil, "is no number (" + shortened(digits) + "): left out"
	case f < 0:
		return json.RawMessage("0"), "is negative: taken as 0"
	case f > proxyconfig.MaxLimit:
		return number(proxyconfig.MaxLimit), "is too large: taken as the largest"
	}
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return number(n), ""
	}
	return number(int64(f)), ""
}

// moment turns a timestamp of Prisma's, which is in UTC and does not say so, into
// one that does. Infinities, and years that JSON has no form for, lie at the
// epoch or nowhere.
func moment(v json.RawMessage) (out json.RawMessage, note string) {
	if null(v) {
		return nil, ""
	}
	s, _ := asText(v)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 0 {
			return quote(t.UTC().Format(time.RFC3339Nano)), ""
		}
	}
	if strings.HasPrefix(s, "-") || strings.HasSuffix(s, "BC") {
		return quote(time.Unix(0, 0).UTC().Format(time.RFC3339)), "lies before all time (" + shortened(s) + "): taken as 1970"
	}
	return nil, "is no time that can be kept (" + shortened(s) + "): taken as never"
}

// shortened keeps what somebody else wrote from filling a report.
func shortened(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

package limit

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
)

// invalid is FastAPI's refusal of a member, or of what is inside of it.
func invalid(typ, message string, loc ...string) error {
	e := apierr.Invalid(typ, "", message)
	e.Message = strings.Join(loc, ".") + ": " + message
	e.Invalid.Loc = append(e.Invalid.Loc, loc...)
	return e
}

// badRequest is LiteLLM's refusal of a value that has the right type.
func badRequest(format string, args ...any) error {
	e := apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, format, args...)
	e.NoneText = true
	return e
}

// count reads a whole number as Python does: 10, 10.0 and "10" are the same.
func count(name string, value json.RawMessage) (*int64, error) {
	return countAt(value, name)
}

func countAt(value json.RawMessage, loc ...string) (*int64, error) {
	digits, quoted, ok := number(value)
	if !ok {
		return nil, invalid("int_type", "Input should be a valid integer", loc...)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(digits, 64)
		switch {
		case errors.Is(ferr, strconv.ErrRange) || ferr == nil && math.Abs(f) > proxyconfig.MaxLimit:
			return nil, tooLarge(loc...)
		case ferr != nil && quoted:
			return nil, invalid("int_parsing", "Input should be a valid integer, unable to parse string as an integer", loc...)
		case ferr != nil || f != math.Trunc(f):
			return nil, invalid("int_from_float", "Input should be a valid integer, got a number with a fractional part", loc...)
		}
		n = int64(f)
	}
	switch {
	case n < 0:
		return nil, negative(strings.Join(loc, "."), strconv.FormatInt(n, 10))
	case n > proxyconfig.MaxLimit:
		return nil, tooLarge(loc...)
	}
	return &n, nil
}

func tooLarge(loc ...string) error {
	return invalid("less_than_equal", "Input should be less than or equal to "+strconv.Itoa(proxyconfig.MaxLimit), loc...)
}

func negative(name, received string) error {
	return badRequest("%s cannot be negative. Received: %s", name, received)
}

// dollarsOrNone reads an amount; LiteLLM's forms send "" for none.
func dollarsOrNone(name string, value json.RawMessage) (*int64, error) {
	if string(value) == `""` {
		return nil, nil //nolint:nilnil // there is no budget
	}
	n, err := dollars(value, name)
	if err != nil {
		return nil, err
	}
	return new(int64(n)), nil
}

func dollars(value json.RawMessage, loc ...string) (money.Nano, error) {
	digits, quoted, ok := number(value)
	if !ok {
		return 0, invalid("float_type", "Input should be a valid number", loc...)
	}
	name := strings.Join(loc, ".")
	n, err := proxyconfig.ParseDollars(digits)
	switch {
	case errors.Is(err, money.ErrRange):
		return 0, badRequest("%s is out of range: it can be up to %d dollars", name, proxyconfig.MaxDollars)
	case err != nil && quoted:
		return 0, invalid("float_parsing", "Input should be a valid number, unable to parse string as a number", loc...)
	case err != nil:
		return 0, invalid("float_type", "Input should be a valid number", loc...)
	case n < 0:
		return 0, negative(name, n.String())
	}
	return n, nil
}

// number returns the text of a number, or of a text that may be one.
func number(value json.RawMessage) (digits string, quoted, ok bool) {
	if len(value) == 0 {
		return "", false, false
	}
	switch c := value[0]; {
	case c == '"':
		var s string
		if json.Unmarshal(value, &s) != nil {
			return "", false, false
		}
		return strings.TrimSpace(s), true, true
	case c == '-' || c >= '0' && c <= '9':
		return string(value), false, true
	default:
		return "", false, false
	}
}

func text(name string, value json.RawMessage) (string, error) {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return "", invalid("string_type", "Input should be a valid string", name)
	}
	return s, nil
}

// object reads a mapping whose values are still to be read.
func object(value json.RawMessage, loc ...string) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	if len(value) == 0 || value[0] != '{' || json.Unmarshal(value, &m) != nil {
		return nil, invalid("dict_type", "Input should be a valid dictionary", loc...)
	}
	return m, nil
}

func null(value json.RawMessage) bool { return len(value) == 0 || string(value) == "null" }

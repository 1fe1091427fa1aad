package config

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/shared/secret"
)

// value adapts a variable to flag.Value.
type value[T any] struct {
	to    *T
	parse func(string) (T, error)
	show  func(T) string
}

func (v value[T]) Set(text string) error {
	parsed, err := v.parse(text)
	if err != nil {
		return err
	}
	*v.to = parsed
	return nil
}

// String also answers for the zero value, which package flag makes to learn
// what a default looks like.
func (v value[T]) String() string {
	if v.to == nil {
		return ""
	}
	return v.show(*v.to)
}

// recorder keeps the refusal of a value in the words of its own type: package
// flag answers in words that differ from those for the environment.
type recorder struct {
	flag.Value

	refused *error
}

func (r recorder) Set(text string) error {
	err := r.Value.Set(text)
	if err != nil {
		err = fmt.Errorf("%q: %w", text, err)
		*r.refused = err
	}
	return err
}

// IsBoolFlag passes on whether the flag may stand without a value.
func (r recorder) IsBoolFlag() bool {
	_, ok := r.Value.(boolValue)
	return ok
}

// boolValue is the value of a flag that may stand without one.
type boolValue struct{ value[bool] }

func parseInt(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if errors.Is(err, strconv.ErrRange) {
		return 0, errors.New("the number is too large")
	}
	if err != nil {
		return 0, errors.New(`expected a whole number such as "8"`)
	}
	return n, nil
}

func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "1", "t", "true", "yes", "on":
		return true, nil
	case "0", "f", "false", "no", "off":
		return false, nil
	}
	return false, errors.New(`expected "true" or "false"`)
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New(`expected a duration such as "250ms", "30s" or "1h30m"`)
	}
	return d, nil
}

// byteUnit is a suffix of a size.
type byteUnit struct {
	name  string
	bytes int64
}

// byteUnits lists the accepted ones; a size is shown in the first that divides it.
func byteUnits() []byteUnit {
	return []byteUnit{
		{"TiB", 1 << 40},
		{"GiB", 1 << 30},
		{"MiB", 1 << 20},
		{"KiB", 1 << 10},
		{"TB", 1e12},
		{"GB", 1e9},
		{"MB", 1e6},
		{"KB", 1e3},
		{"B", 1},
	}
}

func parseBytes(text string) (int64, error) {
	text = strings.TrimSpace(text)
	number, unit := text, int64(1)
	for _, u := range byteUnits() {
		if cut := len(text) - len(u.name); cut > 0 && strings.EqualFold(text[cut:], u.name) {
			number, unit = strings.TrimSpace(text[:cut]), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && n > math.MaxInt64/unit:
		return 0, errors.New("the size is too large")
	case err != nil || n < 0:
		return 0, errors.New(`expected a size such as "512KiB", "64MB" or a number of bytes`)
	}
	return n * unit, nil
}

func showBytes(n int64) string {
	for _, u := range byteUnits() {
		if n != 0 && u.bytes > 1 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

func parseText(text string) (string, error)          { return text, nil }
func parseSecret(text string) (secret.String, error) { return secret.New(text), nil }

func showText(text string) string { return text }

func showStringer[T fmt.Stringer](v T) string { return v.String() }

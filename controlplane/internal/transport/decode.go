package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// decode reads a JSON body; an empty one is an empty object. Members that
// nobody knows are ignored, as LiteLLM does.
func decode(c echo.Context, into any) error {
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return apierr.BodyTooLarge(tooLarge.Limit)
		}
		return apierr.BadRequest("Request body could not be read to its end").Because(err)
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		b = []byte("{}")
	}
	err = json.Unmarshal(b, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return apierr.Invalid(typeName(wrong), member(b, into, wrong), "Input should be a valid "+wrong.Type.String()).Because(err)
	}
	if err != nil {
		return apierr.Invalid("json_invalid", "", "JSON decode error").Because(err)
	}
	return nil
}

func typeName(e *json.UnmarshalTypeError) string { return e.Type.Kind().String() + "_type" }

// member finds which top-level member has the wrong type: a member that
// decodes itself reports no name.
func member(body []byte, into any, wrong *json.UnmarshalTypeError) string {
	if name, _, _ := strings.Cut(wrong.Field, "."); name != "" {
		return name
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(body, &all) != nil {
		return ""
	}
	for name, value := range all {
		one, err := json.Marshal(map[string]json.RawMessage{name: value})
		if err == nil && json.Unmarshal(one, into) != nil {
			return name
		}
	}
	return ""
}

// optional returns a query parameter, or nil when it is missing or empty.
func optional(c echo.Context, name string) *string {
	v := c.QueryParam(name)
	if v == "" {
		return nil
	}
	return &v
}

// number reads a query parameter between least and most.
func number(c echo.Context, name string, def, least, most int) (int, error) {
	v := c.QueryParam(name)
	if v == "" {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		e := apierr.Invalid("int_parsing", name, fmt.Sprintf("Input should be a number from %d to %d", least, most))
		e.Invalid.Loc[0] = "query"
		return 0, e
	}
	return n, nil
}

// date reads a query parameter as a date or a time.
func date(c echo.Context, name string) (*time.Time, error) {
	v := c.QueryParam(name)
	if v == "" {
		return nil, nil //nolint:nilnil // not given
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, v); err == nil {
			return &t, nil
		}
	}
	return nil, apierr.BadRequest("%s: want a date like 2026-11-22", name)
}

// missing refuses a body without a member.
func missing(member string) error { return apierr.Invalid("missing", member, "Field required") }

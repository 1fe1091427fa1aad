package litellm

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/period"
)

// column is a column of ours and what it is filled from.
type column struct {
	store.Column

	from string // LiteLLM's column
}

const nano = "_nano"

// nameThere is what LiteLLM calls a column of ours.
func nameThere(name string) string { return strings.TrimSuffix(name, nano) }

// convert brings a value into the form of the column. The note says what was
// changed because it could not be kept.
func (c *column) convert(v json.RawMessage) (out json.RawMessage, note string) {
	switch {
	case strings.HasSuffix(c.Name, nano):
		return nanoDollars(v, strings.Contains(c.Name, "budget"))
	case c.Name == "budget_duration":
		return duration(v)
	case c.Type == "timestamp with time zone":
		return moment(v)
	case c.Type == "bigint", c.Type == "integer":
		return whole(v)
	case c.Type == "text[]":
		return texts(v), ""
	case c.Type == "jsonb":
		return c.structure(v)
	case c.Type == "text":
		return plainText(v), ""
	}
	if null(v) {
		return nil, ""
	}
	return v, ""
}

// structure unwraps JSON and holds it to the kind of the column's default: an
// object or a list.
func (c *column) structure(v json.RawMessage) (out json.RawMessage, note string) {
	v = unwrap(v)
	if null(v) {
		return nil, ""
	}
	var want byte
	switch {
	case strings.HasPrefix(c.Default, "'["):
		want = '['
	case strings.HasPrefix(c.Default, "'{"):
		want = '{'
	default:
		return v, ""
	}
	if v[0] == want {
		return v, ""
	}
	if empty(v) {
		return nil, ""
	}
	if want == '[' {
		return nil, "is no list: left out"
	}
	return nil, "is no object: left out"
}

// texts reads an array of texts. What is none is dropped.
func texts(v json.RawMessage) json.RawMessage {
	if null(v) {
		return nil
	}
	all := slices.DeleteFunc(items(v), func(one json.RawMessage) bool {
		_, ok := asText(one)
		return !ok
	})
	b, err := json.Marshal(all)
	if err != nil || all == nil {
		return json.RawMessage("[]")
	}
	return b
}

// plainText is null for an empty text: LiteLLM's forms send one for nothing.
func plainText(v json.RawMessage) json.RawMessage {
	if null(v) || string(v) == `""` {
		return nil
	}
	if v[0] != '"' {
		return quote(string(v))
	}
	return v
}

// duration leaves out one that can not be read: LiteLLM never resets such a
// budget either.
func duration(v json.RawMessage) (out json.RawMessage, note string) {
	v = plainText(v)
	if v == nil {
		return nil, ""
	}
	if _, err := period.Parse(text(v)); err != nil {
		return nil, "can not be read (" + shortened(text(v)) + "): the budget never starts anew"
	}
	return v, ""
}

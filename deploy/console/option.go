package console

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/shared/config"
)

// kind is how the text of an option is read.
type kind int

const (
	texts   kind = iota
	list         // a,b,c
	whole        // a whole number
	dollars      // an amount
	object       // JSON
	truth        // a switch
)

// none takes a value away in an update.
const none = "none"

// option is a flag that becomes a member of the body or a parameter of the query.
type option struct {
	kind kind
	// name is of the flag, member of what is sent.
	name, member string
	usage        string
	// def is sent when the flag is not given; "" sends nothing.
	def string
	env []string
}

// value is an option as it was given.
type value struct {
	option

	text string
	on   bool
}

func (v *value) define(set *config.Set) {
	if v.kind == truth {
		set.Bool(&v.on, v.name, false, v.usage, v.env...)
		return
	}
	set.String(&v.text, v.name, v.def, v.usage, v.env...)
}

// json returns what is sent.
func (v *value) json() (any, error) {
	if v.kind != truth && v.text == none {
		return nil, nil //nolint:nilnil // null
	}
	switch v.kind {
	case truth:
		return v.on, nil
	case list:
		return split(v.text), nil
	case whole:
		n, err := strconv.ParseInt(v.text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("--%s %q: want a whole number", v.name, v.text)
		}
		return n, nil
	case dollars:
		digits := strings.TrimPrefix(v.text, "$")
		if _, err := strconv.ParseFloat(digits, 64); err != nil {
			return nil, fmt.Errorf("--%s %q: want dollars, such as 2.50", v.name, v.text)
		}
		return json.Number(digits), nil
	case object:
		if !json.Valid([]byte(v.text)) {
			return nil, fmt.Errorf("--%s: want JSON, such as '{\"cost_center\": \"42\"}'", v.name)
		}
		return json.RawMessage(v.text), nil
	default:
		return v.text, nil
	}
}

func split(s string) []string {
	all := []string{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// body is what was given, as members of a request.
func (c *call) body() (map[string]any, error) {
	body := map[string]any{}
	for i := range c.values {
		v := &c.values[i]
		if v.member == "" || !c.sent(v) {
			continue
		}
		one, err := v.json()
		if err != nil {
			return nil, UsageError{err}
		}
		body[v.member] = one
	}
	return body, nil
}

// query is what was given, as parameters.
func (c *call) query() url.Values {
	q := url.Values{}
	for i := range c.values {
		v := &c.values[i]
		if v.member == "" || !c.sent(v) {
			continue
		}
		q.Set(v.member, v.text)
		if v.kind == truth {
			q.Set(v.member, strconv.FormatBool(v.on))
		}
	}
	return q
}

func (c *call) sent(v *value) bool { return c.set.Source(v.name) != "" || v.def != "" }

// text is the text of an option.
func (c *call) text(name string) string {
	for i := range c.values {
		if c.values[i].name == name {
			return c.values[i].text
		}
	}
	return ""
}

// given reports whether a switch is on.
func (c *call) given(name string) bool {
	for i := range c.values {
		if c.values[i].name == name {
			return c.values[i].on
		}
	}
	return false
}

// limitOptions are what keys, teams and users may be held to.
func limitOptions() []option {
	return []option{
		{kind: dollars, name: "max-budget", member: "max_budget", usage: "`DOLLARS` that may be spent"},
		{kind: dollars, name: "soft-budget", member: "soft_budget", usage: "`DOLLARS` from which on there are alerts"},
		{name: "budget-duration", member: "budget_duration", usage: "after which `TIME` the budget starts anew, such as 1d or 30d"},
		{kind: whole, name: "rpm", member: "rpm_limit", usage: "`NUMBER` of requests a minute"},
		{kind: whole, name: "tpm", member: "tpm_limit", usage: "`NUMBER` of tokens a minute"},
		{kind: whole, name: "max-parallel", member: "max_parallel_requests", usage: "`NUMBER` of requests at one time"},
		{kind: list, name: "models", member: "models", usage: "`NAMES` of models that may be used, with commas"},
		{kind: object, name: "metadata", member: "metadata", usage: "`JSON` to keep with it"},
	}
}

// pageOptions are those of lists that come in pages.
func pageOptions(size string) []option {
	return []option{
		{name: "page", member: "page", usage: "`NUMBER` of the page", def: "1"},
		{name: "size", member: size, usage: "`NUMBER` of rows on a page", def: "50"},
	}
}

package filter

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// parser goes through a text once, from the left.
type parser struct {
	text  string
	at    int
	depth int
	all   Filter
}

func newParser(text string) (*parser, error) {
	if len(text) > MaxLength {
		return nil, syntax("longer than %d bytes", MaxLength)
	}
	if !utf8.ValidString(text) {
		return nil, syntax("not UTF-8")
	}
	return &parser{text: text}, nil
}

func (p *parser) wrong(want string) error {
	return syntax("expected %s at character %d", want, p.at+1)
}

func (p *parser) space() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

func (p *parser) accept(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// conjunction reads conditions below an attribute, up to a closing bracket or
// the end.
func (p *parser) conjunction(below string) error {
	if p.depth++; p.depth > MaxDepth+1 { // the whole is no bracket
		return syntax("more than %d brackets inside each other", MaxDepth)
	}
	defer func() { p.depth-- }()
	for {
		if err := p.term(below); err != nil {
			return err
		}
		before := p.at
		p.space()
		switch word := p.word(); {
		case strings.EqualFold(word, "and"):
		case strings.EqualFold(word, "or"):
			return syntax("\"or\" is not supported")
		case word != "":
			p.at -= len(word)
			return p.wrong("and")
		default:
			p.at = before
			return nil
		}
	}
}

// term reads a comparison, or what stands in brackets for some.
func (p *parser) term(below string) error {
	p.space()
	if p.accept('(') {
		if err := p.conjunction(below); err != nil {
			return err
		}
		if p.space(); !p.accept(')') {
			return p.wrong(")")
		}
		return nil
	}
	name, err := p.name()
	if err != nil {
		return err
	}
	if name == "not" && below == "" {
		if p.space(); p.at < len(p.text) && p.text[p.at] == '(' {
			return syntax("\"not\" is not supported")
		}
	}
	if below != "" {
		name = below + "." + name
	}
	if !p.accept('[') {
		return p.comparison(name)
	}
	if err := p.conjunction(name); err != nil {
		return err
	}
	if p.space(); !p.accept(']') {
		return p.wrong("]")
	}
	if !p.accept('.') {
		return nil
	}
	sub, err := p.name() // emails[type eq "work"].value eq "…", as Entra ID asks
	if err != nil {
		return err
	}
	return p.comparison(name + "." + sub)
}

func (p *parser) comparison(name string) error {
	p.space()
	op := Op(strings.ToLower(p.word()))
	c := Condition{Attr: name, Op: op}
	switch op {
	case Present:
	case Equal, Contains, StartsWith, EndsWith:
		p.space()
		var err error
		if c.Kind, c.Value, err = p.value(); err != nil {
			return err
		}
		if op != Equal && c.Kind != Text {
			return p.wrong("a text for " + string(op))
		}
	case "ne", "gt", "ge", "lt", "le":
		return syntax("the operator %s is not supported", op)
	default:
		return p.wrong("an operator")
	}
	if len(p.all) >= MaxConditions {
		return syntax("more than %d comparisons", MaxConditions)
	}
	p.all = append(p.all, c)
	return nil
}

// word reads letters.
func (p *parser) word() string {
	begin := p.at
	for p.at < len(p.text) && letter(p.text[p.at]) {
		p.at++
	}
	return p.text[begin:p.at]
}

// urn starts an attribute with the name of its schema, which ends with the last
// colon: urn:ietf:params:scim:schemas:core:2.0:User:userName.
const urn = "urn:"

// name reads the name of an attribute, in lower case and without its schema.
func (p *parser) name() (string, error) {
	rest := p.text[p.at:]
	if len(rest) >= len(urn) && strings.EqualFold(rest[:len(urn)], urn) {
		end := strings.IndexAny(rest, " []()\"")
		if end < 0 {
			end = len(rest)
		}
		p.at += strings.LastIndexByte(rest[:end], ':') + 1
	}
	begin := p.at
	for p.at < len(p.text) && named(p.text[p.at], p.at == begin) {
		p.at++
	}
	name := strings.ToLower(p.text[begin:p.at])
	if name == "" || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
		return "", p.wrong("the name of an attribute")
	}
	return name, nil
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func named(c byte, first bool) bool {
	return letter(c) || c == '$' && first || !first && ('0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '$')
}

// value reads what stands behind an operator: a value of JSON that holds no
// others.
func (p *parser) value() (Kind, string, error) {
	begin := p.at
	if p.at < len(p.text) && p.text[p.at] == '"' {
		return p.quoted()
	}
	for p.at < len(p.text) && !strings.ContainsRune(" )]", rune(p.text[p.at])) {
		p.at++
	}
	word := p.text[begin:p.at]
	switch lower := strings.ToLower(word); lower { // Entra ID writes True
	case "true", "false":
		return Bool, lower, nil
	case "null":
		return Null, lower, nil
	}
	var n json.Number
	if word == "" || word[0] == '"' || json.Unmarshal([]byte(word), &n) != nil {
		p.at = begin
		return None, "", p.wrong("a value")
	}
	return Number, word, nil
}

func (p *parser) quoted() (Kind, string, error) {
	begin := p.at
	for p.at++; p.at < len(p.text) && p.text[p.at] != '"'; p.at++ {
		if p.text[p.at] == '\\' {
			p.at++
		}
	}
	if p.at >= len(p.text) {
		return None, "", p.wrong("the end of a text")
	}
	p.at++
	var s string
	if err := json.Unmarshal([]byte(p.text[begin:p.at]), &s); err != nil {
		return None, "", syntax("the text at character %d can not be read", begin+1)
	}
	return Text, s, nil
}

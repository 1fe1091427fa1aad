package proxyconfig

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parseTree reads one YAML file into a mapping. What is wrong with the syntax
// goes to problems, and the mapping is nil then; other mistakes go there too,
// but leave a mapping with which the search for mistakes can go on.
func parseTree(name string, data []byte, p *problems) *node {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if at := invalidText(data); at >= 0 {
		line := 1 + bytes.Count(data[:at], []byte("\n"))
		p.errorf(Place{File: name, Line: line}, "this is not UTF-8 text")
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if at, why := checkShape(tokens); at != nil {
		p.errorf(Place{File: name, Line: at.Position.Line}, "%s", why)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // duplicates are reported by the builder, all of them
	if err != nil {
		p.errorf(syntaxError(name, err))
		return nil
	}
	bodies := documents(file)
	switch len(bodies) {
	case 0:
		return &node{kind: mapKind, file: name, line: 1, depth: 1}
	case 1:
	default:
		p.errorf(Place{File: name, Line: tokenLine(bodies[1].GetToken())}, oneDocument)
		return nil
	}
	b := builder{file: name, problems: p, anchors: map[string]*node{}}
	root := b.build(bodies[0])
	switch root.kind {
	case mapKind:
		return root
	case nullKind:
		return &node{kind: mapKind, file: name, line: 1, depth: 1}
	default:
		p.errorf(root.place(""), "expected a mapping with keys such as model_list, found %s", root.kind)
		return nil
	}
}

// invalidText returns the position of the first byte that is not UTF-8, or -1.
func invalidText(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}

// documents returns the bodies in a file. The parser makes further documents
// of directives and of a separator behind the last line.
func documents(file *ast.File) []ast.Node {
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if _, directive := doc.Body.(*ast.DirectiveNode); doc.Body != nil && !directive {
			bodies = append(bodies, doc.Body)
		}
	}
	return bodies
}

// syntaxError takes place and message from an error of the YAML parser, whose
// own text quotes the lines around the place, credentials included.
func syntaxError(name string, err error) (at Place, format, message string) {
	at = Place{File: name}
	message = "this is not valid YAML"
	if syntax, ok := errors.AsType[yaml.Error](err); ok {
		message = "invalid YAML: " + syntax.GetMessage()
		at.Line = tokenLine(syntax.GetToken())
	}
	return at, "%s", message
}

func tokenLine(tk *token.Token) int {
	if tk == nil || tk.Position == nil {
		return 0
	}
	return tk.Position.Line
}

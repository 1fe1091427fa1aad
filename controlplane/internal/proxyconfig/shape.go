package proxyconfig

import (
	"github.com/goccy/go-yaml/token"
)

const (
	// maxDepth bounds how deep values nest; a configuration needs about ten.
	maxDepth = 64
	// maxKeys bounds the keys of one mapping: the parser calls itself for each
	// key of a block mapping and copies what it has so far.
	maxKeys = 4096
	// maxProperties bounds the tags and anchors in front of one value.
	maxProperties = 4

	oneDocument = "only one document is allowed in a file"
)

// shape follows the nesting of a document by its tokens. The YAML parser calls
// itself for each level and Go cannot recover from a stack that is used up, so
// a file is measured before it is parsed. It may count a level too many, never
// one too few.
type shape struct {
	levels     []level
	flow       int // how many of the levels are brackets
	properties int
	documents  int
}

type level struct {
	column int // of a block collection; 0 for brackets
	list   bool
	keys   int
}

// checkShape returns the token at which a document becomes unreasonable and
// why, or nil.
func checkShape(tokens token.Tokens) (at *token.Token, why string) {
	var s shape
	for _, tk := range tokens {
		if why := s.add(tk); why != "" {
			return tk, why
		}
	}
	return nil, ""
}

func (s *shape) add(tk *token.Token) (why string) {
	if tk.Type != token.TagType && tk.Type != token.AnchorType && tk.PreviousType() != token.AnchorType {
		s.properties = 0
	}
	switch tk.Type {
	case token.DocumentHeaderType:
		if s.documents++; s.documents > 1 {
			return oneDocument
		}
	case token.TagType, token.AnchorType:
		if s.properties++; s.properties > maxProperties {
			return "too many tags and anchors in front of one value"
		}
	case token.MappingStartType, token.SequenceStartType:
		s.flow++
		s.levels = append(s.levels, level{})
	case token.MappingEndType, token.SequenceEndType:
		s.closeBracket()
	case token.SequenceEntryType:
		s.openBlock(tk.Position.Column, true)
	case token.MappingKeyType: // "? key", whose value may be missing
		s.openBlock(tk.Position.Column, false)
		s.countKey()
	case token.MappingValueType:
		s.addKey(tk)
	default:
	}
	return s.unreasonable()
}

func (s *shape) unreasonable() string {
	if len(s.levels) > maxDepth {
		return "values are nested too deeply"
	}
	if n := len(s.levels); n > 0 && s.levels[n-1].keys > maxKeys {
		return "too many keys in one mapping"
	}
	return ""
}

func (s *shape) closeBracket() {
	for n := len(s.levels); n > 0 && s.flow > 0; n-- {
		bracket := s.levels[n-1].column == 0
		s.levels = s.levels[:n-1]
		if bracket {
			s.flow--
			return
		}
	}
}

// addKey counts a key at the colon behind it.
func (s *shape) addKey(colon *token.Token) {
	if s.flow == 0 {
		column := colon.Position.Column
		if colon.Prev != nil && colon.Prev.Position.Line == colon.Position.Line {
			column = colon.Prev.Position.Column
		}
		s.openBlock(column, false)
	}
	s.countKey()
}

func (s *shape) countKey() {
	if n := len(s.levels); n > 0 {
		s.levels[n-1].keys++
	}
}

// openBlock goes back to the block collection that has an entry at the column,
// or opens one. Inside of brackets indentation has no meaning.
func (s *shape) openBlock(column int, list bool) {
	if s.flow > 0 {
		return
	}
	n := len(s.levels)
	for n > 0 && (s.levels[n-1].column > column || s.levels[n-1].column == column && s.levels[n-1].list && !list) {
		n--
	}
	s.levels = s.levels[:n]
	if n == 0 || s.levels[n-1].column != column || s.levels[n-1].list != list {
		s.levels = append(s.levels, level{column: column, list: list})
	}
}

package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Marks enclose what Update replaces.
const (
	beginMark = "<!-- bench:begin -->"
	endMark   = "<!-- bench:end -->"
)

// ErrMarks says that a document has no place for the results.
var ErrMarks = errors.New("want one " + beginMark + " and after it one " + endMark)

// Replace puts section between the marks of a document and leaves the rest.
func Replace(document, section string) (string, error) {
	before, rest, ok := strings.Cut(document, beginMark)
	if !ok {
		return "", ErrMarks
	}
	_, after, ok := strings.Cut(rest, endMark)
	if !ok || strings.Contains(after, beginMark) || strings.Contains(after, endMark) {
		return "", ErrMarks
	}
	return before + beginMark + "\n" + section + endMark + after, nil
}

// Update replaces the section in a file.
func Update(path, section string) error {
	b, err := os.ReadFile(path) //nolint:gosec // the caller's document
	if err != nil {
		return fmt.Errorf("read document: %w", err)
	}
	text, err := Replace(string(b), section)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // a document that everybody may read
		return fmt.Errorf("write document: %w", err)
	}
	return nil
}

package proxyconfig

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxReported bounds the errors and the warnings that are returned: a file
	// with more is wrong as a whole.
	maxReported = 100
	// maxKept bounds those that are kept until they can be put in order.
	maxKept = 10 * maxReported
)

// Place is where something stands in the configuration.
type Place struct {
	File string // as it was given, includes relative to the including file
	Line int    // from 1; 0 when the whole file is meant
	Path string // the key, such as model_list[0].litellm_params.rpm; may be empty
}

// String returns "file:line: path" without the parts that are not known.
func (p Place) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	return b.String()
}

// Warning is something that does not keep the configuration from working.
type Warning struct {
	At      Place
	Message string
}

// String returns the place and the message.
func (w Warning) String() string { return w.At.String() + ": " + w.Message }

// Error is a mistake in the configuration. Load and Parse return all of them,
// joined.
type Error struct {
	At      Place
	Message string
}

// Error returns the place and the message.
func (e *Error) Error() string { return e.At.String() + ": " + e.Message }

// problems collects what is found; the zero value is ready.
type problems struct {
	errors   []*Error
	warnings []Warning
	// Those beyond maxKept are only counted.
	moreErrors, moreWarnings int

	files []string // in the order of loading, which is the order of the report
	seen  map[string]bool
}

func (p *problems) errorf(at Place, format string, args ...any) {
	e := &Error{at, fmt.Sprintf(format, args...)}
	switch {
	case len(p.errors) == maxKept:
		p.moreErrors++
	case p.first(e.Error()):
		p.errors = append(p.errors, e)
	}
}

func (p *problems) warnf(at Place, format string, args ...any) {
	w := Warning{at, fmt.Sprintf(format, args...)}
	switch {
	case len(p.warnings) == maxKept:
		p.moreWarnings++
	case p.first(w.String()):
		p.warnings = append(p.warnings, w)
	}
}

// first reports whether text is new: what an anchor holds is met at each of
// its aliases.
func (p *problems) first(text string) bool {
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	known := p.seen[text]
	p.seen[text] = true
	return !known
}

// byPlace orders by file and line.
func (p *problems) byPlace(a, b Place) int {
	return cmp.Or(
		cmp.Compare(slices.Index(p.files, a.File), slices.Index(p.files, b.File)),
		cmp.Compare(a.Line, b.Line),
	)
}

// result returns the warnings and the joined errors in the order of the file.
func (p *problems) result() ([]Warning, error) {
	slices.SortStableFunc(p.warnings, func(a, b Warning) int { return p.byPlace(a.At, b.At) })
	slices.SortStableFunc(p.errors, func(a, b *Error) int { return p.byPlace(a.At, b.At) })
	warnings := p.warnings
	if more := len(warnings) + p.moreWarnings - maxReported; more > 0 {
		at := Place{File: warnings[maxReported-1].At.File}
		warnings = append(warnings[:maxReported:maxReported], Warning{at, fmt.Sprintf("%d more warnings are not shown", more)})
	}
	joined := make([]error, 0, maxReported+1)
	for _, e := range p.errors[:min(len(p.errors), maxReported)] {
		joined = append(joined, e)
	}
	if more := len(p.errors) + p.moreErrors - maxReported; more > 0 {
		at := Place{File: p.errors[maxReported-1].At.File}
		joined = append(joined, &Error{at, fmt.Sprintf("%d more errors are not shown", more)})
	}
	return warnings, errors.Join(joined...)
}

package litellm

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Report is what an import did.
type Report struct {
	DryRun bool
	Took   time.Duration
	Tables []TableReport
	// Left are tables of LiteLLM's with rows in them that were not read.
	Left []LeftTable
}

// TableReport is what happened to the rows of one table. Rows that were read and
// not written are here already, or skipped.
type TableReport struct {
	Name, From, To                    string
	Read, Written, Unchanged, Skipped int64
	// Reasons are those for what was skipped, and for what was changed on the way.
	Reasons []Reason
	// Lost are columns of LiteLLM's that held something for which there is no
	// place here, with how many of the written rows they did in.
	Lost []LostColumn
}

// Reason is why rows were skipped or changed.
type Reason struct {
	// Skipped says that the rows are not here; else they are, but for this.
	Skipped bool
	Text    string
	Rows    int64
	// Examples are the first few of them.
	Examples []string
}

// LostColumn is a column without a place here.
type LostColumn struct {
	Name string
	Rows int64
}

// LeftTable is a table that was not read.
type LeftTable struct {
	Name string
	// Rows may be more than are counted, see More.
	Rows   int64
	More   bool
	Reason string
}

// examples is how many of a kind the report names; all of them are in the list.
const examples = 3

// maxReasons bounds what a report holds of a table. What is beyond is in the
// list alone.
const maxReasons = 20

func (t *TableReport) because(skipped bool, why, label string) {
	at := slices.IndexFunc(t.Reasons, func(r Reason) bool { return r.Skipped == skipped && r.Text == why })
	if at < 0 && len(t.Reasons) == maxReasons {
		why = "for other reasons"
		at = maxReasons
	}
	switch {
	case at < 0:
		t.Reasons, at = append(t.Reasons, Reason{Skipped: skipped, Text: why}), len(t.Reasons)
	case at == len(t.Reasons):
		t.Reasons = append(t.Reasons, Reason{Skipped: skipped, Text: why})
	}
	r := &t.Reasons[min(at, len(t.Reasons)-1)]
	r.Rows++
	if len(r.Examples) < examples {
		r.Examples = append(r.Examples, label)
	}
}

func (t *TableReport) lost(column string) {
	for i := range t.Lost {
		if t.Lost[i].Name == column {
			t.Lost[i].Rows++
			return
		}
	}
	t.Lost = append(t.Lost, LostColumn{column, 1})
}

// Line is one line of the full list, as JSON.
type Line struct {
	Table  string `json:"table"`
	Object string `json:"object"`
	// What is skipped, changed or lost.
	What   string `json:"what"`
	Reason string `json:"reason"`
}

// list writes the full list.
type list struct {
	to  io.Writer
	err error
}

func (l *list) add(line Line) {
	if l.to == nil || l.err != nil {
		return
	}
	b, err := json.Marshal(line)
	if err == nil {
		_, err = l.to.Write(append(b, '\n'))
	}
	if err != nil {
		l.err = fmt.Errorf("write the report: %w", err)
	}
}

// WriteTo prints the report for people.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%-40s %10s %10s %10s %10s\n", "", "read", "written", "unchanged", "skipped")
	for i := range r.Tables {
		t := &r.Tables[i]
		fmt.Fprintf(&b, "%-40s %10d %10d %10d %10d\n", t.Name, t.Read, t.Written, t.Unchanged, t.Skipped)
	}
	for i := range r.Tables {
		r.Tables[i].details(&b)
	}
	if len(r.Left) > 0 {
		b.WriteString("\nNot moved:\n")
	}
	for _, l := range r.Left {
		more := ""
		if l.More {
			more = " or more"
		}
		fmt.Fprintf(&b, "  %s, %s%s: %s\n", oneLine(l.Name), rows(l.Rows), more, l.Reason)
	}
	n, err := io.WriteString(w, b.String())
	if err != nil {
		err = fmt.Errorf("print the report: %w", err)
	}
	return int64(n), err
}

func rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

func (t *TableReport) details(b *strings.Builder) {
	if len(t.Reasons)+len(t.Lost) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", strings.ToUpper(t.Name[:1])+t.Name[1:])
	for _, skipped := range []bool{true, false} {
		for _, r := range t.Reasons {
			if r.Skipped != skipped {
				continue
			}
			word := "changed"
			if skipped {
				word = "skipped"
			}
			more := ""
			if r.Rows > int64(len(r.Examples)) {
				more = ", …"
			}
			fmt.Fprintf(b, "  %s %s: %s (%s%s)\n", word, rows(r.Rows), oneLine(r.Text), oneLine(strings.Join(r.Examples, ", ")), more)
		}
	}
	for _, l := range t.Lost {
		fmt.Fprintf(b, "  no place for column %s, which %s filled\n", oneLine(l.Name), rows(l.Rows))
	}
}

// oneLine takes away what a terminal would obey: names are anybody's.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return '·'
		}
		return r
	}, s)
}

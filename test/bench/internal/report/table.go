// Package report renders what was measured as Markdown and puts it in its place
// in a document. It measures nothing and owns no goroutine.
package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// table is a Markdown table whose columns line up in plain text too.
type table struct {
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(b *strings.Builder) {
	if len(t.rows) == 0 {
		return
	}
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range t.rows {
		for i, cell := range row {
			b.WriteString("| " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)) + " ")
		}
		b.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i, w := range widths {
			dashes := strings.Repeat("-", w)
			if i == 0 {
				fmt.Fprintf(b, "| %s ", dashes)
			} else {
				fmt.Fprintf(b, "| %s:", dashes)
			}
		}
		b.WriteString("|\n")
	}
	b.WriteString("\n")
}

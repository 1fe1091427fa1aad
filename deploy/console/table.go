package console

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// narrowest is how far a column is cut.
	narrowest = 8
	gap       = 2
)

// table is rows under headings. Numbers stand to the right.
type table struct {
	heads []string
	right []bool
	whole []bool
	rows  [][]string
}

// newTable makes a table. A heading that ends in > is of numbers, and one that
// ends in ! of what is no use in parts.
func newTable(heads ...string) *table {
	t := &table{}
	for _, h := range heads {
		head, right := strings.CutSuffix(h, ">")
		head, whole := strings.CutSuffix(head, "!")
		t.heads, t.right, t.whole = append(t.heads, head), append(t.right, right), append(t.whole, whole)
	}
	return t
}

func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = harmless(c)
	}
	t.rows = append(t.rows, cells)
}

// harmless takes away what a terminal would obey: names are anybody's.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '·'
		}
		return r
	}, s)
}

// draw draws the table. Columns of text are cut where it is wider than a terminal,
// the widest first; 0 cuts nothing.
func (t *table) draw(width int) string {
	widths := make([]int, len(t.heads))
	total := -gap
	for i, h := range t.heads {
		widths[i] = utf8.RuneCountInString(h)
		for _, r := range t.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(r[i]))
		}
		total += widths[i] + gap
	}
	for width > 0 && total > width && t.cut(widths) {
		total--
	}
	var b strings.Builder
	for _, r := range append([][]string{t.heads}, t.rows...) {
		var line strings.Builder
		for i, cell := range r {
			cell = fitted(cell, widths[i])
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
			line.WriteString(strings.Repeat(" ", gap))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// cut makes the widest column of text narrower by one.
func (t *table) cut(widths []int) bool {
	widest := -1
	for i, w := range widths {
		if !t.right[i] && !t.whole[i] && w > narrowest && (widest < 0 || w > widths[widest]) {
			widest = i
		}
	}
	if widest < 0 {
		return false
	}
	widths[widest]--
	return true
}

func fitted(cell string, w int) string {
	if utf8.RuneCountInString(cell) <= w {
		return cell
	}
	return string([]rune(cell)[:w-1]) + "…"
}

// fields are names and values, one below the other.
type fields struct{ pairs [][2]string }

// add leaves out what is empty.
func (f *fields) add(name, value string) {
	if value != "" && value != nothing {
		f.pairs = append(f.pairs, [2]string{name, harmless(value)})
	}
}

// String draws them.
func (f *fields) String() string {
	widest := 0
	for _, p := range f.pairs {
		widest = max(widest, utf8.RuneCountInString(p[0]))
	}
	var b strings.Builder
	for _, p := range f.pairs {
		b.WriteString(p[0] + strings.Repeat(" ", widest-utf8.RuneCountInString(p[0])+gap) + p[1] + "\n")
	}
	return b.String()
}

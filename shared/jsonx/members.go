package jsonx

// Member is a top-level member of an object.
type Member struct {
	Name []byte // unescaped, without quotes
	// All covers the quoted name, the colon and the value; the quoted name
	// ends at NameEnd.
	All, Value Span
	NameEnd    int
}

// Members appends the members of an object to dst, in the order in which they
// stand. It returns an error that wraps ErrSyntax when data is anything but
// one well-formed object.
func Members(dst []Member, data []byte) ([]Member, error) {
	var s Scanner
	s.Reset(data)
	for s.Next() {
		dst = append(dst, Member{Name: s.key, All: Span{s.keyStart, s.value.End}, Value: s.value, NameEnd: s.keyEnd})
	}
	return dst, s.err
}

// Change says what Rewrite does to one member: leave it out, or give it
// another name (with quotes), another value, or both. A nil part stays.
type Change struct {
	Index int
	Drop  bool
	Name  []byte
	Value []byte
}

// Rewrite appends to dst the segments of the object that data becomes. changes
// are sorted by Index, one for each member at most; extra members, written as
// "name":value, go to the end. Parts that do not change alias data, so a long
// body is rewritten without being copied.
func Rewrite(dst [][]byte, data []byte, members []Member, changes []Change, extra ...[]byte) [][]byte {
	if len(members) == 0 {
		return closeObject(append(dst, openBrace), false, extra)
	}
	r := rewriter{out: dst, data: data}
	for i := range members {
		var c Change
		if len(changes) > 0 && changes[0].Index == i {
			c, changes = changes[0], changes[1:]
		}
		r.member(&members[i], &c, i == 0)
	}
	r.flush()
	return closeObject(r.out, r.any, extra)
}

// rewriter gathers runs of members that stand unchanged beside each other.
type rewriter struct {
	out        [][]byte
	data       []byte
	start, end int // the run that is not written yet
	open, any  bool
}

func (r *rewriter) member(m *Member, c *Change, first bool) {
	if c.Drop {
		r.flush()
		if first {
			r.out = append(r.out, openBrace)
		}
		return
	}
	if !r.open {
		r.open, r.start = true, m.All.Start
		switch {
		case first:
			r.start = 0
		case r.any:
			r.out = append(r.out, comma)
		}
	}
	r.any = true
	if c.Name != nil {
		r.replace(m.All.Start, m.NameEnd, c.Name)
	}
	if c.Value != nil {
		r.replace(m.Value.Start, m.Value.End, c.Value)
	}
	r.end = m.All.End
}

func (r *rewriter) replace(from, to int, with []byte) {
	if from > r.start {
		r.out = append(r.out, r.data[r.start:from])
	}
	r.out = append(r.out, with)
	r.start = to
}

func (r *rewriter) flush() {
	if r.open && r.end > r.start {
		r.out = append(r.out, r.data[r.start:r.end])
	}
	r.open = false
}

func closeObject(out [][]byte, hasMembers bool, extra [][]byte) [][]byte {
	for _, e := range extra {
		if hasMembers {
			out = append(out, comma)
		}
		hasMembers = true
		out = append(out, e)
	}
	return append(out, closeBrace)
}

// Shared segments.
//
//nolint:gochecknoglobals // nobody writes into them
var (
	openBrace  = []byte{'{'}
	closeBrace = []byte{'}'}
	comma      = []byte{','}
)

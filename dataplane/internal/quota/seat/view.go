package seat

// view is a record as one process asks it. It is not changed once it is made.
type view struct {
	record  record
	horizon int64
	parts   []part // the oldest first
}

type part struct {
	from  int64
	seats int
	mine  bool
}

func newView(r record, me seat) *view {
	v := &view{record: r, horizon: r.Horizon, parts: make([]part, 0, len(r.Epochs))}
	for _, e := range r.Epochs {
		p := part{from: e.From, seats: len(e.Seats)}
		for _, s := range e.Seats {
			p.mine = p.mine || s == me
		}
		v.parts = append(v.parts, p)
	}
	return v
}

// share answers about a window that starts then.
func (v *view) share(start int64) (seats int, mine, known bool) {
	if start >= v.horizon {
		return 0, false, false
	}
	for i := len(v.parts) - 1; i >= 0; i-- {
		if p := &v.parts[i]; p.from <= start {
			return p.seats, p.mine, true
		}
	}
	return 0, false, false
}

package seat

import "slices"

// What the tests of the package look at from outside.
type (
	Record = record
	Epoch  = epoch
	Seat   = seat
)

var (
	ParseRecord = parseRecord
	ParseBeat   = parseBeat
	Kept        = kept
	ErrNewer    = errNewer
)

// The greatest record there may be.
const (
	MaxEpochs   = maxEpochs
	MaxAllSeats = maxAllSeats
)

func (r *record) Encode() ([]byte, error)          { return r.encode() }
func (r *record) Extended(until, old int64) record { return r.extended(until, old) }

func (r *record) Reseated(seats []seat, until, old int64) (record, bool) {
	slices.SortFunc(seats, compare)
	return r.reseated(seats, until, old)
}

// Share is what a process answers from a record.
func (r *record) Share(me Seat, start int64) (seats int, mine, known bool) {
	return newView(*r, me).share(start)
}

package seat

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	maxRecord = 2 << 20 // bytes
	maxID     = 128     // bytes, of a replica's or boot's id
	// maxSeats bounds an epoch, maxAllSeats and maxEpochs a record: it must fit
	// into a message.
	maxSeats    = 1024
	maxAllSeats = 4096
	maxEpochs   = 32
)

// errNewer is of a record of a version of this software that is not known here.
var errNewer = errors.New("the seating plan is of a newer version")

// seat names one process: a replica in one of its lives.
type seat struct {
	Replica string `json:"replica"`
	Boot    string `json:"boot"`
}

func (s seat) valid() bool {
	return s.Replica != "" && s.Boot != "" && max(len(s.Replica), len(s.Boot)) <= maxID
}

func compare(a, b seat) int {
	return cmp.Or(cmp.Compare(a.Replica, b.Replica), cmp.Compare(a.Boot, b.Boot))
}

// epoch says who owns the parts of windows that start at From or later, until
// the next epoch. Seats are sorted, each is there once.
type epoch struct {
	From  int64  `json:"from"`
	Seats []seat `json:"seats"`
}

// record is one version of the plan. Times are Unix milliseconds. The zero
// record is that of a bucket without one: it promises nothing. Records are not
// changed once they are made.
type record struct {
	V       int   `json:"v"`
	Horizon int64 `json:"horizon"`
	// Restored is when this version was written again because it was lost. What
	// is written next has none.
	Restored int64   `json:"restored,omitempty"`
	Epochs   []epoch `json:"epochs"`
}

// parseRecord reads what the bucket has; no data is the zero record.
func parseRecord(data []byte) (record, error) {
	if len(data) == 0 {
		return record{}, nil
	}
	if len(data) > maxRecord {
		return record{}, errors.New("the seating plan is too large")
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		var head struct {
			V int `json:"v"`
		}
		if json.Unmarshal(data, &head) == nil && head.V > contract.SchemaVersion {
			return record{}, errNewer
		}
		return record{}, fmt.Errorf("decode the seating plan: %w", err)
	}
	if r.V > contract.SchemaVersion {
		return record{}, errNewer
	}
	return r, r.check()
}

func (r *record) check() error {
	if r.V < 1 || len(r.Epochs) == 0 {
		return errors.New("seating plan: a member is missing")
	}
	for i, e := range r.Epochs {
		if len(e.Seats) == 0 || len(e.Seats) > maxSeats {
			return errors.New("seating plan: an epoch has no or too many seats")
		}
		if e.From < 0 || e.From > r.Horizon || i > 0 && e.From <= r.Epochs[i-1].From {
			return errors.New("seating plan: epochs are out of order")
		}
		for k, s := range e.Seats {
			if !s.valid() || k > 0 && compare(e.Seats[k-1], s) >= 0 {
				return errors.New("seating plan: seats are out of order")
			}
		}
	}
	return nil
}

func (r *record) encode() ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode the seating plan: %w", err)
	}
	return data, nil
}

// newest returns who has seats in the last epoch.
func (r *record) newest() []seat {
	if len(r.Epochs) == 0 {
		return nil
	}
	return r.Epochs[len(r.Epochs)-1].Seats
}

// floor is the start of the oldest window that the record knows.
func (r *record) floor() int64 {
	if len(r.Epochs) == 0 {
		return r.Horizon
	}
	return r.Epochs[0].From
}

// at returns whose the parts are of a window between floor and horizon.
func (r *record) at(start int64) []seat {
	for _, e := range slices.Backward(r.Epochs) {
		if e.From <= start {
			return e.Seats
		}
	}
	return nil
}

// extended returns the version that comes after r and promises what is before
// until. Epochs that ended before old are forgotten.
func (r *record) extended(until, old int64) record {
	epochs := r.Epochs
	for len(epochs) > 1 && epochs[1].From <= old {
		epochs = epochs[1:]
	}
	return record{V: contract.SchemaVersion, Horizon: max(r.Horizon, until), Epochs: epochs}
}

// reseated is extended with another epoch, which begins where r promises
// nothing. It reports whether there is room for it.
func (r *record) reseated(seats []seat, until, old int64) (record, bool) {
	next := r.extended(until, old)
	epochs := next.Epochs
	if n := len(epochs); n > 0 && epochs[n-1].From == r.Horizon { // one that holds for no window yet
		epochs = epochs[:n-1]
	}
	next.Epochs = slices.Concat(epochs, []epoch{{From: r.Horizon, Seats: seats}})
	all := 0
	for _, e := range next.Epochs {
		all += len(e.Seats)
	}
	return next, len(next.Epochs) <= maxEpochs && all <= maxAllSeats
}

// restored returns r to be written again at that time.
func (r *record) restored(at int64) record {
	again := *r
	again.Restored = at
	return again
}

// held reports whether nothing may be added to r yet, because somebody may have
// a later version of it.
func (r *record) held(now, quiet int64) bool {
	return r.Restored != 0 && max(now-r.Restored, r.Restored-now) < quiet
}

// agrees reports whether both say the same about all windows that both know.
func (r *record) agrees(other *record) bool {
	low, high := max(r.floor(), other.floor()), min(r.Horizon, other.Horizon)
	if low >= high {
		return true
	}
	points := []int64{low}
	for _, e := range slices.Concat(r.Epochs, other.Epochs) {
		if e.From > low && e.From < high {
			points = append(points, e.From)
		}
	}
	for _, p := range points {
		if !slices.Equal(r.at(p), other.at(p)) {
			return false
		}
	}
	return true
}

// kept reports whether mine says all that the stored version says, and more: then
// the stored one is an earlier version of it, whose successors were lost.
func kept(mine, stored *record) bool {
	return mine.Horizon > stored.Horizon && mine.agrees(stored)
}

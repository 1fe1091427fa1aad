package vector

import (
	"container/list"
	"slices"
	"sync"
)

// Sum names a vector or a shelf: a hash.
type Sum = [32]byte

// overhead is what a vector takes besides its numbers, about.
const overhead = 128

// Match is a vector that is near enough.
type Match struct {
	Sum        Sum
	Similarity float32
}

// Index holds vectors on shelves. It is safe for concurrent use.
type Index struct {
	limit    int64
	perShelf int

	mu      sync.Mutex
	shelves map[Sum]*list.Element // of *shelf
	used    list.List             // most recently used first
	bytes   int64
}

// shelf is a number of vectors of the same length, one behind the other.
type shelf struct {
	name    Sum
	counted int64 // its part of the bytes of the index, whose lock guards it

	mu      sync.RWMutex
	dim     int
	numbers []float32
	sums    []Sum
	expires []int64 // Unix milliseconds
	at      map[Sum]int
	oldest  int    // what is overwritten next when the shelf is full
	mark    uint64 // see Mark
	gone    bool   // not part of the index any longer
}

// New returns an index of at most limit bytes, with at most perShelf vectors on
// a shelf.
func New(limit int64, perShelf int) *Index {
	x := &Index{limit: limit, perShelf: perShelf}
	x.Clear()
	return x
}

// Clear forgets everything.
func (x *Index) Clear() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for e := x.used.Front(); e != nil; e = e.Next() {
		shelfOf(e).leave()
	}
	x.shelves = map[Sum]*list.Element{}
	x.used.Init()
	x.bytes = 0
}

func shelfOf(e *list.Element) *shelf {
	s, _ := e.Value.(*shelf)
	return s
}

func (s *shelf) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
}

// find returns a shelf and makes it the most recently used one.
func (x *Index) find(name Sum, create bool) *shelf {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.shelves[name]
	switch {
	case e != nil:
		x.used.MoveToFront(e)
		return shelfOf(e)
	case !create:
		return nil
	}
	s := &shelf{name: name, at: map[Sum]int{}}
	x.shelves[name] = x.used.PushFront(s)
	x.bytes += overhead
	x.makeRoom()
	return s
}

// makeRoom drops shelves until the limit holds, but for the one in use. It is
// called with the lock held.
func (x *Index) makeRoom() {
	for x.bytes > x.limit && x.used.Len() > 1 {
		s := shelfOf(x.used.Back())
		s.leave()
		x.bytes -= overhead + s.counted
		x.used.Remove(x.used.Back())
		delete(x.shelves, s.name)
	}
}

// count brings the bytes of the index up to date. It is called with the lock of
// the index held.
func (x *Index) count(s *shelf) {
	s.mu.RLock()
	size := s.size()
	s.mu.RUnlock()
	x.bytes += size - s.counted
	s.counted = size
}

func (s *shelf) size() int64 { return int64(len(s.sums)) * (int64(s.dim)*4 + overhead) }

// Add puts a normalised vector on a shelf, in the place of the one with the same
// sum. One that has another length than those on the shelf is left out.
func (x *Index) Add(name, sum Sum, v []float32, expires int64) {
	if len(v) == 0 || len(v) > MaxDimensions {
		return
	}
	room := max(1, min(int64(x.perShelf), x.limit/(int64(len(v))*4+overhead)))
	s := x.find(name, true)
	s.mu.Lock()
	if !s.gone {
		s.put(sum, v, expires, int(room))
	}
	s.mu.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.shelves[name]; e != nil && shelfOf(e) == s {
		x.count(s)
		x.makeRoom()
	}
}

func (s *shelf) put(sum Sum, v []float32, expires int64, room int) {
	if len(s.sums) == 0 {
		s.dim = len(v)
	}
	if len(v) != s.dim {
		return
	}
	i, known := s.at[sum]
	switch {
	case known:
	case len(s.sums) < room:
		i = len(s.sums)
		s.numbers = append(s.numbers, v...)
		s.sums, s.expires = append(s.sums, sum), append(s.expires, expires)
	default:
		i = s.oldest % len(s.sums)
		s.oldest = i + 1
		delete(s.at, s.sums[i])
	}
	copy(s.numbers[i*s.dim:], v)
	s.sums[i], s.expires[i], s.at[sum] = sum, expires, i
}

// Nearest returns the vectors on a shelf that are at least as similar to query,
// which is normalised, as the threshold: the nearest first, n at most. now is in
// Unix milliseconds.
func (x *Index) Nearest(name Sum, query []float32, threshold float32, n int, now int64) []Match {
	s := x.find(name, false)
	if s == nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(query) != s.dim {
		return nil
	}
	var best []Match
	for i := range s.sums {
		similarity := dot(query, s.numbers[i*s.dim:(i+1)*s.dim])
		if similarity < threshold || s.expires[i] <= now {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, similarity, func(m Match, v float32) int {
			if m.Similarity > v {
				return -1
			}
			return 1
		})
		if at == n {
			continue
		}
		best = slices.Insert(best[:min(len(best), n-1)], at, Match{s.sums[i], similarity})
	}
	return best
}

// Remove takes vectors off all shelves.
func (x *Index) Remove(sums ...Sum) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for e := x.used.Front(); e != nil; e = e.Next() {
		s := shelfOf(e)
		s.mu.Lock()
		for _, sum := range sums {
			s.remove(sum)
		}
		s.mu.Unlock()
		x.count(s)
	}
}

// remove fills the gap with the last vector.
func (s *shelf) remove(sum Sum) {
	i, known := s.at[sum]
	if !known {
		return
	}
	last := len(s.sums) - 1
	copy(s.numbers[i*s.dim:(i+1)*s.dim], s.numbers[last*s.dim:])
	s.sums[i], s.expires[i] = s.sums[last], s.expires[last]
	s.at[s.sums[i]] = i
	delete(s.at, sum)
	s.numbers, s.sums, s.expires = s.numbers[:last*s.dim], s.sums[:last], s.expires[:last]
}

// Mark returns how far a shelf has been read from elsewhere, as SetMark said.
func (x *Index) Mark(name Sum) uint64 {
	s := x.find(name, true)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mark
}

// SetMark remembers how far a shelf has been read. A shelf that was dropped
// begins at zero again.
func (x *Index) SetMark(name Sum, mark uint64) {
	if s := x.find(name, false); s != nil {
		s.mu.Lock()
		s.mark = max(s.mark, mark)
		s.mu.Unlock()
	}
}

// Rewind sets all marks to zero.
func (x *Index) Rewind() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for e := x.used.Front(); e != nil; e = e.Next() {
		s := shelfOf(e)
		s.mu.Lock()
		s.mark = 0
		s.mu.Unlock()
	}
}

// Size returns the number of vectors and their bytes, about.
func (x *Index) Size() (vectors int, bytes int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for e := x.used.Front(); e != nil; e = e.Next() {
		s := shelfOf(e)
		s.mu.RLock()
		vectors += len(s.sums)
		s.mu.RUnlock()
	}
	return vectors, x.bytes
}

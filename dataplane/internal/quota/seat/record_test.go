package seat_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota/seat"
)

// member is a process of the model: what it knows, as it came to know it.
type member struct {
	me    seat.Seat
	knows seat.Record
	clock int64 // ahead of the true time by
}

// model is a register with compare and set, whose members read any version of it, however
// old, and whose clocks are anything.
type model struct {
	tb      testing.TB
	random  *rand.Rand
	chain   []seat.Record // revision n is chain[n]; the first is that there is none
	members []*member
	answers map[int64]int
	owners  map[int64]map[seat.Seat]bool
}

func newModel(tb testing.TB, seed uint64) *model {
	tb.Helper()
	m := &model{
		tb: tb, random: rand.New(rand.NewPCG(seed, seed)), chain: []seat.Record{{}},
		answers: map[int64]int{}, owners: map[int64]map[seat.Seat]bool{},
	}
	for i := range 4 {
		m.members = append(m.members, &member{me: seat.Seat{Replica: fmt.Sprint("r", i), Boot: "b"}, clock: m.random.Int64N(400) - 200})
	}
	return m
}

// see is a member's read. It does not matter how old the version is.
func (m *model) see(x *member, version int) {
	r := m.chain[version]
	if len(r.Epochs) > 0 && !seat.Kept(&x.knows, &r) {
		x.knows = r
	}
}

// write is a member's attempt to add something to a version that it has read.
func (m *model) write(x *member, version int, now int64) {
	r, until, old := m.chain[version], now+x.clock+100, now-300
	next := r.Extended(until, old)
	if m.random.IntN(3) == 0 || len(r.Epochs) == 0 {
		var seats []seat.Seat
		for _, y := range m.members {
			if y == x || m.random.IntN(2) == 0 {
				seats = append(seats, y.me)
			}
		}
		var fits bool
		if next, fits = r.Reseated(seats, until, old); !fits {
			return
		}
	}
	m.set(x, version, next)
}

func (m *model) set(x *member, version int, next seat.Record) {
	if version != len(m.chain)-1 {
		return
	}
	data, err := next.Encode()
	require.NoError(m.tb, err)
	next, err = seat.ParseRecord(data)
	require.NoError(m.tb, err, "%s", data)
	m.chain = append(m.chain, next)
	x.knows = next
}

// ask compares what a member says with what was ever said.
func (m *model) ask(x *member, start int64) {
	seats, mine, known := x.knows.Share(x.me, start)
	if !known {
		return
	}
	if said, ok := m.answers[start]; ok && said != seats {
		require.Equal(m.tb, said, seats, "window %d", start)
	}
	m.answers[start] = seats
	if m.owners[start] == nil {
		m.owners[start] = map[seat.Seat]bool{}
	}
	if was, ok := m.owners[start][x.me]; ok && was != mine {
		require.Equal(m.tb, was, mine, "window %d of %v", start, x.me)
	}
	m.owners[start][x.me] = mine
}

func (m *model) check() {
	for start, owners := range m.owners {
		n := 0
		for _, mine := range owners {
			if mine {
				n++
			}
		}
		require.LessOrEqual(m.tb, n, m.answers[start], "owners of window %d", start)
	}
}

// lose makes the register forget everything, after which those who know
// something write it again.
func (m *model) lose() {
	m.chain = []seat.Record{{}}
	for _, i := range m.random.Perm(len(m.members)) {
		x := m.members[i]
		if last := m.chain[len(m.chain)-1]; seat.Kept(&x.knows, &last) {
			m.set(x, len(m.chain)-1, x.knows)
		}
	}
}

func TestRecord_says_the_same_everywhere_whatever_clocks_say(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		m, known := newModel(t, seed), 0
		for now := int64(1000); now < 5000; now += m.random.Int64N(20) {
			x := m.members[m.random.IntN(len(m.members))]
			version := max(0, len(m.chain)-1-m.random.IntN(2)*m.random.IntN(4))
			m.see(x, version)
			if m.random.IntN(2) == 0 {
				m.write(x, version, now)
			}
			if m.random.IntN(100) == 0 {
				m.lose()
			}
			for range 8 {
				m.ask(m.members[m.random.IntN(len(m.members))], now+m.random.Int64N(700)-350)
			}
			known = len(m.answers)
		}
		m.check()
		require.Greater(t, known, 300)
	}
}

func TestRecord_keeps_within_its_bounds(t *testing.T) {
	t.Parallel()
	var many []seat.Seat
	for i := range 600 {
		many = append(many, seat.Seat{Replica: fmt.Sprintf("replica-%d", i), Boot: strings.Repeat("b", 36)})
	}
	r, ok := (&seat.Record{}).Reseated([]seat.Seat{{Replica: "a", Boot: "b"}}, 10_000, 0)
	require.True(t, ok)
	for now := int64(0); ok; now++ {
		var next seat.Record
		if next, ok = r.Reseated([]seat.Seat{{Replica: "a", Boot: fmt.Sprint(now)}}, now+10_001, now-1000); ok {
			r = next
		}
		require.LessOrEqual(t, len(r.Epochs), seat.MaxEpochs)
	}
	_, ok = r.Reseated([]seat.Seat{{Replica: "a", Boot: "b"}}, 40_000, 10_030)
	require.True(t, ok, "there is room when old epochs are forgotten")

	r, ok = (&seat.Record{}).Reseated(many, 10_000, 0)
	for now := int64(1); ok; now++ {
		var next seat.Record
		if next, ok = r.Reseated(many, now+10_000, 0); ok {
			r = next
		}
	}
	require.Len(t, r.Epochs, seat.MaxAllSeats/600)
	data, err := r.Encode()
	require.NoError(t, err)
	require.Less(t, len(data), 1<<20, "the default of what a message may be")
}

func TestRecord_of_a_newer_version_is_left_alone(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{"v":2,"horizon":1}`, `{"v":2,"horizon":"soon"}`} {
		_, err := seat.ParseRecord([]byte(data))
		require.ErrorIs(t, err, seat.ErrNewer, data)
	}
}

func FuzzParseRecord(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `{"v":1}`, `null`, `{"v":2}`,
		`{"v":1,"horizon":5,"epochs":[{"from":0,"seats":[{"replica":"a","boot":"1"}]}]}`,
		`{"v":1,"horizon":5,"restored":3,"epochs":[{"from":0,"seats":[{"replica":"a","boot":"1"},{"replica":"a","boot":"2"}]},{"from":5,"seats":[{"replica":"b","boot":"1"}]}]}`,
		`{"v":1,"horizon":5,"epochs":[{"from":6,"seats":[{"replica":"a","boot":"1"}]}]}`,
		`{"v":1,"horizon":5,"epochs":[{"from":0,"seats":[{"replica":"b","boot":"1"},{"replica":"a","boot":"1"}]}]}`,
	} {
		f.Add([]byte(s), int64(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, start int64) {
		r, err := seat.ParseRecord(data)
		if err != nil || len(data) == 0 {
			return
		}
		seats, _, known := r.Share(seat.Seat{Replica: "a", Boot: "1"}, start)
		require.False(t, known && (start >= r.Horizon || seats == 0))
		again, err := r.Encode()
		require.NoError(t, err)
		same, err := seat.ParseRecord(again)
		require.NoError(t, err)
		require.Equal(t, r, same)
		require.False(t, seat.Kept(&r, &same))
		next, fits := r.Reseated([]seat.Seat{{Replica: "z", Boot: "1"}}, start, 0)
		if after, _, knew := next.Share(seat.Seat{}, start); fits && known && start >= 0 && knew {
			require.Equal(t, seats, after)
		}
	})
}

func FuzzParseBeat(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `{"v":1,"replica":"a","boot":"1"}`, `{"v":1,"replica":"a","boot":"1","horizon":7,"gone":true}`,
		`{"v":1,"replica":"a","boot":"1","horizon":-7}`, `{"v":1,"replica":"","boot":"1"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := seat.ParseBeat(data)
		if err == nil {
			require.NotEmpty(t, b.Replica)
			require.NotEmpty(t, b.Boot)
			require.GreaterOrEqual(t, b.Horizon, int64(0))
		}
	})
}

package price

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/shared/money"
)

// Rate holds the prices of a model. The zero value and nil cost nothing. A
// rate never changes once it is made.
type Rate struct {
	prices  []entry  // sorted by unit, so that equal rates encode alike
	periods []period // of the periods after the first, which always holds
}

// entry is one price and when it holds.
type entry struct {
	price  money.Nano // for a million units
	above  int32      // prompts with more tokens than this
	unit   Unit
	tier   Tier
	period uint8
}

// period is when later prices replace the first ones as a whole. Of several
// that hold, the last one counts.
type period struct {
	from       int64 // Unix seconds; 0 is always
	start, end int32 // seconds of the day in UTC; equal is all day
}

const (
	secondsOfDay = 24 * 60 * 60
	maxPeriods   = 64
	// maxPrices bounds the prices of one rate.
	maxPrices = 512
)

func (p *period) holds(at time.Time) bool {
	unix := at.Unix()
	if unix < p.from {
		return false
	}
	if p.start == p.end {
		return true
	}
	second := int32(((unix % secondsOfDay) + secondsOfDay) % secondsOfDay)
	if p.end < p.start { // past midnight
		return second >= p.start || second < p.end
	}
	return second >= p.start && second < p.end
}

// current returns which period counts at a time. The clock is read only where
// the answer depends on it.
func (r *Rate) current(at time.Time) uint8 {
	if len(r.periods) == 0 {
		return 0
	}
	if at.IsZero() {
		at = time.Now()
	}
	for i := len(r.periods) - 1; i >= 0; i-- {
		if r.periods[i].holds(at) {
			return uint8(i + 1) //nolint:gosec // at most maxPeriods
		}
	}
	return 0
}

// Price returns a price for a million units as it stands now in a tier, for
// prompts of so many tokens. It does not fall back from one unit to another.
func (r *Rate) Price(u Unit, t Tier, promptTokens int64) (money.Nano, bool) {
	if r == nil {
		return 0, false
	}
	q := quote{tier: t}
	q.fill(r, promptTokens, promptTokens, time.Time{})
	return q.units[u].price, q.has(u)
}

// Tokens returns the prices of a million tokens of a short prompt and of its
// answer. It is not ok where tokens have no price.
func (r *Rate) Tokens() (in, out money.Nano, ok bool) {
	in, inOK := r.Price(Input, Standard, 0)
	out, outOK := r.Price(Output, Standard, 0)
	return in, out, inOK || outOK
}

// Free reports whether tokens are explicitly free in both directions.
func (r *Rate) Free() bool {
	in, inOK := r.Price(Input, Standard, 0)
	out, outOK := r.Price(Output, Standard, 0)
	return inOK && outOK && in == 0 && out == 0
}

// Empty reports whether there is no price at all.
func (r *Rate) Empty() bool { return r == nil || len(r.prices) == 0 }

// set adds a price or replaces the one for the same case.
func (r *Rate) set(e entry) error {
	if e.price < 0 {
		return errors.New("a price must not be negative")
	}
	for i := range r.prices {
		have := &r.prices[i]
		if have.unit == e.unit && have.tier == e.tier && have.above == e.above && have.period == e.period {
			have.price = e.price
			return nil
		}
	}
	if len(r.prices) >= maxPrices {
		return fmt.Errorf("a model has at most %d prices", maxPrices)
	}
	r.prices = append(r.prices, e)
	return nil
}

func (r *Rate) sort() {
	slices.SortFunc(r.prices, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.period, b.period), cmp.Compare(a.unit, b.unit), cmp.Compare(a.above, b.above), cmp.Compare(a.tier, b.tier))
	})
	r.prices = slices.Clip(r.prices)
}

// key is the case of a price as tables and records write it: a unit, then
// ">tokens" and "/tier" where it holds for those alone.
func (e *entry) key() string {
	key := e.unit.String()
	if e.above > 0 {
		key += ">" + strconv.Itoa(int(e.above))
	}
	if e.tier != Standard {
		key += "/" + e.tier.String()
	}
	return key
}

// parseKey undoes key.
func parseKey(key string) (entry, bool) {
	var e entry
	rest, tier, tiered := strings.Cut(key, "/")
	if tiered {
		if e.tier = ParseTier(tier); e.tier == Standard {
			return e, false
		}
	}
	name, above, stepped := strings.Cut(rest, ">")
	if stepped {
		n, err := strconv.ParseInt(above, 10, 32)
		if err != nil || n < 0 {
			return e, false
		}
		e.above = int32(n)
	}
	unit, ok := unitNamed(name)
	e.unit = unit
	return e, ok
}

// record is how a rate travels between the planes.
type record struct {
	Prices map[string]int64 `json:"prices,omitempty"`
	Then   []laterRecord    `json:"then,omitempty"`
}

type laterRecord struct {
	From   int64            `json:"from,omitempty"`
	Start  int32            `json:"start,omitempty"`
	End    int32            `json:"end,omitempty"`
	Prices map[string]int64 `json:"prices"`
}

// MarshalJSON writes {"prices":{"input":2500000000,"input>200000":…}}, in
// nano-dollars for a million units.
func (r *Rate) MarshalJSON() ([]byte, error) {
	rec := record{Prices: map[string]int64{}}
	for _, p := range r.periods {
		rec.Then = append(rec.Then, laterRecord{From: p.from, Start: p.start, End: p.end, Prices: map[string]int64{}})
	}
	for i := range r.prices {
		e := &r.prices[i]
		to := rec.Prices
		if e.period > 0 {
			to = rec.Then[e.period-1].Prices
		}
		to[e.key()] = int64(e.price)
	}
	b, err := json.Marshal(rec)
	if err != nil {
		return nil, fmt.Errorf("encode rate: %w", err)
	}
	return b, nil
}

// UnmarshalJSON reads what MarshalJSON wrote. Prices of units that this
// version does not know are left out.
func (r *Rate) UnmarshalJSON(b []byte) error {
	var rec record
	if err := json.Unmarshal(b, &rec); err != nil {
		return fmt.Errorf("decode rate: %w", err)
	}
	if len(rec.Then) > maxPeriods {
		return fmt.Errorf("decode rate: at most %d periods", maxPeriods)
	}
	*r = Rate{}
	if err := r.take(rec.Prices, 0); err != nil {
		return err
	}
	for i, p := range rec.Then {
		r.periods = append(r.periods, period{from: p.From, start: p.Start, end: p.End})
		if err := r.take(p.Prices, i+1); err != nil {
			return err
		}
	}
	r.sort()
	return nil
}

func (r *Rate) take(prices map[string]int64, period int) error {
	for key, value := range prices {
		e, ok := parseKey(key)
		if !ok {
			continue
		}
		e.price, e.period = money.Nano(value), uint8(period) //nolint:gosec // at most maxPeriods
		if err := r.set(e); err != nil {
			return fmt.Errorf("decode rate: %s: %w", key, err)
		}
	}
	return nil
}

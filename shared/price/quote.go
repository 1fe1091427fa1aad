package price

import (
	"time"

	"github.com/tianjillm/tianjillm/shared/money"
)

// quote is the prices that hold for one request, by unit. It lives on the
// stack of a calculation.
type quote struct {
	tier  Tier
	units [unitCount]struct {
		price money.Nano
		// rank tells the better of two prices: zero is none, a higher step
		// beats a lower one, and of one step the tier's beats the standard.
		rank int64
	}
}

// fill picks the prices of a rate. Steps compare with the tokens of the
// prompt, those of queries with the results that were asked for.
func (q *quote) fill(r *Rate, promptTokens, maxResults int64, at time.Time) {
	now := r.current(at)
	for i := range r.prices {
		e := &r.prices[i]
		if e.period != now || e.tier != Standard && e.tier != q.tier {
			continue
		}
		size := promptTokens
		if e.unit == SearchQuery {
			size = maxResults
		}
		if e.above > 0 && size <= int64(e.above) {
			continue
		}
		rank := int64(e.above)*2 + 1
		price := e.price
		switch {
		case e.tier == q.tier && q.tier != Standard:
			rank++
		case q.tier == Batch && e.unit.halved():
			price = (price + 1) / 2
		}
		if to := &q.units[e.unit]; rank > to.rank {
			to.price, to.rank = price, rank
		}
	}
}

func (q *quote) has(u Unit) bool { return q.units[u].rank > 0 }

// charged reports whether there is a price above zero.
func (q *quote) charged(u Unit) bool { return q.units[u].price > 0 }

// first returns the price of the first unit that has one.
func (q *quote) first(units ...Unit) money.Nano {
	for _, u := range units {
		if q.has(u) {
			return q.units[u].price
		}
	}
	return 0
}

// times returns the cost of a number of units.
func (q *quote) times(n int64, units ...Unit) money.Nano {
	if n <= 0 {
		return 0
	}
	return money.PerMillion(n, q.first(units...))
}

// during returns the cost of a time.
func (q *quote) during(d time.Duration, price money.Nano) money.Nano {
	const million = 1_000_000
	return money.Per(int64(d), price, million*uint64(time.Second))
}

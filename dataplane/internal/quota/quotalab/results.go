//go:build unix

package main

import (
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

//go:embed method.md
var method string

// What is to be reached, by limit: operations for 1,000 requests.
func operationsGoal(limit int64) (goal float64, has bool) {
	switch {
	case limit >= 1_000_000:
		return 0.3, true
	case limit >= 10_000:
		return 3, true
	case limit == 100:
		return 120, true
	}
	return 0, false
}

const (
	coldGoal    = 150
	latencyGoal = 2 * time.Microsecond
)

// write writes all results as a document.
func (r *results) write(out io.Writer) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
	p("# Limits, measured\n\nHow exact limits are over three replicas, and what they cost. `make bench-limits` measures and writes this page.\n\n")
	p("## Results\n\nMeasured on %s: %s.\n", r.began.UTC().Format(time.DateOnly), r.machine)
	if r.quick {
		p("\n**A quick run**: seconds instead of minutes, on a machine with other work. It shows that everything works, not how well.\n")
	}
	r.writeRates(p)
	r.writeCold(p)
	r.writeFaults(p)
	r.writeSlots(p)
	p("\n## Method\n%s", method)
}

type printer func(format string, args ...any)

// table prints rows below a head.
func (p printer) table(head []string, rows [][]string) {
	p("\n| %s |\n|", strings.Join(head, " | "))
	for i := range head {
		if i == 0 {
			p(" --- |")
		} else {
			p(" ---:|")
		}
	}
	p("\n")
	for _, row := range rows {
		p("| %s |\n", strings.Join(row, " | "))
	}
}

func (r *results) writeRates(p printer) {
	if r.rates == nil {
		return
	}
	p("\n### Requests a minute, offered twice the limit\n\nAll of these side by side, for %s of one minute window; %s requests.\n", r.rates.length.Round(time.Second), number(r.rates.requests()))
	rows := [][]string{}
	for i := range r.rates.outcomes {
		o := &r.rates.outcomes[i]
		goal, met := "", ""
		if n, has := operationsGoal(o.offer.limit); has {
			goal = "at most " + strconv.FormatFloat(n, 'g', -1, 64)
			met = yes(perThousand(o.traffic.operations(), o.requests()) <= n)
		}
		rows = append(rows, []string{
			number(uint64(o.offer.limit)) + ", " + o.offer.shape.name, number(o.requests()), number(o.admitted), number(uint64(o.over())), percent(o.unused()), //nolint:gosec // not negative
			thousandth(o.traffic.takes, o), thousandth(o.traffic.questions, o), thousandth(o.traffic.operations(), o), goal, met, thousandth(o.traffic.answers, o),
			short(o.took.quantile(0.5)), short(o.took.quantile(0.99)), short(o.took.Most),
		})
	}
	p.table([]string{
		"limit, load", "requests", "admitted", "over the limit", "unused", "leases /1,000", "questions /1,000", "operations /1,000", "goal", "met", "answers /1,000",
		"added p50", "p99", "worst",
	}, rows)
	rest := r.rates.sent - min(r.rates.sent, r.rates.counted())
	p("\nBesides these the three replicas sent %s messages that do not depend on the load (beats, the seating plan, leases of slots): %.1f a second together, %.3f for 1,000 of all requests. ",
		number(rest), float64(rest)/r.rates.length.Seconds(), perThousand(rest, r.rates.requests()))
	p("Replicas counted alone for %.2f s, and decided %.0f admissions so. ", r.rates.degraded, r.rates.alone)
	p("Goals: over the limit 0, unused 0 %%, added p50 under %s.\n", short(latencyGoal))
	missed(p, r.rates.dropped)
}

func missed(p printer, n int) {
	if n > 0 {
		p("\n**The observer missed %d messages: the figures of messages are too low.**\n", n)
	}
}

func thousandth(n uint64, o *outcome) string { return rate(perThousand(n, o.requests())) }

func (r *results) writeCold(p printer) {
	c := r.cold
	if c == nil {
		return
	}
	p("\n### Cold keys\n\n%s keys with the popularity of Zipf's law (1.1), %d limits a request (requests and tokens of key, user and team; %d requests a minute each), %.0f requests a second over three replicas for %s.\n",
		number(coldKeys), coldCounters, coldLimit, coldRate, c.length.Round(time.Second))
	p.table([]string{"requests", "keys seen", "admitted", "refused", "over the limits", "unused by keys with refusals", "leases /1,000", "questions /1,000", "answers /1,000", "messages /1,000", "goal", "met", "added p50", "p99"}, [][]string{{
		number(c.requests), number(uint64(c.keys)), number(c.admitted), number(c.refused), number(uint64(c.over)), percent(c.unused), //nolint:gosec // not negative
		rate(perThousand(c.traffic.takes, c.requests)), rate(perThousand(c.traffic.questions, c.requests)), rate(perThousand(c.traffic.answers, c.requests)),
		rate(perThousand(c.traffic.all(), c.requests)), "at most " + strconv.Itoa(coldGoal), yes(perThousand(c.traffic.all(), c.requests) <= coldGoal),
		short(c.took.quantile(0.5)), short(c.took.quantile(0.99)),
	}})
	missed(p, c.dropped)
}

func (r *results) writeFaults(p printer) {
	rows := [][]string{}
	for _, one := range []struct {
		name  string
		round *round
	}{
		{"a replica killed, one NATS server", r.kill},
		{"NATS restarted, one server", r.restart},
		{"nothing, three NATS servers", r.cluster},
		{"leader of the counters killed, three NATS servers", r.leader},
	} {
		if one.round == nil {
			continue
		}
		for i := range one.round.outcomes {
			o := &one.round.outcomes[i]
			degraded, alone := "", ""
			if i == 0 {
				degraded, alone = strconv.FormatFloat(one.round.degraded, 'f', 2, 64), number(uint64(one.round.alone))
			}
			rows = append(rows, []string{
				one.name + ", " + o.offer.shape.name, number(o.requests()), number(o.admitted), number(uint64(o.over())), percent(o.unused()), //nolint:gosec // not negative
				degraded, alone, short(o.took.quantile(0.5)), short(o.took.quantile(0.99)), short(o.took.Most),
			})
		}
	}
	if len(rows) == 0 {
		return
	}
	p("\n### When something breaks\n\n10,000 requests a minute, offered twice that, one minute window for each; what breaks does so after a quarter of it, when half of the limit is used. Degraded is the time that replicas counted alone, summed over them and for all three loads, and with it how many admissions were decided alone.\n")
	p.table([]string{"what breaks, load", "requests", "admitted", "over the limit", "unused", "degraded s", "decided alone", "added p50", "p99", "worst"}, rows)
}

func (r *results) writeSlots(p printer) {
	s := r.slots
	if s == nil {
		return
	}
	p("\n### Calls under way\n\nLimit %d, %d clients at three replicas for %s; a call lasts up to %s, and %.0f %% of the clients go away before it ends. After half of the time a replica is killed.\n",
		slotsLimit, slotsClients, s.length, slotsHold, slotsLeave*100)
	again := "never"
	if s.again > 0 {
		again = short(s.again)
	}
	p.table([]string{"what", "measured", "goal", "met"}, [][]string{
		{"most calls at once", number(s.peak), "at most " + strconv.Itoa(slotsLimit), yes(s.peak <= slotsLimit)},
		{"calls", number(s.taken), "", ""},
		{"refusals", number(s.refused), "", ""},
		{"messages for 1,000 calls and refusals", rate(perThousand(s.sent, s.tried)), "", ""},
		{"added latency p50, p99, worst", short(s.took.quantile(0.5)) + ", " + short(s.took.quantile(0.99)) + ", " + short(s.took.Most), "", ""},
		{fmt.Sprintf("from the kill (of a replica with %d calls) until all %d were in use again", s.killed, slotsLimit), again, "", ""},
		{fmt.Sprintf("calls of an hour, in %s", s.hourTook.Round(time.Second)), number(s.hourTaken), number(s.hourWanted), ""},
		{"most at once meanwhile", number(s.hourPeak), "at most " + strconv.Itoa(slotsLimit), yes(s.hourPeak <= slotsLimit)},
		{"calls that replicas still count afterwards", number(uint64(s.inUse)), "0", yes(s.inUse == 0)}, //nolint:gosec // not negative
		{fmt.Sprintf("slots leaked (one replica got %d of %d after %s)", s.filled, slotsLimit, short(s.filledAfter)), strconv.FormatInt(s.leaked(), 10), "0", yes(s.leaked() == 0)},
	})
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "**no**"
}

func percent(f float64) string { return strconv.FormatFloat(100*f, 'f', 2, 64) + " %" }

func rate(f float64) string {
	switch {
	case f >= 100:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case f >= 1:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 3, 64)
}

// short writes a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + " ns"
	case d < time.Millisecond:
		return strconv.FormatFloat(float64(d)/float64(time.Microsecond), 'g', 3, 64) + " µs"
	case d < time.Second:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'g', 3, 64) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
}

// number writes thousands apart.
func number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/measure"
	"github.com/tianjillm/tianjillm/test/bench/internal/stat"
)

// Goals of what is no ratio to the reverse proxy.
const (
	goalBlock      = 100 * time.Millisecond
	goalFirstEvent = time.Millisecond
	goalIdleMB     = 40
	goalStreamsMB  = 100
	megabyte       = 1e6
)

// missing is what stands for a target that was not measured.
func missing(o *measure.Options) string {
	if len(o.Targets) > 0 {
		return "not measured"
	}
	return "not installed"
}

// Markdown renders the results.
func Markdown(r *measure.Results, o *measure.Options, m Machine) string {
	var b strings.Builder
	m.write(&b)
	fmt.Fprintf(&b, "%d rounds of %s a turn after %s of warm-up.", o.Rounds, o.Duration, o.Warmup)
	if !r.Pinned {
		b.WriteString(" The measured process had no core of its own: take these numbers as rough.")
	}
	if r.Calls > 0 {
		fmt.Fprintf(&b, " %s calls with the measured key were answered; %s are on its bill.", thousands(r.Calls), thousands(r.Booked))
	}
	b.WriteString("\n\n")
	writeCosts(&b, r.Costs, o)
	writeAllocated(&b, r.Costs)
	writeRates(&b, r.Costs, o)
	writeLimits(&b, r.Limits)
	writeParts(&b, r.Parts)
	writeLatencies(&b, r.Latencies, o)
	writeBlock(&b, r.Block)
	writeMemory(&b, r.Memory, o)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func writeCosts(b *strings.Builder, costs []measure.Cost, o *measure.Options) {
	if len(costs) == 0 {
		return
	}
	b.WriteString("CPU a call in µs, medians of the rounds; the ratio is the median of the ratios within a round, with the lowest and highest:\n\n")
	t := table{}
	t.add("calls", lab.NginxName, lab.ReverseProxyName, lab.DataPlaneName, "times ReverseProxy", "goal", "met")
	for i := range costs {
		c := &costs[i]
		row := []string{c.Load.Title}
		for _, name := range []string{lab.NginxName, lab.ReverseProxyName, lab.DataPlaneName} {
			if s := c.Of(name); s != nil {
				row = append(row, fmt.Sprintf("%.1f", stat.Median(s.CPU)))
			} else {
				row = append(row, missing(o))
			}
		}
		t.add(append(row, ratio(c)...)...)
	}
	t.write(b)
}

func writeLimits(b *strings.Builder, l *measure.Limits) {
	if l == nil {
		return
	}
	b.WriteString("CPU of the data plane for the same JSON call in µs, with a key under eight limits of its own, its team's and its user's, and with a user's key in a team without any:\n\n")
	t := table{}
	t.add("with limits", "without", "times", "goal", "met")
	all := stat.Ratios(l.With.CPU, l.Without.CPU)
	mid := stat.Median(all)
	t.add(fmt.Sprintf("%.1f", stat.Median(l.With.CPU)), fmt.Sprintf("%.1f", stat.Median(l.Without.CPU)),
		fmt.Sprintf("%.2f (%.2f to %.2f)", mid, slices.Min(all), slices.Max(all)), limit(measure.LimitsGoal), yes(mid <= measure.LimitsGoal))
	t.write(b)
}

// ratio compares the data plane with the reverse proxy: three cells.
func ratio(c *measure.Cost) []string {
	own, base := c.Of(lab.DataPlaneName), c.Of(lab.ReverseProxyName)
	if own == nil || base == nil {
		return []string{"", limit(c.Load.Goal), ""}
	}
	all := stat.Ratios(own.CPU, base.CPU)
	if len(all) == 0 {
		return []string{"", limit(c.Load.Goal), ""}
	}
	mid := stat.Median(all)
	cell := fmt.Sprintf("%.2f (%.2f to %.2f)", mid, slices.Min(all), slices.Max(all))
	if c.Load.Goal == 0 {
		return []string{cell, "", ""}
	}
	return []string{cell, limit(c.Load.Goal), yes(mid <= c.Load.Goal)}
}

func limit(goal float64) string {
	if goal == 0 {
		return ""
	}
	return fmt.Sprintf("at most %.2f", goal)
}

func yes(met bool) string {
	if met {
		return "yes"
	}
	return "no"
}

func writeRates(b *strings.Builder, costs []measure.Cost, o *measure.Options) {
	if len(costs) == 0 {
		return
	}
	b.WriteString("Calls a second in the same turns, and their latency under that load in ms (p50, p99):\n\n")
	t := table{}
	t.add("calls", lab.NginxName, lab.ReverseProxyName, lab.DataPlaneName)
	for i := range costs {
		row := []string{costs[i].Load.Title}
		for _, name := range []string{lab.NginxName, lab.ReverseProxyName, lab.DataPlaneName} {
			s := costs[i].Of(name)
			if s == nil {
				row = append(row, missing(o))
				continue
			}
			row = append(row, fmt.Sprintf("%s (%.1f, %.1f)", thousands(int(stat.Median(s.Rate))), stat.Median(s.P50)/1e3, stat.Median(s.P99)/1e3))
		}
		t.add(row...)
	}
	t.write(b)
}

func writeLatencies(b *strings.Builder, all []measure.Latency, o *measure.Options) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "Latency at %.0f plain calls and %.0f streams a second in ms; added is the difference to a call of the upstream itself:\n\n", o.Rate, o.StreamRate)
	direct := all[0]
	t := table{}
	t.add("through", "call p50", "call p99", "added p50", "first event p50", "first event p99", "added p50", "goal", "met")
	for i, l := range all {
		added := stat.Median(l.FirstP50) - stat.Median(direct.FirstP50)
		row := []string{
			l.Target, ms(stat.Median(l.P50)), ms(stat.Median(l.P99)), ms(stat.Median(l.P50) - stat.Median(direct.P50)),
			ms(stat.Median(l.FirstP50)), ms(stat.Median(l.FirstP99)), ms(added), "", "",
		}
		switch {
		case i == 0:
			row[3], row[6] = "", ""
		case l.Target == lab.DataPlaneName:
			row[7], row[8] = fmt.Sprintf("under %.0f", goalFirstEvent.Seconds()*1e3), yes(added < float64(goalFirstEvent/time.Microsecond))
		}
		t.add(row...)
	}
	t.write(b)
}

// ms renders microseconds.
func ms(micros float64) string { return fmt.Sprintf("%.2f", micros/1e3) }

func writeBlock(b *strings.Builder, block *measure.Block) {
	if block == nil || len(block.FromCall) == 0 {
		return
	}
	fmt.Fprintf(b, "From /key/block to the refusal by the slowest of %d replicas that were all serving the key, %d keys, in ms:\n\n", block.Replicas, len(block.FromCall))
	t := table{}
	t.add("counted from", "p50", "p99", "max", "goal p99", "met")
	for _, row := range []struct {
		name string
		all  []time.Duration
	}{{"the call", block.FromCall}, {"its answer", block.FromReply}} {
		p99 := stat.Quantile(row.all, 0.99)
		t.add(row.name, msOf(stat.Quantile(row.all, 0.5)), msOf(p99), msOf(row.all[len(row.all)-1]),
			fmt.Sprintf("under %d", goalBlock.Milliseconds()), yes(p99 < goalBlock))
	}
	t.write(b)
	if block.Relapses > 0 {
		fmt.Fprintf(b, "%d times a replica served a key after it had refused it.\n\n", block.Relapses)
	} else {
		b.WriteString("No replica served a key again after it had refused it.\n\n")
	}
}

func msOf(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()*1e3) }

func writeMemory(b *strings.Builder, all []measure.Memory, o *measure.Options) {
	if len(all) == 0 {
		return
	}
	b.WriteString("Resident memory of a fresh process in MB:\n\n")
	t := table{}
	t.add("process", "idle", "goal", "met", thousands(o.Streams)+" open streams", "goal", "met")
	for _, m := range all {
		idle, streams := float64(m.Idle)/megabyte, float64(m.Streams)/megabyte
		row := []string{m.Target, fmt.Sprintf("%.0f", idle), "", "", fmt.Sprintf("%.0f", streams), "", ""}
		if m.Target == lab.DataPlaneName {
			row[2], row[3] = fmt.Sprintf("under %d", goalIdleMB), yes(idle < goalIdleMB)
			row[5], row[6] = fmt.Sprintf("under %d", goalStreamsMB), yes(streams < goalStreamsMB)
		}
		t.add(row...)
	}
	t.write(b)
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/measure"
	"github.com/tianjillm/tianjillm/test/bench/internal/parts"
	"github.com/tianjillm/tianjillm/test/bench/internal/stat"
)

// writeAllocated shows what a call allocates in the programs that tell.
func writeAllocated(b *strings.Builder, costs []measure.Cost) {
	names := []string{lab.ReverseProxyName, lab.DataPlaneName}
	t := table{}
	t.add(append([]string{"calls"}, names...)...)
	for i := range costs {
		row, some := []string{costs[i].Load.Title}, false
		for _, name := range names {
			cell := ""
			if s := costs[i].Of(name); s != nil && len(s.Objects) > 0 {
				cell, some = fmt.Sprintf("%.0f (%.1f)", stat.Median(s.Objects), stat.Median(s.Bytes)/kilobyte), true
			}
			row = append(row, cell)
		}
		if some {
			t.add(row...)
		}
	}
	if len(t.rows) > 1 {
		b.WriteString("Objects allocated on the heap a call, and their size in KB:\n\n")
		t.write(b)
	}
}

func writeParts(b *strings.Builder, all []parts.Result) {
	if len(all) == 0 {
		return
	}
	b.WriteString("Single parts, by the benchmarks in their source, on one core:\n\n")
	t := table{}
	t.add("part", "µs", "objects", "KB", "goal", "met")
	for _, p := range all {
		row := []string{p.Title, fmt.Sprintf("%.2f", p.Nanos/1e3), fmt.Sprintf("%.0f", p.Objects), fmt.Sprintf("%.1f", p.Bytes/kilobyte), "", ""}
		if p.Goal > 0 {
			row[4] = fmt.Sprintf("under %g", float64(p.Goal)/float64(time.Microsecond))
			row[5] = yes(p.Nanos < float64(p.Goal))
		}
		t.add(row...)
	}
	t.write(b)
}

const kilobyte = 1e3

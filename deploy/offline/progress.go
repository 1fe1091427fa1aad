package offline

import (
	"fmt"
	"strings"
	"time"
)

const (
	// redraw is how often a line on a terminal is written over, and repeat how
	// often there is a line of its own elsewhere.
	redraw = 100 * time.Millisecond
	repeat = 10 * time.Second
	barLen = 30
)

// progress shows how far something is.
type progress struct {
	t       *Terminal
	begun   time.Time
	last    time.Time
	what    string
	written bool
}

func newProgress(t *Terminal) *progress {
	now := time.Now()
	return &progress{t: t, begun: now, last: now}
}

func (p *progress) live() bool { return p.t.Width > 0 }

// show writes a line, if it is time for one or there is something new to say: what
// is gone through, or that it is the last.
func (p *progress) show(line, what string, last bool) {
	pause := repeat
	if p.live() {
		pause = redraw
	}
	now := time.Now()
	if !last && what == p.what && now.Sub(p.last) < pause {
		return
	}
	p.last, p.what, p.written = now, what, true
	if p.live() {
		_, _ = fmt.Fprintf(p.t.Err, "\r\x1b[K%.*s", p.t.Width-1, line)
		return
	}
	p.t.say("%s", line)
}

// end leaves the line.
func (p *progress) end() {
	if p.live() && p.written {
		_, _ = fmt.Fprintln(p.t.Err)
	}
}

// bar shows a part of a whole, and how fast that goes.
func (p *progress) bar(what string, done, total int64) string {
	percent, full := int64(100), barLen
	if total > 0 {
		percent, full = done*100/total, int(done*barLen/total)
	}
	rate := float64(done) / max(time.Since(p.begun).Seconds(), 0.001)
	bar := ""
	if p.live() {
		bar = "[" + strings.Repeat("#", full) + strings.Repeat(".", barLen-full) + "] "
	}
	return fmt.Sprintf("%s%3d%%  %d of %d rows  %.0f rows/s  %s", bar, percent, done, total, rate, what)
}

package limits

import (
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/shared/period"
)

// Class is where the counters of a window are kept. It is the name of a NATS
// stream in small: counters of minutes may live in memory, those of budgets
// may not.
type Class string

// The classes of windows.
const (
	ClassMinute Class = "m"
	ClassHour   Class = "h"
	ClassDay    Class = "d"
	// ClassBudget is of every period of a budget, and of budgets without one.
	ClassBudget Class = "b"
)

// Window is how long a limit counts before it begins anew. Windows are aligned
// to the clock in UTC, so every replica agrees on them without talking, and a
// reset is another counter and not a job. The zero value never ends.
type Window struct {
	class  Class
	period period.Period
	text   string
}

// Windows of rate limits.
var (
	Minute = Window{class: ClassMinute, text: "1m", period: mustParse("1m")} //nolint:gochecknoglobals // read-only
	Hour   = Window{class: ClassHour, text: "1h", period: mustParse("1h")}   //nolint:gochecknoglobals // read-only
	Day    = Window{class: ClassDay, text: "1d", period: mustParse("1d")}    //nolint:gochecknoglobals // read-only
)

func mustParse(s string) period.Period {
	p, err := period.Parse(s)
	if err != nil {
		panic(err) // a constant of this file
	}
	return p
}

// Every returns the window of a budget of that duration, such as 30d; "" never
// ends.
func Every(duration string) (Window, error) {
	if duration == "" {
		return Window{}, nil
	}
	p, err := period.Parse(duration)
	if err != nil {
		return Window{}, fmt.Errorf("budget duration: %w", err)
	}
	return Window{class: ClassBudget, period: p, text: duration}, nil
}

// Class tells where the window's counters are.
func (w Window) Class() Class {
	if w.text == "" {
		return ClassBudget
	}
	return w.class
}

// Forever reports whether the window never ends.
func (w Window) Forever() bool { return w.text == "" }

// Bounds returns the window that t lies in: from start, up to but without end,
// which is zero for one that never ends.
func (w Window) Bounds(t time.Time) (start, end time.Time) {
	if w.Forever() {
		return time.Unix(0, 0).UTC(), time.Time{}
	}
	return w.period.Start(t), w.period.Reset(t)
}

// String is the duration as LiteLLM writes it, or "" for one that never ends.
func (w Window) String() string { return w.text }

func (w Window) token() string {
	if w.Forever() {
		return "life"
	}
	return w.text
}

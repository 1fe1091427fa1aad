package app

import (
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/priority"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota/seat"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota/slot"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// openLimits makes what counts: who the replicas are and how limits are divided
// among them, the slots of calls under way, and the engine that admits.
func (a *App) openLimits() error {
	planner, err := seat.Open(seat.Options{
		Conn: a.ctl, JS: a.ctlJS, Names: a.names, Replica: a.opts.Replica, Boot: ident.NewUUID(time.Now()).String(), Logger: a.log, Clock: time.Now,
	})
	if err != nil {
		return err
	}
	a.stack.PushFunc("seating plan", planner.Close)
	a.signal.Listen(planner.Reconnected)
	count := quota.NewOperations(a.registry)
	slots, err := slot.Open(slot.Options{Conn: a.ctl, JS: a.ctlJS, Names: a.names, Replica: a.opts.Replica, Live: planner.Live, Logger: a.log, Count: count.Slot})
	if err != nil {
		return err
	}
	a.stack.PushFunc("slots", slots.Close)
	a.quota, err = quota.Open(quota.Options{
		Conn: a.ctl, JS: a.ctlJS, Names: a.names, Replica: a.opts.Replica, Plan: planner, Slots: slots,
		Clock:  func() time.Time { return time.Now().Add(planner.Offset()) }, // so that windows begin at one time everywhere
		Logger: a.log, Registry: a.registry, Operations: count,
	})
	if err != nil {
		return err
	}
	a.stack.PushFunc("limits", a.quota.Close)
	a.shares = priority.New(a.quota)
	return nil
}

package seat

import "time"

const (
	defaultLead = 10 * time.Second
	// memory is for how long epochs that ended are known: windows are no longer
	// than a minute, and clocks differ.
	memory = 3 * time.Minute
	// goodbyeTime bounds how long closing talks to NATS.
	goodbyeTime = 500 * time.Millisecond
)

// timing are the times that follow from the lead, by which the horizon is ahead
// of the server's clock. In brackets what they are when it is ten seconds.
type timing struct {
	lead time.Duration
	// beat is how often a replica says that it is there (1 s), silence how long
	// one must not be heard to be gone (6 s).
	beat, silence time.Duration
	// poll is how often the plan is read and the horizon moved (2 s), retry how
	// often while what begins now is not known (200 ms).
	poll, retry time.Duration
	// settle is for how long others must have come or gone for the plan to be
	// changed, so that all replicas of a rollout come at once (1 s).
	settle time.Duration
	// hush is for how long to listen before what nobody knows is decided, longer
	// than it takes to reconnect (300 ms), quiet for how long a plan that was lost
	// and restored is left alone (1 s).
	hush, quiet time.Duration
	// tick is how often to look what there is to do (100 ms).
	tick time.Duration
	call time.Duration // one call of NATS (2 s)
}

func newTiming(lead time.Duration) timing {
	if lead <= 0 {
		lead = defaultLead
	}
	return timing{
		lead: lead, beat: lead / 10, silence: lead * 6 / 10, poll: lead / 5, retry: lead / 50, settle: lead / 10,
		hush: lead * 3 / 100, quiet: lead / 10, tick: lead / 100, call: lead / 5,
	}
}

package integration_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
)

// Keys that are in use on two data planes are deleted, and no data plane takes
// one for long after the reply. What is promised is 100 ms; the bound here is
// for machines that do much else, the distribution is in the log.
func TestDeleted_keys_are_refused_everywhere(t *testing.T) {
	t.Parallel()
	const (
		count   = 1000
		admins  = 4
		promise = 100 * time.Millisecond
		bound   = 5 * time.Second
	)
	s, _ := auditedStack(t, stack.Options{DataPlanes: 2})
	keys := make([]string, count)
	work(admins, count, func(i int) {
		keys[i] = s.NewKey(t, nil)
		for _, c := range everywhere(s, keys[i]) { // both know it
			c.Get(t, "/v1/models").OK(t)
		}
	})
	taken := make([]time.Duration, 2*count)
	work(admins, count, func(i int) {
		var both, used sync.WaitGroup
		last := make([]time.Time, 2) // when the last call began that was let in
		for plane, c := range everywhere(s, keys[i]) {
			used.Add(1)
			both.Go(func() { last[plane] = useUntilRefused(t, c, used.Done) })
		}
		used.Wait()
		r := s.Master().At(s.ControlPlane(0)).Post(t, "/key/delete", map[string]any{"keys": []string{keys[i]}})
		replied := time.Now()
		if r.Status != http.StatusOK {
			t.Errorf("delete: %d: %s", r.Status, r.Body)
		}
		both.Wait()
		for plane := range last {
			taken[2*i+plane] = max(0, last[plane].Sub(replied))
		}
	})
	slices.Sort(taken)
	late := len(taken) - slices.IndexFunc(append(slices.Clone(taken), time.Hour), func(d time.Duration) bool { return d > promise })
	at := func(share float64) time.Duration { return taken[int(share*float64(len(taken)-1))] }
	t.Logf("%d keys on 2 data planes: refused after p50 %s, p99 %s, p99.9 %s, at most %s; %d later than %s", count, at(0.5), at(0.99), at(0.999), at(1), max(0, late), promise)
	require.Less(t, at(1), bound)
	require.EqualValues(t, count, s.Scalar(t, "SELECT count(*) FROM deleted_verification_token"))
	require.EqualValues(t, count, s.Scalar(t, "SELECT count(*) FROM audit_log WHERE action = 'deleted'"))
}

// useUntilRefused uses a key as fast as it can until it is refused, and returns
// when the last request began that was not. It tells of the first one.
func useUntilRefused(t *testing.T, c *stack.Client, used func()) (last time.Time) {
	t.Helper()
	deadline := time.Now().Add(stack.Patience)
	for first := true; ; first = false {
		began := time.Now()
		status := c.Get(t, "/v1/models").Status
		if first {
			used()
		}
		if status == http.StatusUnauthorized || began.After(deadline) {
			return last
		}
		last = began
	}
}

// work does n things, a few at a time.
func work(workers, n int, do func(i int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range workers {
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

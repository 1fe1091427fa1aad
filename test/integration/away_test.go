package integration_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

const small = `{"model":"gpt","messages":[]}`

// TestControl_plane_away: requests go on, also those of keys that this replica
// has never seen; management says that it is away; usage is booked later.
func TestControl_plane_away(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2})
	unseen := s.NewKey(t, nil)
	s.StopControlPlane(0)
	for _, url := range s.DataPlanes() {
		s.Client(unseen).At(url).Post(t, chatPath, small).OK(t)
		require.Equal(t, http.StatusUnauthorized, s.Client("sk-unknown-0123").At(url).Post(t, chatPath, small).Status)
		r := s.Master().At(url).Post(t, "/key/generate", "{}")
		require.Equal(t, http.StatusServiceUnavailable, r.Status)
		require.NotEmpty(t, r.Header.Get("Retry-After"))
		require.Contains(t, string(r.Body), `"type":"service_unavailable_error"`)
	}
	s.StartControlPlane(0)
	s.WaitBooked(t, unseen, 2)
}

// TestNATS_away: requests of known keys go on, their usage is kept and booked
// once when the bus is back; a change that was made meanwhile arrives.
func TestNATS_away(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v)})
	known, doomed, unseen := s.NewKey(t, nil), s.NewKey(t, nil), s.NewKey(t, nil)
	s.Heard(t)
	for _, key := range []string{known, doomed} {
		s.Client(key).Post(t, chatPath, small).OK(t)
	}
	s.Settle(t) // what is fetched but not acknowledged is delivered again after the consumer's AckWait only, 30 s
	s.StopNATS()
	url := s.DataPlane(0)
	stack.Await(t, "the data plane says what is missing", func() bool {
		degraded, _ := s.Client("").Get(t, "/health/readiness").OK(t)["degraded"].([]any)
		return len(degraded) > 0
	})
	for range 3 {
		s.Client(known).Post(t, chatPath, small).OK(t)
	}
	r := s.Client(unseen).Post(t, chatPath, small)
	require.Equal(t, http.StatusServiceUnavailable, r.Status, "it may exist, so it is not refused as unknown: %s", r.Body)
	require.NotEmpty(t, r.Header.Get("Retry-After"))
	require.Positive(t, s.Metric(t, url, "tianji_dataplane_usage_spooled_bytes"))
	s.Master().Post(t, "/key/block", map[string]any{"key": doomed}).OK(t)
	s.StartNATS()
	stack.Await(t, "the block arrives", func() bool { return s.Client(doomed).Post(t, chatPath, small).Status == http.StatusUnauthorized })
	s.AwaitReady(t)
	s.Client(unseen).Post(t, chatPath, small).OK(t)
	s.WaitBooked(t, known, 4)
	s.Settle(t)
	require.Len(t, s.SpendRows(t, known), 4)
	rows := s.SpendRows(t, doomed)
	require.Equal(t, int64(len(rows))*answerNano, s.Scalar(t, "SELECT spend_nano FROM verification_token WHERE token = $1", ident.HashKey(doomed)))
}

// TestData_plane_stops_in_order: a stream under way is finished, and the usage
// of everything that it answered is booked.
func TestData_plane_stops_in_order(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v), DataPlanes: 2})
	gate := make(chan struct{})
	v.Script("gpt-4o", fakevendor.Answer(fakevendor.Options{Gate: gate}))
	key := s.NewKey(t, nil)
	e := s.Client(key).At(s.DataPlane(1)).Stream(t, chatPath, `{"model":"gpt","stream":true,"messages":[]}`)
	defer e.Close()
	_, ok := e.Next()
	require.True(t, ok)
	leaving := s.Client("").At(s.DataPlane(1))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.StopDataPlane(1)
	}()
	stack.Await(t, "no new connections are taken", func() bool { return leaving.Refused(t) })
	close(gate)
	events, err := e.Rest()
	require.NoError(t, err)
	require.Equal(t, "[DONE]", events[len(events)-1])
	<-stopped
	require.Equal(t, "success", s.WaitBooked(t, key, 1)[0].Status)
}

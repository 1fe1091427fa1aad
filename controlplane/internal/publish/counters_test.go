package publish_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

// twoPlanes is a NATS server with both users and no others, and a connection of each.
func twoPlanes(t *testing.T) (names contract.Names, control, data jetstream.JetStream) {
	t.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	cp, dp := names.ControlPlanePermissions(), names.DataPlanePermissions()
	require.True(t, dp.Respond)
	server := natstest.Start(t, natsembed.Options{Users: []natsembed.User{
		{Name: "controlplane", Password: "c", PublishAllow: cp.Publish, SubscribeAllow: cp.Subscribe, AllowResponses: cp.Respond},
		{Name: "dataplane", Password: "d", PublishAllow: dp.Publish, SubscribeAllow: dp.Subscribe, AllowResponses: dp.Respond},
	}})
	control, err = jetstream.New(server.Connect("controlplane", nats.CustomInboxPrefix(names.InboxPrefix(contract.ControlPlane))))
	require.NoError(t, err)
	data, err = jetstream.New(server.Connect("dataplane", nats.CustomInboxPrefix(names.InboxPrefix(contract.DataPlane)), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})))
	require.NoError(t, err)
	require.NoError(t, publish.Provision(t.Context(), control, names, 1))
	return names, control, data
}

func increment(t *testing.T, js jetstream.JetStream, subject string, n int64) string {
	t.Helper()
	ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: subject, Header: nats.Header{"Nats-Incr": {strconv.FormatInt(n, 10)}}})
	require.NoError(t, err)
	return ack.Value
}

func classes() []limits.Class {
	return []limits.Class{limits.ClassMinute, limits.ClassHour, limits.ClassDay, limits.ClassBudget}
}

func TestProvision_counters_count_and_outlive_it(t *testing.T) {
	t.Parallel()
	names, control, data := twoPlanes(t)
	for range 2 {
		for _, class := range classes() {
			subject := names.LimitSubject(string(class), "req.1m.team.eA", 60)
			require.Equal(t, "5", increment(t, data, subject, 5))
			require.Equal(t, "3", increment(t, data, subject, -2))
			require.Equal(t, "3", increment(t, control, subject, 0))
			stream, err := data.Stream(t.Context(), names.LimitStream(string(class)))
			require.NoError(t, err)
			m, err := stream.GetLastMsgForSubject(t.Context(), subject)
			require.NoError(t, err)
			require.JSONEq(t, `{"val":"3"}`, string(m.Data))
			require.Equal(t, "0", increment(t, data, subject, -3))
		}
		require.NoError(t, publish.Provision(t.Context(), control, names, 1))
	}
}

// The storage of a stream can not be changed: an installation that grows to
// three servers keeps what it has.
func TestProvision_keeps_the_storage_of_counters(t *testing.T) {
	t.Parallel()
	names, control, _ := twoPlanes(t)
	for _, class := range classes() {
		name := names.LimitStream(string(class))
		stream, err := control.Stream(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, jetstream.FileStorage, stream.CachedInfo().Config.Storage)
		cfg := stream.CachedInfo().Config
		require.NoError(t, control.DeleteStream(t.Context(), name))
		cfg.Storage = jetstream.MemoryStorage
		_, err = control.CreateStream(t.Context(), cfg)
		require.NoError(t, err)
	}
	require.NoError(t, publish.Provision(t.Context(), control, names, 1))
	stream, err := control.Stream(t.Context(), names.LimitStream("d"))
	require.NoError(t, err)
	require.Equal(t, jetstream.MemoryStorage, stream.CachedInfo().Config.Storage)
}

// A data plane can count, keep slots and seats, and answer; it can not forget.
func TestPermissions_of_a_data_plane_that_counts(t *testing.T) {
	t.Parallel()
	names, control, data := twoPlanes(t)
	slots, err := data.Stream(t.Context(), contract.KVStream(names.SlotsBucket()))
	require.NoError(t, err)
	require.True(t, slots.CachedInfo().Config.AllowMsgTTL)
	slot := contract.KVSubject(names.SlotsBucket(), "par.life.api_key.k")
	_, err = data.Publish(t.Context(), slot, []byte(`{"h":{"r":1}}`), jetstream.WithMsgTTL(time.Minute), jetstream.WithExpectLastSequencePerSubject(0))
	require.NoError(t, err)
	_, err = slots.GetLastMsgForSubject(t.Context(), slot)
	require.NoError(t, err)
	_, err = data.Publish(t.Context(), contract.KVSubject(names.SeatsBucket(), "plan"), []byte(`{}`), jetstream.WithExpectLastSequencePerSubject(0))
	require.NoError(t, err)

	sub, err := data.Conn().Subscribe(names.LimitReportSubject(), func(m *nats.Msg) { _ = m.Respond([]byte("held")) })
	require.NoError(t, err)
	require.NoError(t, data.Conn().Flush())
	reply, err := control.Conn().Request(names.LimitReportSubject(), nil, 5*time.Second)
	require.NoError(t, err)
	require.Equal(t, "held", string(reply.Data))
	require.NoError(t, sub.Unsubscribe())

	for _, denied := range []string{
		"$JS.API.STREAM.PURGE." + names.LimitStream("b"), "$JS.API.STREAM.DELETE." + names.LimitStream("b"), "$JS.API.STREAM.UPDATE." + names.LimitStream("b"),
		"$JS.API.CONSUMER.CREATE." + names.LimitStream("b"), contract.KVSubject(names.SeatsBucket(), "other"),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := data.Conn().RequestWithContext(ctx, denied, []byte("{}"))
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded, denied)
	}
}

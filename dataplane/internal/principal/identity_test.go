package principal_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

// counted is a source that counts its readings by key.
type counted struct {
	principal.Source

	mu    sync.Mutex
	reads map[string]int
}

func (c *counted) Read(ctx context.Context, key string, atLeast uint64) (any, uint64, error) {
	c.mu.Lock()
	c.reads[key]++
	c.mu.Unlock()
	return c.Source.Read(ctx, key, atLeast)
}

func (c *counted) of(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads[key]
}

// office is a cache over a real bucket.
type office struct {
	*principal.Cache

	tb     testing.TB
	server *natstest.Server
	source *counted
	kv     jetstream.KeyValue
}

func newOffice(tb testing.TB, size int) *office {
	tb.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(tb, err)
	o := &office{tb: tb, server: natstest.Start(tb, natsembed.Options{})}
	nc := o.server.Connect(natstest.Admin)
	js, err := jetstream.New(nc)
	require.NoError(tb, err)
	o.kv, err = js.CreateKeyValue(tb.Context(), jetstream.KeyValueConfig{Bucket: names.PrincipalsBucket()})
	require.NoError(tb, err)
	b := principal.NewBucket(nc, js, names, func() bool { return true })
	o.source = &counted{Source: b, reads: map[string]int{}}
	o.Cache = principal.New(principal.Options{Source: o.source, Size: size, Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Clock: time.Now})
	tb.Cleanup(func() {
		o.Close()
		b.Close()
	})
	return o
}

func (o *office) put(key string, record any) {
	o.tb.Helper()
	value, err := json.Marshal(record)
	require.NoError(o.tb, err)
	revision, err := o.kv.Put(o.tb.Context(), key, value)
	require.NoError(o.tb, err)
	o.Changed(key, revision, value)
}

func one() contract.Limits { return contract.Limits{Rates: contract.Rates{RPM: new(int64(1))}} }

func TestResolve_brings_all_owners_with_their_limits(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 0)
	hash := ident.HashKey("sk-k")
	sum := sha256.Sum256([]byte("sk-k"))
	o.put(contract.VirtualKeyKey(hash), contract.VirtualKey{Hash: hash, Name: "sk-...k", TeamID: "t", UserID: "u", Limits: one(), Metadata: []byte(`{"priority":"dev","tags":["a"],"x":1}`)})
	o.put(contract.TeamKey("t"), contract.Team{ID: "t", OrgID: "o", Limits: one(), Metadata: []byte(`{"priority":"prod","allowed_model_region":"eu","tags":7}`)})
	o.put(contract.UserKey("u"), contract.User{ID: "u"})
	o.put(contract.MemberKey("t", "u"), contract.Membership{TeamID: "t", UserID: "u", Limits: one()})
	o.put(contract.OrgKey("o"), contract.Organization{ID: "o", Limits: one()})
	id, err := o.Resolve(t.Context(), sum)
	require.NoError(t, err)
	for name, set := range map[limits.Scope]*limits.Set{
		limits.Key: id.Key.Limited, limits.Team: id.Team.Limited, limits.Member: id.Member.Limited, limits.Organization: id.Org.Limited,
	} {
		require.NotNil(t, set, name)
		require.Equal(t, name, set.Always[0].Scope)
	}
	require.Nil(t, id.User.Limited, "nothing is limited")
	require.Equal(t, "o", id.OrgID())
	require.Equal(t, "prod", id.Priority())
	require.Equal(t, "eu", id.Team.Marks.Region)
	require.Equal(t, []string{"a"}, id.Key.Marks.Tags)

	each := &contract.Rates{RPM: new(int64(3))}
	list := id.Key.InGroup("m", each)
	require.Len(t, list, 1)
	require.Equal(t, limits.KeyModel, list[0].Scope)
	require.Same(t, &list[0], &id.Key.InGroup("m", each)[0], "made once")
	require.Nil(t, id.Key.InGroup("m", nil))
}

// A key may name a user and a team that nobody has made, for good.
func TestResolve_owners_that_do_not_exist_need_no_bus(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 0)
	hash := ident.HashKey("sk-k")
	o.put(contract.VirtualKeyKey(hash), contract.VirtualKey{Hash: hash, TeamID: "t", UserID: "u", OrgID: "o"})
	for range 3 {
		id, err := o.Resolve(t.Context(), sha256.Sum256([]byte("sk-k")))
		require.NoError(t, err)
		require.Nil(t, id.Team)
		require.Nil(t, id.User)
		require.Nil(t, id.Member)
		require.Nil(t, id.Org)
	}
	require.Equal(t, 1, o.source.of(contract.UserKey("u")))
	o.server.Stop()
	o.Missed("the bus went away")
	_, err := o.Resolve(t.Context(), sha256.Sum256([]byte("sk-k")))
	require.NoError(t, err, "what is known is used, absence too")
	_, err = o.Resolve(t.Context(), sha256.Sum256([]byte("sk-other")))
	require.ErrorIs(t, err, principal.ErrUnavailable)
}

func TestCustomers_and_tags_are_read_once(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 0)
	each := one()
	for range 3 {
		c, err := o.Customer(t.Context(), "c")
		require.NoError(t, err)
		require.Equal(t, "c", c.ID)
		require.Nil(t, c.Limited(nil))
		set := c.Limited(&each)
		require.Same(t, set, c.Limited(&each), "made once")
		require.Equal(t, "c", set.Always[0].Name)
		tag, err := o.Tag(t.Context(), "a b")
		require.NoError(t, err)
		require.Equal(t, "a b", tag.Name)
		require.Nil(t, tag.Limited)
	}
	require.Equal(t, 1, o.source.of(contract.CustomerKey("c")))
	require.Equal(t, 1, o.source.of(contract.TagKey("a b")))

	o.put(contract.CustomerKey("c"), contract.Customer{ID: "c", Blocked: true, Limits: one()})
	o.put(contract.TagKey("a b"), contract.Tag{Name: "a b", Limits: contract.Limits{Budgets: []contract.Budget{{MaxNano: 5}}}})
	c, err := o.Customer(t.Context(), "c")
	require.NoError(t, err)
	require.True(t, c.Blocked)
	require.Same(t, c.Limited(nil), c.Limited(&each))
	tag, err := o.Tag(t.Context(), "a b")
	require.NoError(t, err)
	require.True(t, tag.Budgeted)

	o.put(contract.CustomerKey("c"), contract.Customer{Head: contract.Head{Deleted: true}})
	c, err = o.Customer(t.Context(), "c")
	require.NoError(t, err)
	require.False(t, c.Blocked)
}

func TestCustomers_without_the_bus_do_not_wait(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 0)
	o.put(contract.CustomerKey("known"), contract.Customer{ID: "known", Blocked: true})
	_, err := o.Customer(t.Context(), "known")
	require.NoError(t, err)
	o.server.Stop()
	o.Missed("gone")
	began := time.Now()
	for i := range 1000 {
		c, err := o.Customer(t.Context(), fmt.Sprint("new", i))
		require.ErrorIs(t, err, principal.ErrUnavailable)
		require.NotNil(t, c)
	}
	require.Less(t, time.Since(began), 2*time.Second)
	c, err := o.Customer(t.Context(), "known")
	require.ErrorIs(t, err, principal.ErrUnavailable)
	require.True(t, c.Blocked, "as it was")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = o.Tag(ctx, "x")
	require.Error(t, err)
}

// Clients can name as many customers as they like.
func TestCustomers_that_do_not_exist_are_bounded(t *testing.T) {
	t.Parallel()
	const size = 256
	o := newOffice(t, size)
	for i := range size / 4 {
		o.put(contract.UserKey(fmt.Sprint(i)), contract.User{ID: fmt.Sprint(i)})
		_, err := o.Get(t.Context(), []byte(contract.UserKey(fmt.Sprint(i))))
		require.NoError(t, err)
	}
	for i := range 4 * size {
		_, err := o.Customer(t.Context(), fmt.Sprint("c", i))
		require.NoError(t, err)
		_, err = o.Customer(t.Context(), fmt.Sprint("c", i))
		require.NoError(t, err)
		require.Equal(t, 1, o.source.of(contract.CustomerKey(fmt.Sprint("c", i))), "the last ones are kept")
	}
	require.LessOrEqual(t, o.Len(), size)
	again := 0
	for i := range size / 4 {
		_, err := o.Get(t.Context(), []byte(contract.UserKey(fmt.Sprint(i))))
		require.NoError(t, err)
		again += o.source.of(contract.UserKey(fmt.Sprint(i))) - 1
	}
	require.Less(t, again, size/8, "most of what does exist is still there")
}

// BenchmarkResolve is what a request pays to know who it is from and for: its
// key, team, user, member and organisation, a customer and a tag.
func BenchmarkResolve(b *testing.B) {
	o := newOffice(b, 0)
	hash, sum := ident.HashKey("sk-k"), sha256.Sum256([]byte("sk-k"))
	o.put(contract.VirtualKeyKey(hash), contract.VirtualKey{Hash: hash, TeamID: "t", UserID: "u", OrgID: "o", Limits: one()})
	o.put(contract.TeamKey("t"), contract.Team{ID: "t", Limits: one()})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Resolve(b.Context(), sum); err != nil {
			b.Fatal(err)
		}
		if _, err := o.Customer(b.Context(), "somebody"); err != nil {
			b.Fatal(err)
		}
		if _, err := o.Tag(b.Context(), "label"); err != nil {
			b.Fatal(err)
		}
	}
}

package limits_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

func keysOf(list []limits.Limit) []string {
	var all []string
	for _, l := range list {
		all = append(all, l.Key)
	}
	return all
}

// The names of counters are what replicas of two versions agree on.
func TestOf_names_counters(t *testing.T) {
	t.Parallel()
	l := contract.Limits{
		Rates: contract.Rates{RPM: new(int64(1)), TPD: new(int64(2))}, MaxParallel: new(int64(3)),
		Budgets: []contract.Budget{{MaxNano: 4}, {MaxNano: 5, Duration: "30d"}}, SoftBudgetNano: new(int64(6)), SoftDuration: "1mo",
		Models: map[string]contract.ModelLimits{"a/b": {Rates: contract.Rates{TPH: new(int64(7))}, Budget: &contract.Budget{MaxNano: 8, Duration: "1d"}}},
	}
	s := limits.OfMember(&contract.Membership{TeamID: "t 1", UserID: "u", Limits: l})
	require.Equal(t, []string{
		"req.1m.team_member.dCAx.dQ", "tok.1d.team_member.dCAx.dQ", "par.life.team_member.dCAx.dQ", "usd.life.team_member.dCAx.dQ", "usd.30d.team_member.dCAx.dQ",
	}, keysOf(s.Always))
	require.Equal(t, []string{"tok.1h.model_per_team_member.dCAx.dQ.YS9i", "usd.1d.model_per_team_member.dCAx.dQ.YS9i"}, keysOf(s.Models["a/b"]))
	require.Equal(t, []string{"usd.1mo.team_member.dCAx.dQ"}, keysOf(s.Soft))
	require.False(t, s.Empty())
	for _, set := range []*limits.Set{
		limits.OfKey(&contract.VirtualKey{Hash: "ab", Limits: l}), limits.OfTeam(&contract.Team{ID: "t", Limits: l}), limits.OfUser(&contract.User{ID: "u", Limits: l}),
		limits.OfOrg(&contract.Organization{ID: "o", Limits: l}), limits.OfCustomer("c", &l), limits.OfTag("g", &l), limits.OfProvider("p", &l),
		limits.OfDeployment("d", "m", &l), limits.OfProxy(&l),
	} {
		require.Len(t, set.Always, 5)
		for _, one := range append(set.Always, set.Models["a/b"]...) {
			read, ok := limits.Parse(one.Key)
			require.True(t, ok, one.Key)
			require.Equal(t, []any{one.Scope, one.Unit, one.Window}, []any{read.Scope, read.Unit, read.Window}, one.Key)
		}
	}
}

func TestSet_dynamic_rates_stand_apart(t *testing.T) {
	t.Parallel()
	s := limits.OfKey(&contract.VirtualKey{Hash: "ab", Limits: contract.Limits{
		Rates: contract.Rates{RPM: new(int64(1)), TPM: new(int64(2))}, Requests: contract.Dynamic, Tokens: contract.Guaranteed,
	}})
	require.Equal(t, []string{"tok.1m.api_key.ab"}, keysOf(s.Always))
	require.Equal(t, []string{"req.1m.api_key.ab"}, keysOf(s.Dynamic))
	require.True(t, limits.OfProxy(&contract.Limits{}).Empty())
}

func TestSet_finds_the_limits_of_a_model(t *testing.T) {
	t.Parallel()
	s := limits.OfKey(&contract.VirtualKey{Hash: "ab", Limits: contract.Limits{Models: map[string]contract.ModelLimits{
		"gpt": {Rates: contract.Rates{RPM: new(int64(1))}}, "x/claude": {Rates: contract.Rates{RPM: new(int64(2))}},
	}}})
	for names, want := range map[string]int64{"gpt": 1, "openai/gpt": 1, "x/claude": 2, "other,x/claude": 2, "openai/gpt,x/claude": 1, ",gpt": 1, "claude": 0, "": 0} {
		list, ok := s.ForModel(strings.Split(names, ",")...)
		require.Equal(t, want > 0, ok, names)
		if ok {
			require.Equal(t, want, list[0].Max, names)
		}
	}
	_, ok := (*limits.Set)(nil).ForModel("gpt")
	require.False(t, ok)
}

func TestEnforced_follows_the_configuration(t *testing.T) {
	t.Parallel()
	d := &contract.Deployment{ID: "d", ModelName: "m", Routing: contract.Routing{RPM: 5, TPM: 6, Budget: &contract.Budget{MaxNano: 7}}}
	require.Equal(t, []string{"usd.life.deployment.ZA"}, keysOf(limits.Enforced(d, &contract.RouterSettings{}).Always))
	s := limits.Enforced(d, &contract.RouterSettings{EnforceRateLimits: true, DefaultMaxParallel: 8})
	require.Equal(t, []string{"req.1m.deployment.ZA", "tok.1m.deployment.ZA", "par.life.deployment.ZA", "usd.life.deployment.ZA"}, keysOf(s.Always))
	require.Equal(t, "m", s.Always[0].Name)
}

func TestLimit_ceiling_is_raised_for_a_while(t *testing.T) {
	t.Parallel()
	s := limits.OfProxy(&contract.Limits{Budgets: []contract.Budget{{MaxNano: 5, IncreaseNano: 2, Until: time.Unix(100, 0)}}})
	require.EqualValues(t, 7, s.Always[0].Ceiling(99))
	require.EqualValues(t, 5, s.Always[0].Ceiling(100))
}

func TestWindow_bounds_hold_their_time(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
		w, err := limits.Every(rapid.SampledFrom([]string{"1s", "45s", "7m", "1h", "5h", "1d", "2d", "1w", "30d", "1mo", "7mo"}).Draw(t, "duration"))
		require.NoError(t, err)
		start, end := w.Bounds(at)
		require.False(t, at.Before(start))
		require.True(t, at.Before(end))
		again, _ := w.Bounds(start)
		require.Equal(t, start, again)
		next, _ := w.Bounds(end)
		require.Equal(t, end, next)
		_, sameEnd := w.Bounds(end.Add(-1))
		require.Equal(t, end, sameEnd)
	})
	start, end := limits.Window{}.Bounds(time.Now())
	require.EqualValues(t, 0, start.Unix())
	require.True(t, end.IsZero())
	for w, class := range map[limits.Window]limits.Class{
		limits.Minute: limits.ClassMinute, limits.Hour: limits.ClassHour, limits.Day: limits.ClassDay, {}: limits.ClassBudget,
	} {
		require.Equal(t, class, w.Class())
	}
	_, err := limits.Every("soon")
	require.Error(t, err)
}

func TestCapacity_is_shared_out(t *testing.T) {
	t.Parallel()
	var c limits.Capacity
	for range 2 {
		c.Add(&contract.Deployment{Routing: contract.Routing{RPM: 50, TPM: -1}})
	}
	require.Equal(t, []string{"req.1m.model_group.Zw"}, keysOf(c.Limits("g")))
	require.EqualValues(t, 100, c.Limits("g")[0].Max)
	for want, p := range map[string]*contract.Priorities{
		"default 25 a 75": {Default: 0.25, Shares: map[string]contract.Share{"a": {Type: "percent", Value: 0.75}}},
		"default 50 a 20": {Default: 0.5, Shares: map[string]contract.Share{"a": {Type: "rpm", Value: 20}}},
		"default 33 a 66": {Default: 0.5, Shares: map[string]contract.Share{"a": {Type: "percent", Value: 1}}},
		"default 100 a 0": {Default: 1, Shares: map[string]contract.Share{"a": {Type: "tpm", Value: 5}}},
		"default 100":     {Default: 1},
	} {
		shares := c.Shares("g", p)
		var got []string
		for _, name := range slices.Sorted(maps.Keys(shares)) {
			require.Equal(t, []string{"req.1m.priority_model.Zw." + contract.Token(name)}, keysOf(shares[name]))
			got = append(got, name, strconv.FormatInt(shares[name][0].Max, 10))
		}
		slices.Sort(got)
		parts := strings.Fields(want)
		slices.Sort(parts)
		require.Equal(t, parts, got)
	}
}

// The golden records have limits that were written by an older replica.
func TestOf_reads_the_golden_key(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "contract", "testdata", "key.v1.json"))
	require.NoError(t, err)
	var k contract.VirtualKey
	require.NoError(t, json.Unmarshal(raw, &k))
	require.False(t, limits.OfKey(&k).Empty())
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"req.1m.api_key.ab", "tok.1h.team.eA", "usd.30d.team_member.a.b", "usd.life.proxy.all", "par.life.api_key.ab", "usd.0d.tag.x", "req.2m.tag.x", "usd..tag.x", "....", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		l, ok := limits.Parse(key)
		if !ok {
			require.Equal(t, limits.Limit{}, l)
			return
		}
		start, end := l.Window.Bounds(time.Now())
		require.True(t, end.IsZero() || start.Before(end))
		require.NotEmpty(t, l.Window.Class())
		require.Equal(t, key, l.Key)
		tokens := strings.Split(key, ".")
		again := limits.New(l.Scope, l.Unit, l.Window, 1, "", tokens[3:]...)
		require.Equal(t, key, again.Key)
	})
}

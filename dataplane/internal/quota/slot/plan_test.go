package slot_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota/slot"
)

func holdersOf(t *rapid.T) slot.Holders {
	return slot.Holders(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "me", "was"}), rapid.Int64Range(1, 20), 0, 6).Draw(t, "record"))
}

// No plan passes the limit, unless the record did, and none touches what others
// hold but to give.
func TestPlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rec := holdersOf(t)
		dead := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "dead")
		gives := rapid.MapOfN(rapid.SampledFrom([]string{"c", "d", "new"}), rapid.Int64Range(1, 5), 0, 2).Draw(t, "gives")
		limit := rapid.Int64Range(0, 60).Draw(t, "limit")
		use := rapid.Int64Range(0, 30).Draw(t, "use")
		drop := rapid.Int64Range(0, 5).Draw(t, "drop")
		more := rapid.Bool().Draw(t, "more")
		next := slot.NewPlan("me", []string{"was"}, gives, drop, use, limit, rapid.Int64Range(1, 4).Draw(t, "replicas"), more).
			Apply(rec, func(id string) bool { return id == dead })
		require.LessOrEqual(t, next.Sum(), max(limit, rec.Sum()))
		require.NotContains(t, next, "was")
		require.NotContains(t, next, dead)
		for _, id := range []string{"a", "b", "c", "d", "new"} {
			if id != dead {
				require.GreaterOrEqual(t, next[id], rec[id])
				require.LessOrEqual(t, next[id], rec[id]+gives[id])
			}
		}
		given := int64(0)
		for id, n := range next {
			require.Positive(t, n, id)
			given += gives[id]
		}
		require.GreaterOrEqual(t, next["me"], max(0, rec["me"]+rec["was"]-drop-given))
		if !more {
			require.LessOrEqual(t, next["me"], max(use, rec["me"]+rec["was"]), "only what is used is taken")
		}
	})
}

func TestFirstComesThePart(t *testing.T) {
	t.Parallel()
	alive := func(string) bool { return false }
	for _, c := range []struct {
		name            string
		rec             slot.Holders
		use, limit, all int64
		want            int64
	}{
		{"an even part of a limit nobody uses", nil, 0, 10, 3, 4},
		{"of one", nil, 0, 1, 3, 1},
		{"all of it alone", nil, 0, 10, 1, 10},
		{"what is left", slot.Holders{"a": 9}, 0, 10, 3, 1},
		{"later a part of what is free", slot.Holders{"me": 4}, 4, 10, 3, 6},
		{"nothing when there is enough", slot.Holders{"me": 4}, 3, 10, 3, 4},
		{"nothing when there is none", slot.Holders{"a": 10}, 0, 10, 3, 0},
		{"what was used without having it as well", slot.Holders{"me": 1}, 5, 10, 9, 6},
	} {
		require.Equal(t, c.want, slot.NewPlan("me", nil, nil, 0, c.use, c.limit, c.all, true).Apply(c.rec, alive)["me"], c.name)
	}
}

// What the holders hand over adds up to what is asked for.
func TestPortion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rec := holdersOf(t)
		floor := rapid.Int64Range(0, 10).Draw(t, "floor")
		deficit := rapid.Int64Range(-3, 20).Draw(t, "deficit")
		rev := rapid.Uint64().Draw(t, "rev")
		sum, excess := int64(0), int64(0)
		for id, n := range rec {
			p := slot.Portion(rec, rev, "me", id, floor, deficit)
			if id == "me" {
				require.Zero(t, p)
				continue
			}
			require.GreaterOrEqual(t, p, int64(0))
			require.LessOrEqual(t, p, max(0, n-floor))
			sum, excess = sum+p, excess+max(0, n-floor)
		}
		require.Equal(t, max(0, min(deficit, excess)), sum)
	})
}

func FuzzRecord(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"h":{"ABC":3}}`, `{"h":{"":1}}`, `{"h":{"a":-1}}`, `{"h":{"a":9223372036854775807}}`, `{"h":[]}`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := slot.ParseRecord(data)
		if err != nil {
			return
		}
		require.GreaterOrEqual(t, h.Sum(), int64(len(h)))
		again, err := h.Encode()
		require.NoError(t, err)
		same, err := slot.ParseRecord(again)
		require.NoError(t, err)
		require.Equal(t, h.Sum(), same.Sum())
	})
}

func FuzzMessages(f *testing.F) {
	for _, seed := range []string{
		`{"k":"par.life.team.x","r":"one","i":"ABC","rev":3,"h":{"ABC":2},"m":10,"w":1,"f":3}`,
		`{"k":"a..b","r":"one","i":"ABC","rev":3}`, `{"k":"a","r":"one","i":"ABC","rev":1,"m":-1}`, `{"r":"one","i":"ABC","rev":7,"gone":true}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if h, err := slot.ParseHint(data); err == nil {
			require.NotEmpty(t, h.Holder)
			require.NotContains(t, h.Key, "*")
			require.NotContains(t, h.Key, "..")
			require.GreaterOrEqual(t, min(h.Limit, h.Want, h.Fair), int64(0))
		}
		if b, err := slot.ParseBeat(data); err == nil {
			require.NotEmpty(t, b.Holder)
			require.NotZero(t, b.Revision)
		}
	})
}

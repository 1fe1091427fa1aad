package cache_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

func TestParseControls(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, member, metadata string
		want                   cache.Controls
	}{
		{"nothing", "", "", cache.Controls{}},
		{"not an object", "true", `{"cache":5}`, cache.Controls{}},
		{"all", `{"no-cache":true,"no-store":true,"use-cache":true,"namespace":"n"}`, "", cache.Controls{NoCache: true, NoStore: true, UseCache: true, Namespace: "n"}},
		{"null", `{"no-cache":null,"ttl":null}`, "", cache.Controls{}},
		{"unknown", `{"no-cahce":5}`, "", cache.Controls{}},
		{"the key wins", `{"no-cache":true,"namespace":"mine"}`, `{"a":1,"cache":{"no-cache":false,"namespace":"theirs"}}`, cache.Controls{Namespace: "theirs"}},
		{"the key is wrong", `{"no-cache":true}`, `{"cache":{"no-cache":"x","no-store":true}}`, cache.Controls{NoCache: true, NoStore: true}},
	} {
		got, err := cache.ParseControls([]byte(tc.member), nil, json.RawMessage(tc.metadata))
		require.NoError(t, err, tc.name)
		require.Equal(t, tc.want, got, tc.name)
	}
}

func TestParseControls_refuses_wrong_types_by_name(t *testing.T) {
	t.Parallel()
	for member, name := range map[string]string{
		`{"no-cache":"yes"}`: "no-cache", `{"no-store":1}`: "no-store", `{"use-cache":[]}`: "use-cache", `{"ttl":"5"}`: "ttl", `{"ttl":-1}`: "ttl",
		`{"s-maxage":{}}`: "s-maxage", `{"s-max-age":true}`: "s-max-age", `{"namespace":5}`: "namespace", `{"namespace":"` + strings.Repeat("x", 300) + `"}`: "namespace",
		`{"ttl":1e999}`: "ttl",
	} {
		_, err := cache.ParseControls([]byte(member), nil, nil)
		public := apierr.Public(err)
		require.Equal(t, http.StatusBadRequest, public.Status, member)
		require.Contains(t, public.Message, "cache."+name+": want ")
		require.Equal(t, "cache."+name, public.Param)
	}
	_, err := cache.ParseControls([]byte(`{"ttl":`), nil, nil)
	require.Equal(t, http.StatusBadRequest, apierr.Public(err).Status)
}

// The lifetime of what is stored shows which ttl won.
func TestControls_of_lifetime(t *testing.T) {
	t.Parallel()
	header := func(v string) http.Header { return http.Header{"Cache-Control": {v}} }
	for _, tc := range []struct {
		name, member string
		header       http.Header
		want         time.Duration // of the settings: one minute
	}{
		{"of the settings", "", nil, time.Minute},
		{"of the body", `{"ttl":5}`, nil, 5 * time.Second},
		{"a fraction", `{"ttl":0.5}`, nil, 500 * time.Millisecond},
		{"none", `{"ttl":0}`, nil, 0},
		{"of the header", "", header("no-cache, S-MaxAge=7"), 7 * time.Second},
		{"of the body, not the header", `{"ttl":5}`, header("s-maxage=7"), 5 * time.Second},
		{"of a header that is not understood", "", header(`s-maxage="7", s-maxage=-1, s-maxage`), time.Minute},
		{"bounded", `{"ttl":1e300}`, nil, 7 * 24 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			now := newClock()
			r := newReplica(t, on(), cache.Options{Clock: now.Now})
			ctl, err := cache.ParseControls([]byte(tc.member), tc.header, nil)
			require.NoError(t, err)
			key := cache.Key{1}
			r.Put(key, answer("a"), ctl)
			now.advance(tc.want - time.Millisecond)
			_, ok := r.Get(t.Context(), key, cache.Controls{})
			require.Equal(t, tc.want > 0, ok)
			now.advance(2 * time.Millisecond)
			_, ok = r.Get(t.Context(), key, cache.Controls{})
			require.False(t, ok)
		})
	}
}

func TestCheckAllowed(t *testing.T) {
	t.Parallel()
	require.NoError(t, cache.CheckAllowed([]byte(`{"ttl":5,"no-cache":true}`), []string{"no-cache", "ttl"}))
	require.NoError(t, cache.CheckAllowed([]byte(`{"ttl":5}`), nil))
	require.NoError(t, cache.CheckAllowed([]byte(`true`), []string{"ttl"}))
	require.NoError(t, cache.CheckAllowed(nil, []string{"ttl"}))
	public := apierr.Public(cache.CheckAllowed([]byte(`{"ttl":5,"no-cache":true}`), []string{"ttl"}))
	require.Equal(t, http.StatusForbidden, public.Status)
	require.Equal(t, "Not allowed to set no-cache as a cache control. Contact admin to change permissions.", public.Message)
}

func FuzzParseControls(f *testing.F) {
	f.Add([]byte(`{"ttl":5,"s-maxage":1.5,"namespace":"n"}`), "s-maxage=5, no-store", []byte(`{"cache":{"no-cache":true}}`))
	f.Add([]byte(`{"ttl":1e308}`), "s-maxage=99999999999999999999", []byte(`{"cache":`))
	f.Add([]byte(`{`), "=,=,s-maxage=", []byte(`[]`))
	f.Fuzz(func(t *testing.T, member []byte, header string, metadata []byte) {
		ctl, err := cache.ParseControls(member, http.Header{"Cache-Control": {header}}, metadata)
		if err != nil {
			require.Equal(t, http.StatusBadRequest, apierr.Public(err).Status)
			return
		}
		require.LessOrEqual(t, len(ctl.Namespace), 256)
		_ = cache.CheckAllowed(member, []string{"ttl"})
		if len(member) > 0 && member[0] == '{' {
			require.True(t, json.Valid(member) || !json.Valid([]byte(strings.ToValidUTF8(string(member), ""))), "accepted %q", member)
		}
	})
}

package contract_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tianjillm/tianjillm/shared/contract"
)

func TestUsage_encodes_as_encoding_json_would(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var u contract.Usage
		v := reflect.ValueOf(&u).Elem()
		for i := range v.NumField() {
			switch f := v.Field(i); f.Kind() {
			case reflect.String:
				f.SetString(rapid.StringN(0, 12, -1).Draw(t, v.Type().Field(i).Name))
			case reflect.Slice:
				if list := rapid.SliceOfN(rapid.StringN(0, 12, -1), 0, 3).Draw(t, v.Type().Field(i).Name); len(list) > 0 {
					f.Set(reflect.ValueOf(list))
				}
			case reflect.Bool:
				f.SetBool(rapid.Bool().Draw(t, v.Type().Field(i).Name))
			default:
				f.SetInt(rapid.Int64Range(0, 1<<60).Draw(t, v.Type().Field(i).Name))
			}
		}
		want, err := json.Marshal(u)
		require.NoError(t, err)
		got := u.AppendJSON(nil)
		require.JSONEq(t, string(want), string(got))
		var back contract.Usage
		require.NoError(t, json.Unmarshal(got, &back))
		require.Equal(t, u, back)
	})
}

// The golden files are what older replicas write. They must stay readable, and
// reading them must not lose a member.
func TestGolden_records_stay_readable(t *testing.T) {
	t.Parallel()
	for name, rec := range map[string]any{
		"usage": &contract.Usage{}, "usage_tags": &contract.Usage{}, "key": &contract.VirtualKey{}, "key_former": &contract.VirtualKey{}, "team": &contract.Team{}, "user": &contract.User{},
		"deployment": &contract.Deployment{}, "deployment_routing": &contract.Deployment{}, "router": &contract.RouterSettings{}, "router_state": &contract.RouterState{},
		"membership": &contract.Membership{}, "organization": &contract.Organization{}, "customer": &contract.Customer{}, "tag": &contract.Tag{},
		"member": &contract.Member{}, "beacon": &contract.Beacon{}, "transcript": &contract.Transcript{}, "cache": &contract.CacheSettings{}, "cachechange": &contract.CacheChange{}, "tombstone": &contract.VirtualKey{},
	} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".v1.json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, rec), name)
		again, err := json.Marshal(rec)
		require.NoError(t, err)
		var want, got map[string]any
		require.NoError(t, json.Unmarshal(raw, &want))
		require.NoError(t, json.Unmarshal(again, &got))
		for member, value := range want {
			require.Equal(t, value, got[member], "%s: member %q was lost", name, member)
		}
	}
}

func TestNames_are_separate_for_each_prefix(t *testing.T) {
	t.Parallel()
	a, err := contract.NewNames("tianji")
	require.NoError(t, err)
	b, err := contract.NewNames("tianji-2")
	require.NoError(t, err)
	require.NotEqual(t, a.ConfigBucket(), b.ConfigBucket())
	require.NotEqual(t, a.UsageWildcard(), b.UsageWildcard())
	for _, bad := range []string{"", "A", "a.b", "a>", "a b", "9a"} {
		_, err := contract.NewNames(bad)
		require.Error(t, err, bad)
	}
	id, err := contract.IDOfToken(contract.Token("team/with spaces.and*"))
	require.NoError(t, err)
	require.Equal(t, "team/with spaces.and*", id)
}

package limit_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/shared/contract"
)

func limits(t *testing.T, text string) contract.Limits {
	t.Helper()
	var l contract.Limits
	require.NoError(t, json.Unmarshal([]byte(text), &l))
	return l
}

func TestCheckGuarantee(t *testing.T) {
	t.Parallel()
	const guaranteed = `"requests_type":"guaranteed_throughput","tokens_type":"guaranteed_throughput"`
	team := limits(t, `{"rpm":10,"tpm":1000,"rpd":50,"models":{"gpt":{"rpm":6}}}`)
	others := []contract.Limits{
		limits(t, `{"rpm":3,"tpm":100,"rpd":40,"models":{"gpt":{"rpm":4}},`+guaranteed+`}`),
		limits(t, `{"rpm":4,"requests_type":"guaranteed_throughput","tpm":900}`),
		limits(t, `{"rpm":100,"tpm":100000}`),
	}
	for key, want := range map[string]string{
		`{"rpm":3,"tpm":900,` + guaranteed + `}`:                             "",
		`{"rpm":4,` + guaranteed + `}`:                                       "Allocated RPM limit=7 + Key RPM limit=4 is greater than team RPM limit=10",
		`{"rpm":4,"requests_type":"dynamic"}`:                                "",
		`{"rpm":4,"tokens_type":"guaranteed_throughput"}`:                    "",
		`{"tpm":901,` + guaranteed + `}`:                                     "Allocated TPM limit=100 + Key TPM limit=901 is greater than team TPM limit=1000",
		`{"tpd":9007199254740992,` + guaranteed + `}`:                        "",
		`{"rpd":11,` + guaranteed + `}`:                                      "Allocated RPD limit=40 + Key RPD limit=11 is greater than team RPD limit=50",
		`{"models":{"gpt":{"rpm":2},"other":{"rpm":10}},` + guaranteed + `}`: "",
		`{"models":{"gpt":{"rpm":3}},` + guaranteed + `}`:                    "Allocated RPM limit=4 + Key RPM limit=3 is greater than team RPM limit=6. Model=gpt",
		`{"models":{"other":{"rpm":11}},` + guaranteed + `}`:                 "Allocated RPM limit=0 + Key RPM limit=11 is greater than team RPM limit=10. Model=other",
	} {
		wants := limits(t, key)
		err := limit.CheckGuarantee(&team, others, &wants)
		if want == "" {
			require.NoError(t, err, key)
		} else {
			require.EqualError(t, err, want, key)
		}
	}
	huge := contract.Limits{Rates: contract.Rates{RPM: new(int64(math.MaxInt64))}, Requests: contract.Guaranteed}
	require.Error(t, limit.CheckGuarantee(&team, []contract.Limits{huge, huge}, &huge), "sums do not overflow")
}

func TestGuarantees_only_what_is_new(t *testing.T) {
	t.Parallel()
	before := limits(t, `{"rpm":3,"tpm":5,"requests_type":"guaranteed_throughput"}`)
	for after, want := range map[string]bool{
		`{"rpm":3,"requests_type":"guaranteed_throughput"}`:                          false,
		`{"rpm":2,"requests_type":"guaranteed_throughput"}`:                          false,
		`{"rpm":4,"requests_type":"guaranteed_throughput"}`:                          true,
		`{"rpm":9,"requests_type":"best_effort_throughput"}`:                         false,
		`{"tpm":5,"tokens_type":"guaranteed_throughput"}`:                            true,
		`{"rpm":3,"models":{"m":{"rpm":1}},"requests_type":"guaranteed_throughput"}`: true,
	} {
		l := limits(t, after)
		require.Equal(t, want, limit.Guarantees(&before, &l), after)
	}
}

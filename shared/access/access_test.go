package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/access"
)

func TestModel(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		list  []string
		model string
		want  bool
	}{
		{nil, "m", true},
		{[]string{"*"}, "m", true},
		{[]string{"all-proxy-models"}, "m", true},
		{[]string{"all-team-models"}, "m", true},
		{[]string{"no-default-models"}, "m", false},
		{[]string{"no-default-models"}, "no-default-models", false},
		{[]string{"a", "m"}, "m", true},
		{[]string{"a"}, "ab", false},
		{[]string{"openai/*"}, "openai/gpt-4o", true},
		{[]string{"openai/*"}, "azure/gpt-4o", false},
	} {
		require.Equal(t, tc.want, access.Model(tc.list, tc.model), "%v %s", tc.list, tc.model)
	}
}

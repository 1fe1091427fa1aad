package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/access"
)

func TestGrant_more_models_only_add(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		grant  access.Grant
		groups []string
		want   bool
	}{
		{access.Grant{}, nil, true},
		{access.Grant{More: []string{"other"}}, nil, true},
		{access.Grant{Models: []string{"other"}}, nil, false},
		{access.Grant{Models: []string{"other"}, More: []string{}}, nil, false},
		{access.Grant{Models: []string{"other"}, More: []string{"m"}}, nil, true},
		{access.Grant{Models: []string{"other"}, More: []string{"another"}}, nil, false},
		{access.Grant{Models: []string{"group"}}, []string{"group"}, true},
		{access.Grant{Models: []string{"other"}, More: []string{"group"}}, []string{"group"}, true},
		{access.Grant{Models: []string{"no-default-models"}}, []string{"group"}, false},
	} {
		require.Equal(t, tc.want, tc.grant.Allows("m", tc.groups), "%+v %v", tc.grant, tc.groups)
	}
}

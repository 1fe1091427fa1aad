package fakeanthropic_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
	"github.com/tianjillm/tianjillm/test/sdk/suite"
)

func model(kind string) string { return "claude-" + kind }

// TestSDK: the vendor is what the official SDK takes for Anthropic.
//
//nolint:tparallel // what was refused is looked at when all is done
func TestSDK(t *testing.T) {
	t.Parallel()
	v := fakeanthropic.Start(t)
	suite.Script(v, model)
	t.Run("suite", func(t *testing.T) {
		suite.Anthropic(t, suite.Target{Base: v.URL(), Key: fakevendor.Key, Model: model, Abilities: suite.Abilities{Thoughts: true}})
	})
	for _, c := range v.Refused() {
		require.Equal(t, "invalid x-api-key", c.Refusal)
	}
}

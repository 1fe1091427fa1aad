// Package integration_test runs whole installations and drives them through
// their HTTP faces, with the SDKs that users have and with plain requests.
package integration_test

import (
	"testing"

	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m, pgtest.CheckLeaks()) }

// Package sdk_test drives data planes with the programs that users have: the
// SDKs of the vendors for Node.js, and Claude Code.
package sdk_test

import (
	"testing"

	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m, pgtest.CheckLeaks()) }

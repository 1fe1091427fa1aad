package gemini_test

import (
	"testing"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider/conformance"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	conformance.Run(t, "testdata/golden", build)
}

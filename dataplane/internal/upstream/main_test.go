package upstream_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The benchmarks run their vendor in a process of its own, so that the CPU
	// time they report is the client's alone.
	if len(os.Args) > 2 && os.Args[1] == vendorCommand {
		serveVendor(os.Args[2])
		return
	}
	goleak.VerifyTestMain(m)
}

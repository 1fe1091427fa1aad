package pgtest

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Option changes what [Main] does.
type Option func(*runner)

type runner struct {
	checkLeaks  bool
	leakOptions []goleak.Option
}

// CheckLeaks fails the package if goroutines are left when all tests are over
// and the cluster is stopped.
func CheckLeaks(options ...goleak.Option) Option {
	return func(r *runner) { r.checkLeaks, r.leakOptions = true, options }
}

// Main runs the tests of a package, stops the cluster they shared and exits:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
func Main(m *testing.M, options ...Option) {
	var r runner
	for _, o := range options {
		o(&r)
	}
	os.Exit(r.run(m.Run))
}

func (r *runner) run(tests func() int) int {
	code := tests()
	ctx, cancel := context.WithTimeout(context.Background(), opTimeout)
	defer cancel()
	if err := process.stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest: stop the cluster:", err)
		code = max(code, 1)
	}
	if code == 0 && r.checkLeaks {
		if err := goleak.Find(r.leakOptions...); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = 1
		}
	}
	return code
}

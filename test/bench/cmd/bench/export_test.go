package main

import (
	"io"

	"github.com/tianjillm/tianjillm/test/bench/internal/measure"
)

// Run is for tests.
func Run(args []string, stdout, stderr io.Writer) int { return run(args, stdout, stderr) }

// Parse is for tests.
func Parse(args []string) (measure.Options, error) {
	o, err := parse(args, io.Discard)
	return o.measure, err
}

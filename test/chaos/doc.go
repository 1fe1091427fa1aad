// Package chaos kills parts of a running installation while requests go on.
// The parts are real processes, so that a kill is one.
package chaos

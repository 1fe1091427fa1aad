//go:build !linux

package upstream_test

import "testing"

// fullListener returns an address where connecting takes for ever: it belongs
// to nobody (RFC 5737).
func fullListener(*testing.T) string { return "192.0.2.1:9" }

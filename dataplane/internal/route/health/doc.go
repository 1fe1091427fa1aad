// Package health keeps what is known of each deployment at run time: calls
// under way, requests and tokens of the minute, latencies, failures, and
// whether it is cooling down.
//
// A State outlives configurations; a Registry finds it by the deployment's id.
// The package decides when a failure is one too many (Rules), but it chooses no
// deployment, reads no configuration and starts no goroutine.
package health

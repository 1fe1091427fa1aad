// Package route decides which deployment serves a request, and what is done
// when that fails.
//
// A Table is one state of the configuration: which deployments stand behind
// which name, and by which rules they are chosen. Nobody changes it. A Router
// holds what outlives configurations: calls under way, use, latencies and
// cooldowns, shared with the other replicas. A Route is one request's way:
// Begin picks a deployment, Next says after a failure whether another attempt
// is made, where and when.
//
// What a deployment has to be able to do and how it is called is not its
// business, nor is waiting. The goroutine that talks to other replicas belongs
// to the Router; Close ends it.
package route

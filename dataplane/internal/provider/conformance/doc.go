// Package conformance checks backends against golden files: what a client
// asks, what the vendor must receive, what the vendor answers, and what the
// client must get. It goes through the real upstream client and a real socket.
//
// A case is one file in txtar format (https://pkg.go.dev/golang.org/x/tools/txtar)
// with the sections
//
//	config.json    the deployment: model, params, api_version, …; surface is an
//	               operation other than chat, by LiteLLM's call type
//	request.json   what the client asks, in OpenAI's wire (or the surface's)
//	upstream       what the vendor must receive: a line with method and path,
//	               the headers that matter, an empty line, the body
//	answer.json    what the vendor answers; or answer.sse, answer.lines,
//	               answer.aws (one "event-type {json}" a line)
//	answer.head    optional: the status on the first line, then headers
//	response.json  what the client must get; or response.sse; or failure, the
//	               status and reason of a vendor's refusal or of our own
//
// With -update the upstream and response sections are written anew: look at
// the difference before you commit it.
package conformance

// Package upstream is the only HTTP client to vendors: a blocking HTTP/1.1
// client that costs a fraction of net/http's Transport. The goroutine that
// calls Client.Do writes the request and reads the answer itself; nothing is
// handed between goroutines on the way.
//
// It speaks one exchange: target, head, body, response. It does not follow
// redirects, keep cookies, add Accept-Encoding or decompress, retry by status,
// pick deployments or know any vendor. The one retry it makes, on a fresh
// connection, is for a pooled one that breaks before the first byte of the
// answer; a vendor that dies just then may so have seen the request twice.
//
// Bodies are given as segments, so that a spliced JSON body is sent without
// being copied, or as a reader. Response.Read hands out what one read of the
// socket delivered: streams depend on it.
//
// Goroutines: a Client owns one sweeper, stopped by Client.Close. An exchange
// starts a goroutine only when sending its body stalls, to see an early answer,
// and Do waits for it. A context that can be cancelled is watched with
// context.AfterFunc until the body was read or closed.
package upstream

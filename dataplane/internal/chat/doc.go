// Package chat is the internal form of a chat: OpenAI's chat completions,
// extended by what other vendors need (thinking blocks, cache marks, files).
// Dialects translate clients' requests into it and answers out of it, provider
// packages do the reverse, so that every dialect meets every provider here.
//
// A request whose dialect is the provider's own wire never gets here: its
// bytes pass through. The package is data and pure functions; it calls nobody
// and starts no goroutine.
//
// Wire facts: https://platform.openai.com/docs/api-reference/chat
package chat

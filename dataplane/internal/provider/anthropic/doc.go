// Package anthropic speaks Anthropic's Messages API: chats in the internal
// form are translated, requests in Anthropic's own wire pass through with the
// model replaced.
//
// New serves Anthropic itself. Claude is sold by others, too, with the same
// bodies under other paths and proofs: their packages make a Codec with the
// Options of that host, and take from it the translation of chats and the
// surfaces Messages and CountTokens.
//
// It is pure translation: it sends nothing, fetches nothing and starts no
// goroutine. What Anthropic's older text completions answered is not offered;
// no model that knew them is left.
//
// Wire facts: https://platform.claude.com/docs/en/api/messages and Anthropic's
// Go SDK, https://github.com/anthropics/anthropic-sdk-go (v1.84.0).
package anthropic

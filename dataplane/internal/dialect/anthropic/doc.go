// Package anthropic is the dialect of Anthropic's Messages API: what Claude
// Code and Anthropic's SDKs speak, for models of any vendor.
//
// Requests become chats in the internal form, answers and streams become
// messages and their events. What the internal form has no field for, and only
// Anthropic's own wire understands, is kept beside it for the codecs of that
// wire; everyone else does not see it.
//
// It is pure: it calls nobody and starts no goroutine.
//
// Wire facts: https://platform.claude.com/docs/en/api/messages and
// https://platform.claude.com/docs/en/build-with-claude/streaming
package anthropic

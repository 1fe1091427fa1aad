// Package gemini is the dialect of the Gemini API: what Google's SDKs speak, for
// models of any vendor. Requests to generate content become chats in the
// internal form, answers and streams become Gemini's. So do the counts of
// tokens and the embeddings of that API, by functions of their own.
//
// What the internal form has no field for, and only Gemini's own wire
// understands, is kept beside it for the codecs of that wire; everyone else
// does not see it. Names are read as the wire and as Python's SDK have them.
//
// It is pure: it calls nobody and starts no goroutine.
//
// Wire facts: https://ai.google.dev/api/generate-content and the types of
// google.golang.org/genai v1.77.0.
package gemini

// Package gemini speaks to the Gemini API of Google AI Studio: chats, streams,
// embeddings, pictures and counts of tokens, and the API's own methods passed
// through. Package vertex sends the same bodies to Vertex AI, by way of Codec
// and Surfaces.
//
// Its codec is pure: it calls nobody. The backend around it makes one kind of
// call of its own, for prompts that the client wants kept in Gemini's cache.
// No goroutine is started.
//
// Wire facts: https://ai.google.dev/api/generate-content, the converters of
// google.golang.org/genai v1.77.0, and LiteLLM for what clients expect.
package gemini

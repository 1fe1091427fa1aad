// Package vertex speaks to Vertex AI: Google's own models with the codec of
// package gemini, Claude with that of package anthropic, and the models of
// others in OpenAI's wire, by way of package compat. What is its own are the
// paths, the embeddings, and how a deployment proves itself.
//
// It starts goroutines only to embed several texts with models that take one at
// a time; the call waits for them. Tokens are fetched by the requests that need
// them.
//
// Wire facts: https://cloud.google.com/vertex-ai/generative-ai/docs and the
// converters of google.golang.org/genai v1.77.0.
package vertex

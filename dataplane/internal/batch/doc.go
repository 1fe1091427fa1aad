// Package batch counts what is inside a batch before it is submitted: how many
// requests, for which models, of about how many tokens. So a batch can be held
// to all limits as a whole, and to the models that its caller may use.
//
// The requests of OpenAI's batches stand in a file that the vendor keeps, one a
// line; Anthropic's stand in the body. The file is read from the vendor as it
// comes, and nothing of it is kept but counts. What two readers might understand
// differently is refused: what is checked here must be what the vendor acts on.
//
// Wire facts: https://platform.openai.com/docs/guides/batch,
// https://docs.anthropic.com/en/api/creating-message-batches
//
// It decides nothing and reserves nothing; package pipeline does. It owns no
// goroutine: a file is read on that of its request, a bounded number at a time.
package batch

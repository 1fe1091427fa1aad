// Package mock is the built-in provider: it answers in this process, without a
// vendor, for demonstrations, load tests and the tests of the pipeline.
//
// The model "echo" answers with the text it was asked; any other model, such
// as "fixed", answers with a fixed text or that of mock_response. Embeddings
// are unit vectors derived from a hash of the input. These options, from
// litellm_params or, stronger, from the request body, change the answer:
//
//	mock_response            text, or a whole response object that is returned as it is;
//	                         litellm.RateLimitError and the like answer with that error
//	mock_latency_ms          wait before the response head (mock_delay: the same in seconds)
//	mock_chunks              content chunks of a stream, one for each word if not given;
//	                         a text too short for them is repeated
//	mock_chunk_interval_ms   wait before each of them
//	mock_close_after_chunks  break the stream off after that many of them
//	mock_status              answer with an error of that status
//	mock_retry_after         seconds, sent as a header
//	mock_garbage             a body that is neither JSON nor an event stream
//	mock_tool_calls          the tool calls of the answer; a tool_choice that forces a call
//	                         is obeyed without them
//	mock_usage               the usage object
//
// Token counts are a quarter of the bytes of the text. The package does not
// look at sampling parameters, keeps no state between calls and starts no
// goroutine; a reply belongs to one goroutine at a time.
package mock

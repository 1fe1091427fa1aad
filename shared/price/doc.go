// Package price says what a request costs: for each model a Rate with all the
// prices that vendors charge, and a Book that finds the rate of a model.
//
// The book's own table is generated from the npm package @pydantic/genai-prices
// (see table/LICENSE) and lies in the program; nothing of it is parsed before
// the first model of a vendor is looked up. Users lay price files in LiteLLM's
// format over it (Overlay), and give single deployments prices of their own
// (ParseLiteLLM).
//
// Prices are nano-dollars for a million units, whatever the unit: tokens,
// seconds, pages, requests. The package does not count tokens, does not fetch
// files, and owns no goroutine. Books and rates never change once they are
// made, so they are shared without locks.
package price

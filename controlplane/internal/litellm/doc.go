// Package litellm moves an installation of LiteLLM in: it reads LiteLLM's
// database and writes what it holds into ours, with an outbox row for each
// object, so that a control plane that runs publishes it at once and any other
// at its next start.
//
// What LiteLLM's tables look like differs between its releases, and Prisma gives
// them quoted names in camel case. Rows are therefore read as JSON objects of
// whatever columns there are, and a column is taken along when both sides have
// one of that name.
//
// It can be repeated: what exists here stays as it is, and what was deleted here
// stays deleted, unless the options say that LiteLLM's version wins. Nothing is
// written to LiteLLM's database. Who may do this is not asked here: whoever holds
// the URLs of both databases may. It owns no goroutine.
package litellm

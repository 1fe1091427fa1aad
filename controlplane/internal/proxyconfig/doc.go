// Package proxyconfig reads LiteLLM's config.yaml, the file that an existing
// installation brings along: models, settings, references to environment
// variables and further files.
//
// It is strict where a mistake would go unnoticed and lenient where LiteLLM
// accepts more than we know: a value of the wrong type is an error, a key that
// nobody knows is a warning with the key that was probably meant. Everything
// is reported at once and with file and line, and neither an error nor a
// warning shows a value, because any of them can be a credential.
//
// Besides the typed fields each section keeps its raw content, so that the
// package that owns a setting decodes it for itself. The package does not
// decide what a setting means, fetches no secrets and watches no files; it runs
// no goroutines.
package proxyconfig

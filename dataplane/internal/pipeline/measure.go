package pipeline

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tianjillm/tianjillm/dataplane/internal/form"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/price"
)

// speaks reports whether the surface's answers are of tokens, so that they can
// be estimated where a vendor does not report them.
func speaks(s provider.Surface) bool {
	switch s {
	case provider.ChatCompletions, provider.Completions, provider.Embeddings, provider.Messages, provider.GenerateContent, provider.Responses:
		return true
	default:
		return false
	}
}

// measure takes from a request and its whole answer what is paid for beside
// tokens. answer is nil where it is not JSON.
func (x *exchange) measure(answer []byte) {
	m := &x.measures
	switch x.endpoint.Surface {
	case provider.Speech:
		if s, err := jsonx.Unquote(x.call.Lookup("input")); err == nil {
			m.InputCharacters = int64(utf8.RuneCountInString(s))
		}
	case provider.Transcriptions, provider.Translations:
		m.InputAudio = heard(answer)
	case provider.ImageGenerations, provider.ImageEdits, provider.ImageVariations:
		m.OutputImages = int64(elements(jsonx.Lookup(answer, "data").Of(answer)))
		m.ImageWidth, m.ImageHeight = size(x.field("size"))
		m.PremiumImages = x.field("quality") == "hd"
	case provider.Rerank:
		m.Queries = 1
		billed := jsonx.Lookup(answer, "meta").Of(answer)
		units := jsonx.Lookup(billed, "billed_units").Of(billed)
		if n := jsonx.Int(jsonx.Lookup(units, "search_units").Of(units)); n > 0 {
			m.Queries = n
		}
	default: // paid by tokens alone
	}
}

// field returns a text field of a request, which is JSON or a form.
func (x *exchange) field(name string) string {
	if x.call.ContentType != "" {
		f, err := form.Parse(x.call.ContentType, x.call.Body)
		if err != nil {
			return ""
		}
		text, _ := f.Text(name)
		return text
	}
	if text, err := jsonx.Unquote(x.call.Lookup(name)); err == nil {
		return text
	}
	return ""
}

// heard is how long a transcribed recording is, as far as the answer says.
// https://platform.openai.com/docs/api-reference/audio/verbose-json-object
func heard(answer []byte) time.Duration {
	usage := jsonx.Lookup(answer, "usage").Of(answer)
	for _, value := range [][]byte{jsonx.Lookup(answer, "duration").Of(answer), jsonx.Lookup(usage, "seconds").Of(usage)} {
		if seconds, err := strconv.ParseFloat(strings.Trim(string(value), `"`), 64); err == nil && seconds > 0 && seconds < 1e6 {
			return time.Duration(seconds * float64(time.Second))
		}
	}
	return 0
}

// elements counts the elements of a JSON list of objects.
func elements(list []byte) int {
	all, _ := splice.Elements(list)
	return len(all)
}

// size reads "1024x1536".
func size(s string) (width, height int64) {
	w, h, ok := strings.Cut(s, "x")
	if !ok {
		return 0, 0
	}
	width, errW := strconv.ParseInt(w, 10, 32)
	height, errH := strconv.ParseInt(h, 10, 32)
	if errW != nil || errH != nil || width < 0 || height < 0 {
		return 0, 0
	}
	return width, height
}

// searched notes how large the searches of the web were that a vendor made.
func (x *exchange) searched() {
	if x.tokens.WebSearches > 0 && x.chat != nil && x.chat.WebSearchOptions != nil {
		x.measures.SearchSize = price.ParseSearchSize(x.chat.WebSearchOptions.SearchContextSize)
	}
}

// Package tokencount estimates how many tokens a text or a chat has, as
// LiteLLM does: for streams that report no usage, for limits that are checked
// before a call, and for the utility routes.
//
// The vocabularies of OpenAI's tokenizers are compiled in and loaded when the
// first text is counted; other vendors' models are counted with the older of
// them, which is an estimate. It calls nobody and owns no goroutine.
package tokencount

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer/codec"
)

// MaxExact bounds the text that is tokenized, in bytes. A longer one counts as
// one token for each four bytes: exactness would cost a tenth of a second of
// computing for each megabyte.
const MaxExact = 1 << 20

const bytesPerToken = 4

// Counter counts tokens. It is safe for concurrent use and holds the
// vocabularies that were needed, some 10 MB each.
type Counter struct {
	o200k, cl100k func() *codec.Codec
}

// New returns a counter. It loads nothing yet.
func New() *Counter {
	return &Counter{o200k: sync.OnceValue(codec.NewO200kBase), cl100k: sync.OnceValue(codec.NewCl100kBase)}
}

// Text returns the tokens of a text for a model, with or without a provider in
// front of its name.
func (c *Counter) Text(model, text string) int {
	if len(text) > MaxExact {
		return estimate(len(text))
	}
	return c.count(model, text)
}

func estimate(bytes int) int { return (bytes + bytesPerToken - 1) / bytesPerToken }

func (c *Counter) count(model, text string) int {
	if text == "" {
		return 0
	}
	encoding := c.cl100k
	if newVocabulary(model) {
		encoding = c.o200k
	}
	total := 0
	for rest := text; rest != ""; {
		var part string
		part, rest = cutSpace(rest)
		n, err := encoding().Count(part)
		if err != nil {
			return estimate(len(text))
		}
		total += n
	}
	return total
}

// longestSpace bounds white space that is tokenized at once, in bytes. The
// tokenizer's regular expression takes time with the square of its length
// where it is mixed, and a client may send a megabyte of it.
const longestSpace = 256

// cutSpace cuts a text inside the first white space that is too long. What
// people write has none.
func cutSpace(text string) (head, tail string) {
	run := 0
	for i, r := range text {
		if !unicode.IsSpace(r) {
			run = 0
			continue
		}
		size := utf8.RuneLen(r)
		if run += size; run >= longestSpace {
			return text[:i+size], text[i+size:]
		}
	}
	return text, ""
}

// newVocabulary reports whether a model has the vocabulary of GPT-4o. Names
// that nobody knows get the older one, as in LiteLLM:
// https://github.com/openai/tiktoken/blob/main/tiktoken/model.py
func newVocabulary(model string) bool {
	name := model[strings.LastIndexByte(model, '/')+1:]
	name = strings.TrimPrefix(name, "ft:")
	for _, prefix := range []string{"gpt-4o", "gpt-4.1", "gpt-4.5", "chatgpt-4o", "gpt-oss", "codex-", "gpt-image", "gpt-realtime", "gpt-audio"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	if generation, ok := strings.CutPrefix(name, "gpt-"); ok {
		return generation != "" && generation[0] >= '5' && generation[0] <= '9'
	}
	return len(name) >= 2 && name[0] == 'o' && name[1] >= '1' && name[1] <= '9'
}

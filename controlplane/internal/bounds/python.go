package bounds

import (
	"strconv"
	"strings"
)

// Repr is a list of text as Python writes it: LiteLLM puts such lists into its
// messages.
func Repr(items []string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		quote := `'`
		if strings.Contains(item, `'`) && !strings.Contains(item, `"`) {
			quote = `"`
		}
		escaped := strconv.Quote(item)
		escaped = strings.ReplaceAll(escaped[1:len(escaped)-1], `\"`, `"`)
		if quote == `'` {
			escaped = strings.ReplaceAll(escaped, `'`, `\'`)
		}
		b.WriteString(quote + escaped + quote)
	}
	b.WriteByte(']')
	return b.String()
}

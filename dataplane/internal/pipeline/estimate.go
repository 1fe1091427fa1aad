package pipeline

import (
	"bytes"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// firstAnswer is how many tokens an answer is expected to have before any
	// of the group was seen, answerMargin how many times longer than the mean
	// of those that were seen. What is asked for at most does not make it
	// longer: most answers are far shorter, and who asks for much would
	// otherwise be refused for what nobody uses.
	firstAnswer  = 256
	answerMargin = 2
	// leastPrice is reserved where the price is not known, so that a budget
	// that is used up refuses all the same.
	leastPrice = 1
)

// guess is what a request is expected to use. It is made once, and only where
// something that counts tokens or money depends on it.
type guess struct {
	made    bool
	text    int64 // bytes of the prompt
	in, out int64 // tokens
	nano    int64
}

// expect makes the guess.
func (x *exchange) expect() *guess {
	g := &x.account.guess
	if g.made {
		return g
	}
	g.made = true
	about := x.about()
	if speaks(x.endpoint.Surface) && (x.passage == nil || x.passage.Wire != nil) {
		var body []byte
		if x.body != nil { // a session has none
			body = *x.body
		}
		g.text = promptBytes(x.members, body)
		density, ok := about.density.load()
		if !ok {
			density = 1.0 / bytesPerToken
		}
		g.in = max(1, int64(float64(g.text)*density))
		if x.answers() {
			g.out = about.answer(mostAsked(x.members, body))
		}
	}
	g.nano = x.expense(about, g)
	return g
}

// about is what is known of the group that was asked for.
func (x *exchange) about() *group {
	if x.target.Group == nil {
		return &group{learned: &learned{}} // a passage to a vendor
	}
	return x.state.groups.of(x.target.Group)
}

func (x *exchange) expense(about *group, g *guess) int64 {
	p := about.prices
	switch {
	case x.passage != nil && x.passage.Fee != nil:
		return int64(*x.passage.Fee)
	case x.passage != nil && x.deployment != nil:
		p = pricesOf(x.passageRate())
	}
	if n := p.cost(g.in, g.out); n > 0 {
		return n
	}
	if mean, ok := about.spend.load(); ok { // of images and the like, and of models that clients choose
		return max(leastPrice, int64(mean))
	}
	return leastPrice
}

// answers reports whether an answer has tokens.
func (x *exchange) answers() bool {
	return x.endpoint.Surface != provider.Embeddings && x.endpoint.Count == nil
}

func (l *learned) answer(most int64) int64 {
	expected := int64(firstAnswer)
	if mean, ok := l.output.load(); ok {
		expected = max(1, int64(answerMargin*mean))
	}
	if most > 0 {
		expected = min(expected, most)
	}
	return expected
}

// learn lets a call that succeeded count for the next ones.
func (x *exchange) learn() {
	g, t := &x.account.guess, &x.tokens
	if !g.made || x.passage != nil {
		return
	}
	about := x.about()
	about.spend.add(float64(x.usage.CostNano))
	if !t.known {
		return
	}
	if g.text > 0 && t.Input > 0 && x.lookup.batch == nil {
		about.density.add(float64(t.Input) / float64(g.text))
	}
	if x.answers() {
		about.output.add(float64(t.Output))
	}
}

// mostAsked is how many tokens the request wants at most, or 0.
func mostAsked(members []provider.Member, body []byte) int64 {
	for i := range members {
		m := &members[i]
		value := m.Value.Of(body)
		switch string(m.Name) {
		case "max_tokens", "max_completion_tokens", "max_output_tokens":
			if n := jsonx.Int(value); n > 0 {
				return n
			}
		case "generationConfig", "generation_config":
			for _, name := range [...]string{"maxOutputTokens", "max_output_tokens"} {
				if n := jsonx.Int(jsonx.Lookup(value, name).Of(value)); n > 0 {
					return n
				}
			}
		}
	}
	return 0
}

// promptBytes is how long the parts of the body are that a model reads.
func promptBytes(members []provider.Member, body []byte) int64 {
	var n int64
	for i := range members {
		m := &members[i]
		switch string(m.Name) {
		case "messages", "input", "prompt", "system", "instructions", "contents", "content", "tools", "functions", "suffix",
			"systemInstruction", "system_instruction", "requests", "response_format":
			n += textual(m.Value.Of(body))
		}
	}
	return n
}

const (
	// stride is how far apart a prompt is looked at for media: every piece that
	// is longer than two of them is found.
	stride = 1024
	sample = 64
	// mediaBytes is how much text a picture or a recording counts as.
	mediaBytes = 800 * bytesPerToken
)

// textual is how many bytes of JSON are text. Media stand there as base64,
// which is long and says little about tokens.
func textual(value []byte) int64 {
	n := int64(len(value))
	for at := stride; at+sample < len(value); at += stride {
		if !base64ed(value[at : at+sample]) {
			continue
		}
		start := bytes.LastIndexByte(value[:at], '"') + 1
		end := bytes.IndexByte(value[at:], '"')
		if end < 0 {
			end = len(value) - at
		}
		at += end
		n += mediaBytes - int64(at-start)
	}
	return max(n, 0)
}

// base64ed reports whether there is nothing else in a sample. Text of 64 bytes
// has a blank or a mark in it.
func base64ed(sample []byte) bool {
	for _, c := range sample {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/':
		default:
			return false
		}
	}
	return true
}

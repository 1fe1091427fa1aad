package gemini

import (
	"strconv"
	"strings"
)

// traits is what the name of a model tells about it. A name that tells
// nothing, such as that of a tuned model, is taken for a recent one.
type traits struct {
	major, minor int // version of a Gemini model, 0 where it is not known
	flash, lite  bool
	pictures     bool // answers with pictures
	speech       bool // answers with sound
	reasons      bool // thinks before it answers
	// small are the Gemma models up to the third: no system instruction and no
	// JSON mode. https://ai.google.dev/gemma/docs/core/prompt-structure
	small bool
}

func traitsOf(model string) traits {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	t := traits{
		flash: strings.Contains(name, "flash"), lite: strings.Contains(name, "flash-lite"),
		pictures: strings.Contains(name, "-image"), speech: strings.Contains(name, "-tts"),
	}
	if rest, ok := strings.CutPrefix(name, "gemini-"); ok {
		t.major, t.minor = version(rest)
	}
	if rest, ok := strings.CutPrefix(name, "gemma-"); ok {
		major, _ := version(rest)
		t.small = major > 0 && major <= 3
	}
	old := t.major == 1 || t.major == 2 && t.minor < 5
	t.reasons = strings.Contains(name, "thinking") || !old && !t.small && !t.pictures && !t.speech
	return t
}

// version reads the number that a name begins with: 2.5-flash, 3-pro.
func version(s string) (major, minor int) {
	s, _, _ = strings.Cut(s, "-")
	whole, part, _ := strings.Cut(s, ".")
	major, err := strconv.Atoi(strings.TrimRight(whole, "n")) // gemma-3n
	if err != nil || major < 0 || major > 99 {
		return 0, 0
	}
	if minor, err = strconv.Atoi(part); err != nil {
		minor = 0
	}
	return major, minor
}

// third reports whether the model has what came with Gemini 3: levels of
// thinking, signatures that it demands back, media in a function's result.
func (t traits) third() bool { return t.major >= 3 }

// rawSchema reports whether the model takes the JSON schema of an answer as it
// is, which began with Gemini 2.0.
func (t traits) rawSchema() bool { return t.major != 1 && !t.small }

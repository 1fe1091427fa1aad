package anthropic

import "strings"

// traits are what differs between the generations of Claude.
type traits struct {
	// adaptive models choose themselves how long they think; effort guides them.
	adaptive bool
	// budgets may be given for thinking.
	budgets bool
	// effort is the highest one that output_config takes; "" is none.
	effort string
	// thinks says that the model thinks when nothing is said about it, and off
	// is the type of thinking that stops it, "" where nothing does.
	thinks bool
	off    string
	// schemas are obeyed natively, in output_config.format and in strict tools.
	schemas bool
	// sampling is temperature, top_p and top_k.
	sampling bool
}

// reasons reports whether the model can think.
func (t *traits) reasons() bool { return t.adaptive || t.budgets }

// generation is a row of the table: a family ("" is any) from a version on.
type generation struct {
	family string
	since  version
	traits traits
}

// generations returns the table, the first match of which counts. Sources, as
// of November 2026: https://platform.claude.com/docs/en/build-with-claude/ and
// there thinking, effort and structured-outputs; the migration guides of
// https://platform.claude.com/docs/en/models/ for what newer models refuse.
func generations() []generation {
	always := traits{adaptive: true, effort: effortMax, thinks: true, schemas: true}
	betweenTools := always
	betweenTools.off = "between_tools"
	optional := always
	optional.off = thinkingDisabled
	return []generation{
		{"fable", version{}, always},
		{"mythos", version{}, always},
		{"opus", version{5, 5}, always},
		{"sonnet", version{5, 5}, betweenTools},
		{"", version{5, 0}, optional},
		{"", version{4, 7}, traits{adaptive: true, effort: effortMax, schemas: true}},
		{"", version{4, 6}, traits{adaptive: true, budgets: true, effort: effortMaxOnly, schemas: true, sampling: true}},
		{"opus", version{4, 5}, traits{budgets: true, effort: effortHigh, schemas: true, sampling: true}},
		{"", version{4, 5}, traits{budgets: true, schemas: true, sampling: true}},
		{"", version{3, 7}, traits{budgets: true, sampling: true}},
		{"", version{1, 0}, traits{sampling: true}},
	}
}

// traitsOf returns the traits of a model. One whose name does not tell is
// taken for an older one that thinks: what it is asked for, most understand.
func traitsOf(model string) traits {
	family, v := parseModel(model)
	for _, g := range generations() {
		if (g.family == "" || g.family == family) && v.atLeast(g.since) {
			return g.traits
		}
	}
	return traits{budgets: true, sampling: true}
}

// version is that of a model.
type version struct{ major, minor int }

func (v version) atLeast(o version) bool {
	return v.major > o.major || v.major == o.major && v.minor >= o.minor
}

// parseModel finds the family and the version in a name: claude-opus-4-1,
// claude-3-7-sonnet-20250219, anthropic.claude-haiku-4-5-20251001-v1:0,
// claude-sonnet-4.5@20250929.
func parseModel(name string) (family string, v version) {
	_, rest, found := strings.Cut(strings.ToLower(name), "claude")
	if !found {
		return "", version{}
	}
	words := strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune("-._@:/ ", r) })
	for i, word := range words {
		switch word {
		case "opus", "sonnet", "haiku", "fable", "mythos":
			family = word
		}
		if n, ok := small(word); ok && v == (version{}) {
			v.major = n
			if i+1 < len(words) {
				v.minor, _ = small(words[i+1])
			}
		}
	}
	return family, v
}

// small reads a number of one or two digits; longer ones are dates.
func small(s string) (int, bool) {
	if s == "" || len(s) > 2 {
		return 0, false
	}
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

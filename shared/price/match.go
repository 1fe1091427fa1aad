package price

import "strings"

// matcher finds the first model of a section whose conditions a name meets.
// Most conditions are whole names, which an index answers; the rest is tried
// in order, up to the model that the index found.
type matcher struct {
	exact    map[string]int
	patterns []pattern
}

// pattern is a conjunction of conditions such as "^claude-opus-4" (starts
// with), "$-tts" (ends with), "*titan" (contains), "=o3" (equals) and "!…"
// (does not), joined by '&'. '#' stands for a digit.
type pattern struct {
	text  string
	model int
}

// add registers the conditions of a model, separated by spaces. Models are
// added in their order.
func (m *matcher) add(conditions string, model int) {
	for condition := range strings.SplitSeq(conditions, " ") {
		if condition == "" {
			continue
		}
		if condition[0] == '=' && !strings.ContainsAny(condition, "#&") {
			if _, taken := m.exact[condition[1:]]; !taken {
				m.exact[condition[1:]] = model
			}
			continue
		}
		m.patterns = append(m.patterns, pattern{condition, model})
	}
}

// find returns the model of a name in lower case, or -1.
func (m *matcher) find(name string) int {
	best, found := m.exact[name]
	if !found {
		best = -1
	}
	for i := range m.patterns {
		p := &m.patterns[i]
		if found && p.model >= best {
			break
		}
		if matches(p.text, name) {
			return p.model
		}
	}
	return best
}

func matches(conditions, name string) bool {
	for conditions != "" {
		condition := conditions
		if i := strings.IndexByte(conditions, '&'); i >= 0 {
			condition, conditions = conditions[:i], conditions[i+1:]
		} else {
			conditions = ""
		}
		if !meets(condition, name) {
			return false
		}
	}
	return true
}

func meets(condition, name string) bool {
	if condition == "" {
		return false
	}
	text := condition[1:]
	switch condition[0] {
	case '=':
		return len(name) == len(text) && startsWith(name, text)
	case '^':
		return startsWith(name, text)
	case '$':
		return strings.HasSuffix(name, text)
	case '*':
		return strings.Contains(name, text)
	case '!':
		return !meets(text, name)
	default:
		return false
	}
}

func startsWith(name, text string) bool {
	if len(name) < len(text) {
		return false
	}
	for i := range len(text) {
		if c := name[i]; c != text[i] && (text[i] != '#' || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// spelledDate writes a compact date in a name as vendors do in others:
// "-20251001" becomes "-2025-10-01". It returns "" when there is none.
func spelledDate(name string) string {
	for i := strings.Index(name, "-20"); i >= 0; {
		end := i + len("-20251001")
		if end <= len(name) && startsWith(name[i:], "-20######") && (end == len(name) || strings.IndexByte("-:", name[end]) >= 0) {
			return name[:i+5] + "-" + name[i+5:i+7] + "-" + name[i+7:]
		}
		next := strings.Index(name[i+1:], "-20")
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return ""
}

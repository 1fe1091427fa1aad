package proxyconfig

import (
	"strings"

	"github.com/tianjillm/tianjillm/shared/config"
)

// referencePrefix starts a text that stands for an environment variable.
const referencePrefix = "os.environ/"

// Reference returns the name of the environment variable that a text stands
// for, and false when the text stands for itself.
func Reference(text string) (name string, ok bool) {
	name, ok = strings.CutPrefix(text, referencePrefix)
	if !ok || name == "" {
		return "", false
	}
	return name, true
}

// reference is a variable that a text refers to.
type reference struct {
	name  string
	value string
	found bool
}

// resolver looks up references in the process environment and, behind that, in
// the file's own environment_variables: LiteLLM exports those into its process
// unless they are set there.
type resolver struct {
	problems *problems
	lookup   config.Lookup
	defaults map[string]string
	visited  map[*node]bool
}

// resolve follows every reference below n. A variable that is missing here may
// be set where the data plane runs, so that its reference stays and is only
// reported.
func (r *resolver) resolve(n *node, path string) {
	if r.visited[n] {
		return
	}
	r.visited[n] = true
	for i, item := range n.items {
		r.resolve(item, index(path, i))
	}
	for _, f := range n.fields {
		r.resolve(f.value, join(path, f.key))
	}
	if n.kind != textKind || !strings.HasPrefix(n.text, referencePrefix) {
		return
	}
	name, ok := Reference(n.text)
	if !ok {
		r.problems.errorf(n.place(path), "%s names no environment variable", referencePrefix)
		return
	}
	n.reference = &reference{name: name}
	if n.reference.value, n.reference.found = r.lookup(name); n.reference.found {
		return
	}
	if n.reference.value, n.reference.found = r.defaults[name]; !n.reference.found {
		r.problems.warnf(n.place(path), "environment variable %s is not set here; the reference is passed on as it is", name)
	}
}

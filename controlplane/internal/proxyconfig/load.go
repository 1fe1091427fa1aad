package proxyconfig

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/tianjillm/tianjillm/shared/config"
)

const (
	// maxBytes bounds a configuration, all of its files together.
	maxBytes = 8 << 20
	// maxIncludeDepth bounds includes of includes.
	maxIncludeDepth = 8
	// maxFiles bounds the files of a configuration.
	maxFiles = 64
)

var errTooLarge = fmt.Errorf("a configuration has at most %d MiB, includes counted", maxBytes>>20)

// Load reads the configuration file at path and the files it includes.
// References to environment variables are looked up with lookupEnv. The
// warnings are worth logging whether or not there is an error; the error holds
// every mistake, each an *Error.
func Load(path string, lookupEnv config.Lookup) (*Config, []Warning, error) {
	l := loader{budget: maxBytes, seen: map[string]bool{}}
	data, err := l.read(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	l.seen[identity(path)] = true
	return l.finish(l.file(path, data, []string{identity(path)}), lookupEnv)
}

// Parse reads a configuration from memory; name stands for it in messages. Such
// a configuration cannot include files.
func Parse(name string, data []byte, lookupEnv config.Lookup) (*Config, []Warning, error) {
	if len(data) > maxBytes {
		return nil, nil, fmt.Errorf("%s: %w", name, errTooLarge)
	}
	var l loader
	return l.finish(l.file(name, data, nil), lookupEnv)
}

// loader reads the files of one configuration.
type loader struct {
	problems problems
	budget   int64           // bytes that may still be read
	seen     map[string]bool // the files that were read, by identity
}

// finish turns the merged tree into a configuration.
func (l *loader) finish(root *node, lookupEnv config.Lookup) (*Config, []Warning, error) {
	var cfg *Config
	if root != nil {
		l.resolve(root, lookupEnv)
		cfg = readConfig(&l.problems, root)
	}
	warnings, err := l.problems.result()
	if err != nil {
		return nil, warnings, err
	}
	return cfg, warnings, nil
}

func (l *loader) resolve(root *node, lookupEnv config.Lookup) {
	r := resolver{problems: &l.problems, lookup: lookupEnv, visited: map[*node]bool{}}
	const key = "environment_variables"
	if n := root.find(key); n != nil {
		r.resolve(n, key)
		r.defaults = map[string]string{}
		for _, f := range n.fields {
			if f.value.kind != nullKind && (f.value.reference == nil || f.value.reference.found) {
				r.defaults[f.key] = f.value.content()
			}
		}
	}
	r.resolve(root, "")
}

// read returns the content of a file within the budget.
func (l *loader) read(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, l.budget+1))
	if err != nil {
		return nil, err
	}
	if l.budget -= int64(len(data)); l.budget < 0 {
		return nil, errTooLarge
	}
	return data, nil
}

// file parses one file and merges what it includes. chain is the identities of
// the files that led here, this one last; it is nil where files cannot be read.
func (l *loader) file(name string, data []byte, chain []string) *node {
	l.problems.files = append(l.problems.files, name)
	root := parseTree(name, data, &l.problems)
	if root == nil {
		return nil
	}
	for i, f := range root.fields {
		if f.key == "include" {
			root.fields = slices.Delete(slices.Clone(root.fields), i, i+1)
			l.include(root, f.value, name, chain)
			break
		}
	}
	return root
}

// include merges the listed files into root, in their order.
func (l *loader) include(root, list *node, from string, chain []string) {
	switch {
	case list.kind == nullKind:
		return
	case list.kind != listKind:
		l.problems.errorf(list.place("include"), "expected a list of file names, found %s", list.kind)
		return
	case chain == nil:
		l.problems.errorf(list.place("include"), "only a configuration that is a file can include others")
		return
	}
	for i, item := range list.items {
		at := item.place(index("include", i))
		if item.kind != textKind || item.text == "" {
			l.problems.errorf(at, "expected a file name, found %s", item.kind)
			continue
		}
		path := item.text
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(from), path)
		}
		if included := l.included(path, at, chain); included != nil {
			l.merge(root, included)
		}
	}
}

func (l *loader) included(path string, at Place, chain []string) *node {
	id := identity(path)
	switch {
	case slices.Contains(chain, id):
		l.problems.errorf(at, "%s includes itself", path)
		return nil
	case l.seen[id]:
		l.problems.warnf(at, "%s is included already and is not read again", path)
		return nil
	case len(chain) > maxIncludeDepth:
		l.problems.errorf(at, "files are included more than %d levels deep", maxIncludeDepth)
		return nil
	case len(l.seen) >= maxFiles:
		l.problems.errorf(at, "a configuration has at most %d files", maxFiles)
		return nil
	}
	l.seen[id] = true
	data, err := l.read(path)
	if err != nil {
		if pathErr, ok := errors.AsType[*os.PathError](err); ok {
			err = pathErr.Err
		}
		l.problems.errorf(at, "read %s: %v", path, err)
		return nil
	}
	return l.file(path, data, append(slices.Clone(chain), id))
}

// identity names a file whichever way it is reached.
func identity(path string) string {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return path
}

// merge adds an included file: lists are appended, mappings filled up, and
// where both say something the included file has the last word, as in LiteLLM.
func (l *loader) merge(into, from *node) {
	for _, f := range from.fields {
		i := slices.IndexFunc(into.fields, func(have field) bool { return sameSection(have.key, f.key) })
		if i < 0 {
			into.fields = append(into.fields, f)
			continue
		}
		have := into.fields[i]
		into.fields[i] = field{have.key, have.line, l.combine(have.value, f.value, f.key)}
	}
	if into.size += from.size; into.size > maxExpanded {
		l.problems.errorf(Place{File: from.file}, "the configuration is too large once its aliases are written out")
		into.fields = nil
	}
}

// sameSection reports whether two keys of the top level mean the same.
func sameSection(a, b string) bool {
	settings := func(key string) bool { return key == "litellm_settings" || key == "tianji_settings" }
	return a == b || settings(a) && settings(b)
}

func (l *loader) combine(have, more *node, path string) *node {
	combined := *have
	switch {
	case more.kind == nullKind:
		return have
	case have.kind == listKind && more.kind == listKind:
		combined.items = slices.Concat(have.items, more.items)
		return &combined
	case have.kind != mapKind || more.kind != mapKind:
		return more
	}
	combined.fields = slices.Clone(have.fields)
	for _, f := range more.fields {
		i := slices.IndexFunc(combined.fields, func(first field) bool { return first.key == f.key })
		if i < 0 {
			combined.fields = append(combined.fields, f)
			continue
		}
		first := combined.fields[i]
		at := Place{File: f.value.file, Line: f.line, Path: join(path, f.key)}
		l.problems.warnf(at, "this replaces the value from %s:%d", first.value.file, first.line)
		combined.fields[i] = f
	}
	return &combined
}

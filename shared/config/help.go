package config

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/tianjillm/tianjillm/shared/secret"
)

// printHelp writes the help text. A help that cannot be written has nobody to
// tell, so its error is dropped.
func (s *Set) printHelp() {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s", s.program)
	if len(s.entries) > 0 {
		b.WriteString(" [flags]")
	}
	if s.operands.synopsis != "" {
		b.WriteString(" " + s.operands.synopsis)
	}
	b.WriteString("\n")
	if s.about != "" {
		b.WriteString("\n" + strings.TrimSpace(s.about) + "\n")
	}
	if len(s.entries) > 0 {
		heading := "\nFlags, each with the environment variables that are read in its absence:\n"
		if s.bare {
			heading = "\nFlags:\n"
		}
		b.WriteString(heading)
		s.flags.VisitAll(func(f *flag.Flag) { s.writeFlag(&b, f) })
	}
	if s.examples != "" {
		b.WriteString("\nExamples:\n")
		for line := range strings.Lines(strings.TrimSpace(s.examples)) {
			b.WriteString("  " + strings.TrimSpace(line) + "\n")
		}
	}
	_, _ = io.WriteString(s.out, b.String())
}

func (s *Set) writeFlag(b *strings.Builder, f *flag.Flag) {
	e := s.entries[f.Name]
	kind, usage := flag.UnquoteUsage(f)
	if kind == "value" { // package flag's word for a type that it does not know
		kind = e.kind
	}
	b.WriteString("  --" + f.Name)
	if kind != "" {
		b.WriteString(" " + kind)
	}
	b.WriteString("\n        " + usage)
	switch {
	case f.DefValue == secret.Redacted:
		b.WriteString(" (has a default, not shown)")
	case f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "false":
		b.WriteString(" (default " + f.DefValue + ")")
	}
	b.WriteString("\n")
	if len(e.env) > 0 {
		b.WriteString("        env " + strings.Join(e.env, ", ") + "\n")
	}
}

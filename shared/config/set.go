package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/shared/secret"
)

// ErrHelp is returned by Parse after it printed the help that was asked for;
// the program ends successfully then.
var ErrHelp = flag.ErrHelp

// Set is the settings of one program or subcommand. Define them, call Parse
// once, then read the variables.
type Set struct {
	program string
	out     io.Writer
	lookup  Lookup

	flags   *flag.FlagSet
	entries map[string]*entry
	defined []error // mistakes in the definitions, for Parse to return

	bare     bool
	about    string
	examples string
	operands operands
}

// entry is what package flag does not know about a flag.
type entry struct {
	kind    string   // what the help calls the value when the usage does not
	env     []string // in order of precedence
	source  string   // "" for the default, "--name" or the variable's name
	refused error    // why the value among the arguments is not one
}

// operands describes the arguments that are not flags.
type operands struct {
	to       *[]string
	synopsis string
	min, max int
}

// New returns an empty set. Help goes to out; lookupEnv is Environment()
// outside of tests.
func New(program string, out io.Writer, lookupEnv Lookup) *Set {
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are returned, and help is our own
	flags.Usage = func() {}
	return &Set{program: program, out: out, lookup: lookupEnv, flags: flags, entries: map[string]*entry{}}
}

// About sets the sentence below the first line of the help.
func (s *Set) About(text string) { s.about = text }

// Examples sets the last section of the help, one command a line.
func (s *Set) Examples(text string) { s.examples = text }

// WithoutTwins lets the flags that are defined next have the environment variables
// alone that they name, and no TIANJI_ twin: for commands whose flags say what to
// do once, where a variable that somebody forgot must not.
func (s *Set) WithoutTwins() { s.bare = true }

// Operands accepts between least and most arguments that are not flags, and
// shows synopsis, such as "KEY...", in the help. Without it there may be none.
func (s *Set) Operands(to *[]string, synopsis string, least, most int) {
	s.operands = operands{to: to, synopsis: synopsis, min: least, max: most}
}

// String defines a text. In usage a word between back quotes names the value
// in the help, as in package flag; env are further environment variables after
// the TIANJI_ twin.
func (s *Set) String(to *string, name, def, usage string, env ...string) {
	*to = def
	s.define(value[string]{to, parseText, showText}, "TEXT", name, usage, env)
}

// Int defines a whole number.
func (s *Set) Int(to *int, name string, def int, usage string, env ...string) {
	*to = def
	s.define(value[int]{to, parseInt, strconv.Itoa}, "NUMBER", name, usage, env)
}

// Bool defines a switch: "--name" alone turns it on.
func (s *Set) Bool(to *bool, name string, def bool, usage string, env ...string) {
	*to = def
	s.define(boolValue{value[bool]{to, parseBool, strconv.FormatBool}}, "", name, usage, env)
}

// Duration defines a span of time.
func (s *Set) Duration(to *time.Duration, name string, def time.Duration, usage string, env ...string) {
	*to = def
	s.define(value[time.Duration]{to, parseDuration, showStringer[time.Duration]}, "DURATION", name, usage, env)
}

// Bytes defines a size, written as a number of bytes or with a unit.
func (s *Set) Bytes(to *int64, name string, def int64, usage string, env ...string) {
	*to = def
	s.define(value[int64]{to, parseBytes, showBytes}, "SIZE", name, usage, env)
}

// Secret defines a credential, whose default and value are never printed.
func (s *Set) Secret(to *secret.String, name, def, usage string, env ...string) {
	*to = secret.New(def)
	s.define(value[secret.String]{to, parseSecret, showStringer[secret.String]}, "SECRET", name, usage, env)
}

// define keeps package flag from panicking: a wrong definition becomes an
// error of Parse, which every start and every test of the program meets.
func (s *Set) define(v flag.Value, kind, name, usage string, env []string) {
	switch {
	case name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || name[0] == '-':
		s.defined = append(s.defined, fmt.Errorf("flag %q: a name has lower-case letters, digits and dashes", name))
		return
	case s.entries[name] != nil:
		s.defined = append(s.defined, fmt.Errorf("flag --%s is defined twice", name))
		return
	}
	e := &entry{kind: kind, env: env}
	if !s.bare {
		e.env = append([]string{EnvName(name)}, env...)
	}
	s.entries[name] = e
	s.flags.Var(recorder{v, &e.refused}, name, usage)
}

// Parse reads the arguments (without the program's name) and, for each flag
// that is not among them, the environment. It returns ErrHelp when the
// arguments ask for help, and otherwise every mistake of the environment
// joined, or the first of the arguments.
func (s *Set) Parse(args []string) error {
	if err := errors.Join(s.defined...); err != nil {
		return err
	}
	if err := s.parseArgs(args); err != nil {
		return err
	}
	return s.readEnvironment()
}

// Source tells where a setting came from: "--name", the name of an environment
// variable, or "" for the default.
func (s *Set) Source(name string) string {
	if e := s.entries[name]; e != nil {
		return e.source
	}
	return ""
}

// parseArgs lets flags and operands mix, where package flag stops at the first
// operand; "--" ends the flags.
func (s *Set) parseArgs(args []string) error {
	var found []string
	for {
		err := s.flags.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			s.printHelp()
			return ErrHelp
		case err != nil:
			return s.flagError(args)
		}
		rest := s.flags.Args()
		taken := args[:len(args)-len(rest)]
		if len(rest) == 0 || len(taken) > 0 && taken[len(taken)-1] == "--" {
			found = append(found, rest...)
			break
		}
		found, args = append(found, rest[0]), rest[1:]
	}
	s.flags.Visit(func(f *flag.Flag) { s.entries[f.Name].source = "--" + f.Name })
	return s.takeOperands(found)
}

// flagError replaces the error of package flag, which does not know the
// nearest flag. What package flag has not consumed tells the cases apart.
func (s *Set) flagError(args []string) error {
	rest := s.flags.Args()
	taken := args[:len(args)-len(rest)]
	for _, name := range s.names() {
		if err := s.entries[name].refused; err != nil {
			return fmt.Errorf("flag --%s: %w", name, err)
		}
	}
	name := ""
	if len(taken) > 0 {
		name, _, _ = strings.Cut(strings.TrimLeft(taken[len(taken)-1], "-"), "=")
	}
	switch {
	case len(taken) > 0 && s.entries[name] == nil:
		return s.unknown("flag", "--"+name, name)
	case len(rest) > 0: // it stopped in front of something like "---x" or "-="
		return fmt.Errorf("malformed flag %q: write --name=value", rest[0])
	default:
		return fmt.Errorf("flag --%s needs a value: --%s=VALUE", name, name)
	}
}

// unknown builds the error for a flag or argument that does not exist.
func (s *Set) unknown(kind, shown, name string) error {
	hint := fmt.Sprintf("see %s --help", s.program)
	if nearest, ok := Nearest(name, s.names()); ok {
		hint = fmt.Sprintf("did you mean --%s?", nearest)
	}
	return fmt.Errorf("unknown %s %s: %s", kind, shown, hint)
}

func (s *Set) names() []string {
	names := make([]string, 0, len(s.entries))
	for name := range s.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *Set) takeOperands(args []string) error {
	switch {
	case len(args) > s.operands.max && s.operands.max == 0:
		return s.unexpected(args[0])
	case len(args) > s.operands.max:
		return fmt.Errorf("too many arguments: expected %s", s.operands.synopsis)
	case len(args) < s.operands.min:
		return fmt.Errorf("missing argument: expected %s", s.operands.synopsis)
	}
	if s.operands.to != nil {
		*s.operands.to = args
	}
	return nil
}

// unexpected explains an argument where there may be none; most are the value
// of a switch or a flag without its dashes.
func (s *Set) unexpected(arg string) error {
	if _, err := parseBool(arg); err == nil {
		return fmt.Errorf("unexpected argument %q: give a switch its value as --name=%s", arg, arg)
	}
	name, _, _ := strings.Cut(arg, "=")
	return s.unknown("argument", strconv.Quote(name), name)
}

// readEnvironment sets what the arguments did not. Errors name the variable,
// since that is what must be corrected.
func (s *Set) readEnvironment() error {
	var problems []error
	for _, name := range s.names() {
		e := s.entries[name]
		if e.source != "" {
			continue
		}
		for _, variable := range e.env {
			text, ok := s.lookup(variable)
			if !ok || text == "" {
				continue
			}
			if err := s.flags.Lookup(name).Value.Set(text); err != nil {
				problems = append(problems, fmt.Errorf("environment variable %s: %w", variable, err))
			}
			e.source = variable
			break
		}
	}
	return errors.Join(problems...)
}

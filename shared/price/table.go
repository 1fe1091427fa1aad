package price

import (
	_ "embed" // for the table
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/shared/money"
)

// The table has one line for each model, its fields separated by tabs:
//
//	[google] anthropic                                  section, and the sections to look into next
//	gemini-3	200000	^gemini-3 =gemini-three	input=2 input>200000=4
//	+2027-01-01	input=1                                later prices: from a day on,
//	+00:30-16:30	input=0.5                              or at hours in UTC
//
// A model has a name, its context window, the conditions on names that lead to
// it (see pattern) and its prices in USD for a million units. Lines that begin
// with '#' are comments.
//
//go:embed table/prices.txt
var embedded string

// table is the generated price list. Each section is parsed when it is first
// asked for; the texts in it lie in the program and cost no memory.
type table struct {
	text     string
	index    sync.Once
	sections []*section
}

type section struct {
	id        string
	text      string
	fallbacks []string

	parse   sync.Once
	models  []*Model
	matcher matcher
}

func (t *table) section(id string) *section {
	t.index.Do(t.split)
	for _, s := range t.sections {
		if s.id == id {
			return s
		}
	}
	return nil
}

// split finds where sections begin.
func (t *table) split() {
	_, rest, _ := strings.Cut(t.text, "\n[")
	for rest != "" {
		text, after, _ := strings.Cut(rest, "\n[")
		head, body, _ := strings.Cut(text, "\n")
		id, fallbacks, _ := strings.Cut(head, "]")
		t.sections = append(t.sections, &section{id: id, text: body, fallbacks: strings.Fields(fallbacks)})
		rest = after
	}
}

// find returns the model of a name in lower case.
func (t *table) find(id, name string) *Model {
	s := t.section(id)
	if s == nil {
		return nil
	}
	if m := t.findIn(s, name); m != nil {
		return m
	}
	if spelled := spelledDate(name); spelled != "" {
		return t.findIn(s, spelled)
	}
	return nil
}

func (t *table) findIn(s *section, name string) *Model {
	if m := s.find(name); m != nil {
		return m
	}
	for _, id := range s.fallbacks {
		if other := t.section(id); other != nil {
			if m := other.find(name); m != nil {
				return m
			}
		}
	}
	return nil
}

func (s *section) find(name string) *Model {
	s.parse.Do(func() { s.models, s.matcher, _ = s.read() }) // a test reads every section
	if i := s.matcher.find(name); i >= 0 {
		return s.models[i]
	}
	return nil
}

// read parses the lines of a section. It goes on behind a line that it does
// not understand and returns the first error.
func (s *section) read() (models []*Model, m matcher, first error) {
	m.exact = map[string]int{}
	var rates []*Rate
	number := 0
	for line := range strings.Lines(s.text) {
		number++
		line = strings.TrimSuffix(line, "\n")
		var err error
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '+':
			if len(rates) > 0 {
				err = rates[len(rates)-1].addPeriod(line[1:])
			}
		default:
			var model *Model
			var conditions string
			if model, conditions, err = readModel(s.id, line); model != nil {
				m.add(conditions, len(models))
				models, rates = append(models, model), append(rates, model.Rate)
			}
		}
		if err != nil && first == nil {
			first = fmt.Errorf("section %s, line %d: %w", s.id, number, err)
		}
	}
	for _, r := range rates {
		r.sort()
	}
	return models, m, first
}

func readModel(section, line string) (m *Model, conditions string, err error) {
	fields := strings.Split(line, "\t")
	if len(fields) != 4 {
		return nil, "", fmt.Errorf("want four fields, found %d", len(fields))
	}
	m = &Model{Name: fields[0], Provider: section, Source: Table, Rate: &Rate{}}
	if fields[1] != "" {
		if m.MaxInputTokens, err = strconv.ParseInt(fields[1], 10, 64); err != nil {
			return nil, "", fmt.Errorf("context window: %w", err)
		}
	}
	if err := m.Rate.readPrices(fields[3], 0); err != nil {
		return nil, "", err
	}
	return m, fields[2], nil
}

// readPrices adds "unit>above/tier=usd" for each word.
func (r *Rate) readPrices(text string, period uint8) error {
	for word := range strings.FieldsSeq(text) {
		key, usd, _ := strings.Cut(word, "=")
		e, ok := parseKey(key)
		if !ok {
			return fmt.Errorf("price %q is not known", key)
		}
		var err error
		if e.price, err = money.ParseUSD(usd); err != nil {
			return fmt.Errorf("price %s: %w", key, err)
		}
		e.period = period
		if err := r.set(e); err != nil {
			return fmt.Errorf("price %s: %w", key, err)
		}
	}
	return nil
}

// addPeriod reads a line of later prices behind its '+'.
func (r *Rate) addPeriod(line string) error {
	when, prices, _ := strings.Cut(line, "\t")
	p, err := parsePeriod(when)
	if err != nil {
		return err
	}
	return r.laterPrices(p, prices)
}

func (r *Rate) laterPrices(p period, prices string) error {
	if len(r.periods) >= maxPeriods {
		return fmt.Errorf("a model has at most %d periods", maxPeriods)
	}
	r.periods = append(r.periods, p)
	return r.readPrices(prices, uint8(len(r.periods))) //nolint:gosec // at most maxPeriods
}

// parsePeriod reads "2026-03-13" or "00:30-16:30".
func parsePeriod(when string) (period, error) {
	if day, err := time.Parse(time.DateOnly, when); err == nil {
		return period{from: day.Unix()}, nil
	}
	return parseHours(when)
}

// parseHours reads "00:30-16:30". Hours that begin and end alike are all day.
func parseHours(hours string) (period, error) {
	from, to, ok := strings.Cut(hours, "-")
	start, err := time.Parse("15:04", from)
	end, endErr := time.Parse("15:04", to)
	if !ok || err != nil || endErr != nil {
		return period{}, fmt.Errorf("%.40q is neither a date nor hours such as 00:30-16:30", hours)
	}
	second := func(t time.Time) int32 { return int32(t.Hour()*60*60 + t.Minute()*60) } //nolint:gosec // of a day
	return period{start: second(start), end: second(end)}, nil
}

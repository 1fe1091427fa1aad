package price

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/money"
)

// FieldError is a price that could not be read and is left out.
type FieldError struct {
	Model string // the key in a price file
	Field string
	Err   error
}

// Error returns the place and the reason.
func (p FieldError) Error() string {
	if p.Model == "" {
		return p.Field + ": " + p.Err.Error()
	}
	return p.Model + ": " + p.Field + ": " + p.Err.Error()
}

// Unwrap returns the reason.
func (p FieldError) Unwrap() error { return p.Err }

var (
	errNotPrice = errors.New("want a number of dollars that is not negative")
	errNotTiers = errors.New("want a list of ranges with prices")
	errNotHours = errors.New("want hours_utc such as 16:30-00:30 and prices")
)

// ParseLiteLLM reads the prices and abilities of one model from an object with
// LiteLLM's fields, as its price files and litellm_params have them. Fields
// that are something else are ignored; the rate is nil when none is a price.
func ParseLiteLLM(object []byte) (*Rate, Info, []FieldError) {
	e := entryReader{rate: &Rate{}}
	err := e.object(object)
	if err != nil {
		e.problem("", err)
	}
	return e.finish(), e.info, e.problems
}

// entryReader gathers what one object says.
type entryReader struct {
	rate     *Rate
	info     Info
	provider string
	mode     string
	problems []FieldError
	unknown  []string
	offPeak  []byte
}

func (e *entryReader) problem(field string, err error) {
	e.problems = append(e.problems, FieldError{Field: field, Err: err})
}

func (e *entryReader) object(object []byte) error {
	var s jsonx.Scanner
	s.Reset(object)
	for s.Next() {
		value := s.Value().Of(object)
		if !jsonx.IsNull(value) {
			e.member(string(s.Key()), value)
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read model: %w", err)
	}
	return nil
}

func (e *entryReader) member(name string, value []byte) {
	if rest, ok := strings.CutPrefix(name, "supports_"); ok {
		if a, known := abilityNamed(rest); known {
			e.info.set(a, string(value) == "true")
		}
		return
	}
	switch name {
	case "litellm_provider":
		e.provider = text(value)
	case "mode":
		e.mode = text(value)
		e.info.Mode = e.mode
	case "deprecation_date":
		e.info.Deprecated = text(value)
	case "max_input_tokens":
		e.info.MaxInputTokens = jsonx.Int(value)
	case "max_output_tokens":
		e.info.MaxOutputTokens = jsonx.Int(value)
	case "output_vector_size":
		e.info.VectorSize = jsonx.Int(value)
	case "tiered_pricing":
		e.tiers(value)
	case "search_context_cost_per_query":
		e.search(value)
	case "provider_specific_entry":
		e.specific(value)
	case "off_peak_pricing":
		e.offPeak = value
	default:
		e.price(name, value, 0)
	}
}

func text(value []byte) string {
	s, err := jsonx.Unquote(value)
	if err != nil {
		return ""
	}
	return s
}

// price adds a field if it is one; step is the prompt size from which on it
// holds.
func (e *entryReader) price(name string, value []byte, step int32) {
	f, ok := parseField(name)
	if !ok {
		if strings.Contains(name, "cost") && !ignoredCost(name) {
			e.unknown = append(e.unknown, name)
		}
		return
	}
	if step > 0 {
		f.above = step
	}
	n, err := dollars(value, f.scale)
	if err == nil {
		err = e.rate.set(entry{price: n, above: f.above, unit: f.unit, tier: f.tier})
	}
	if err != nil {
		e.problem(name, err)
	}
}

// dollars reads a number, or a text that holds one as YAML and environment
// variables make them.
func dollars(value []byte, scale int) (money.Nano, error) {
	s := string(value)
	if len(value) > 0 && value[0] == '"' {
		s = strings.TrimSpace(text(value))
	}
	n, err := money.ParseScaled(s, scale)
	if errors.Is(err, money.ErrRange) {
		return 0, err
	}
	if err != nil || n < 0 || strings.HasPrefix(s, "-") && n != 0 {
		return 0, errNotPrice
	}
	return n, nil
}

// tier is an element of tiered_pricing.
type tier struct {
	Range   []json.Number `json:"range"`
	Results []json.Number `json:"max_results_range"`
}

// tiers reads [{"range":[0,32000],"input_cost_per_token":…}], by the tokens of
// the prompt, or max_results_range, by the results that a search asks for. A
// range of tokens begins behind its lower bound, as vendors write it.
func (e *entryReader) tiers(value []byte) {
	var list []json.RawMessage
	if err := json.Unmarshal(value, &list); err != nil || len(list) > maxPeriods {
		e.problem("tiered_pricing", errNotTiers)
		return
	}
	for _, raw := range list {
		var t tier
		if err := json.Unmarshal(raw, &t); err != nil {
			e.problem("tiered_pricing", errNotTiers)
			return
		}
		step, ok := t.above()
		if !ok {
			e.problem("tiered_pricing", errNotTiers)
			return
		}
		var s jsonx.Scanner
		s.Reset(raw)
		for s.Next() {
			if v := s.Value().Of(raw); !jsonx.IsNull(v) {
				e.price(string(s.Key()), v, step)
			}
		}
	}
}

func (t *tier) above() (int32, bool) {
	bounds, offset := t.Range, money.Nano(0)
	if len(bounds) == 0 {
		bounds, offset = t.Results, 1
	}
	if len(bounds) == 0 {
		return 0, false
	}
	n, err := money.ParseScaled(bounds[0].String(), 0)
	if err != nil || n < 0 || n > 1<<30 {
		return 0, false
	}
	return int32(max(n-offset, 0)), true
}

// search reads {"search_context_size_low":0.03,…}.
func (e *entryReader) search(value []byte) {
	var s jsonx.Scanner
	s.Reset(value)
	for s.Next() {
		var unit Unit
		switch string(s.Key()) {
		case "search_context_size_low":
			unit = WebSearchLow
		case "search_context_size_medium":
			unit = WebSearch
		case "search_context_size_high":
			unit = WebSearchHigh
		default:
			continue
		}
		e.special("search_context_cost_per_query", unit, s.Value().Of(value), perOne)
	}
	if s.Err() != nil {
		e.problem("search_context_cost_per_query", errNotPrice)
	}
}

func (e *entryReader) special(name string, unit Unit, value []byte, scale int) {
	if jsonx.IsNull(value) {
		return
	}
	n, err := dollars(value, scale)
	if err == nil {
		err = e.rate.set(entry{price: n, unit: unit})
	}
	if err != nil {
		e.problem(name, err)
	}
}

// specific reads the factors that LiteLLM keeps for Anthropic's models: the
// fast mode and data residency.
func (e *entryReader) specific(value []byte) {
	var s jsonx.Scanner
	s.Reset(value)
	for s.Next() {
		switch string(s.Key()) {
		case "fast":
			e.special("provider_specific_entry", UpliftFast, s.Value().Of(value), asFactor)
		case "us":
			e.special("provider_specific_entry", UpliftUS, s.Value().Of(value), asFactor)
		case "eu":
			e.special("provider_specific_entry", UpliftEU, s.Value().Of(value), asFactor)
		}
	}
}

// finish returns the rate, or nil without prices.
func (e *entryReader) finish() *Rate {
	if len(e.rate.prices) == 0 {
		return nil
	}
	if e.mode == "image_generation" || e.mode == "image_edit" {
		e.generated(InputImage, OutputImage)
		e.generated(InputPixel, OutputPixel)
	}
	if e.offPeak != nil {
		e.readOffPeak()
	}
	e.rate.sort()
	return e.rate
}

// generated moves the price of an image to the side where it is made: LiteLLM
// has the price of generating one under input_cost_per_image and
// input_cost_per_pixel.
func (e *entryReader) generated(in, out Unit) {
	price, ok := e.rate.Price(in, Standard, 0)
	made, has := e.rate.Price(out, Standard, 0)
	if !ok || price == 0 || has && made > 0 {
		return
	}
	for i := range e.rate.prices {
		if p := &e.rate.prices[i]; p.unit == in {
			p.price = 0
		}
	}
	if err := e.rate.set(entry{price: price, unit: out}); err != nil {
		e.problem(out.String(), err)
	}
}

// readOffPeak reads {"hours_utc":"16:30-00:30","input_cost_per_token":…}: what
// replaces the same prices in these hours. All else stays.
func (e *entryReader) readOffPeak() {
	var head struct {
		Hours json.RawMessage `json:"hours_utc"`
	}
	var windows []string
	if json.Unmarshal(e.offPeak, &head) != nil {
		e.problem("off_peak_pricing", errNotHours)
		return
	}
	if json.Unmarshal(head.Hours, &windows) != nil {
		windows = []string{text(head.Hours)}
	}
	base := e.rate.prices
	for _, w := range windows {
		p, err := parseHours(w)
		if err != nil || len(e.rate.periods) >= maxPeriods {
			e.problem("off_peak_pricing", errNotHours)
			return
		}
		e.rate.periods = append(e.rate.periods, p)
		number := uint8(len(e.rate.periods)) //nolint:gosec // at most maxPeriods
		e.inPeriod(base, number)
	}
}

func (e *entryReader) inPeriod(base []entry, number uint8) {
	changes := entryReader{rate: &Rate{}}
	if err := changes.object(e.offPeak); err != nil {
		e.problem("off_peak_pricing", err)
		return
	}
	e.problems = append(e.problems, changes.problems...)
	for _, list := range [][]entry{base, changes.rate.prices} {
		for _, p := range list {
			p.period = number
			if err := e.rate.set(p); err != nil {
				e.problem("off_peak_pricing", err)
				return
			}
		}
	}
}

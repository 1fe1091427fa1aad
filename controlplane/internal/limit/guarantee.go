package limit

import (
	"math"
	"slices"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// slot is a rate that can be guaranteed, of all models or of one.
type slot struct{ rate, model string }

// rates are the rates that l guarantees, or has, by the names that messages
// give them.
func rates(r *contract.Rates, requests, tokens bool) map[string]int64 {
	out := map[string]int64{}
	for _, one := range []struct {
		name string
		max  *int64
		want bool
	}{
		{"RPM", r.RPM, requests},
		{"RPH", r.RPH, requests},
		{"RPD", r.RPD, requests},
		{"TPM", r.TPM, tokens},
		{"TPH", r.TPH, tokens},
		{"TPD", r.TPD, tokens},
	} {
		if one.want && one.max != nil {
			out[one.name] = *one.max
		}
	}
	return out
}

// guaranteed are the rates that a key may count on.
func guaranteed(l *contract.Limits) map[slot]int64 {
	requests, tokens := l.Requests == contract.Guaranteed, l.Tokens == contract.Guaranteed
	out := map[slot]int64{}
	for rate, n := range rates(&l.Rates, requests, tokens) {
		out[slot{rate: rate}] = n
	}
	for model, m := range l.Models {
		for rate, n := range rates(&m.Rates, requests, tokens) {
			out[slot{rate, model}] = n
		}
	}
	return out
}

// Guarantees reports whether a key has a rate that it may count on, and that
// its limits before did not guarantee.
func Guarantees(before, after *contract.Limits) bool {
	had := guaranteed(before)
	for s, n := range guaranteed(after) {
		if old, same := had[s]; !same || n > old {
			return true
		}
	}
	return false
}

// CheckGuarantee refuses a key whose guaranteed rates, with those of the other
// keys of its team, are more than the team has. The rates of one model must be
// within what the team has for that model, and for all.
func CheckGuarantee(team *contract.Limits, others []contract.Limits, key *contract.Limits) error {
	return checkGuarantee(team, others, key, parties{"Key", "team"})
}

// CheckTeamGuarantee is CheckGuarantee for a team and its organisation.
func CheckTeamGuarantee(org *contract.Limits, others []contract.Limits, team *contract.Limits) error {
	return checkGuarantee(org, others, team, parties{"Team", "organization"})
}

// parties are who wants a guarantee, and who has what is guaranteed, in messages.
type parties struct{ wants, has string }

func checkGuarantee(team *contract.Limits, others []contract.Limits, key *contract.Limits, p parties) error {
	allocated := map[slot]int64{}
	for _, other := range others {
		for s, n := range guaranteed(&other) {
			allocated[s] = min(allocated[s], math.MaxInt64-n) + n
		}
	}
	wanted := guaranteed(key)
	slots := make([]slot, 0, len(wanted))
	for s := range wanted {
		slots = append(slots, s)
	}
	slices.SortFunc(slots, func(a, b slot) int { return slices.Compare([]string{a.model, a.rate}, []string{b.model, b.rate}) })
	all := rates(&team.Rates, true, true)
	for _, s := range slots {
		ceilings := []map[string]int64{all}
		if m, ok := team.Models[s.model]; ok {
			ceilings = append(ceilings, rates(&m.Rates, true, true))
		}
		for _, c := range ceilings {
			if most, bounded := c[s.rate]; bounded && allocated[s] > most-wanted[s] {
				return exceeds(s, allocated[s], wanted[s], most, p)
			}
		}
	}
	return nil
}

func exceeds(s slot, allocated, wanted, most int64, p parties) error {
	of := ""
	if s.model != "" {
		of = ". Model=" + s.model
	}
	return badRequest("Allocated %[1]s limit=%[2]d + %[6]s %[1]s limit=%[3]d is greater than %[7]s %[1]s limit=%[4]d%[5]s", s.rate, allocated, wanted, most, of, p.wants, p.has)
}

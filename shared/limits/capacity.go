package limits

import (
	"maps"
	"slices"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// DefaultPriority is the class of all that name no priority, or one that has no
// share.
const DefaultPriority = "default"

// Capacity is what the deployments of a model group can do in a minute
// together; 0 is not known.
type Capacity struct{ Requests, Tokens int64 }

// Add adds a deployment.
func (c *Capacity) Add(d *contract.Deployment) {
	c.Requests += max(d.RPM, 0)
	c.Tokens += max(d.TPM, 0)
}

// Limits are the capacity of a group as its limits.
func (c *Capacity) Limits(group string) []Limit {
	return c.part(Group, group, 1, group, contract.Token(group))
}

// Shares are the parts of the capacity that each priority has.
func (c *Capacity) Shares(group string, p *contract.Priorities) map[string][]Limit {
	weights := map[string]float64{DefaultPriority: max(p.Default, 0)}
	for priority, s := range p.Shares {
		weights[priority] = c.weight(s)
	}
	sum := 0.0
	for _, priority := range slices.Sorted(maps.Keys(weights)) { // in one order, so that all replicas get the same last bit
		sum += weights[priority]
	}
	shares := make(map[string][]Limit, len(weights))
	for priority, w := range weights {
		if sum > 1 { // nobody can be promised what is not there
			w /= sum
		}
		shares[priority] = c.part(Priority, group, w, priority, contract.Token(group), contract.Token(priority))
	}
	return shares
}

// weight is a share as a fraction of the capacity.
func (c *Capacity) weight(s contract.Share) float64 {
	var of int64
	switch s.Type {
	case "rpm":
		of = c.Requests
	case "tpm":
		of = c.Tokens
	default:
		return max(s.Value, 0)
	}
	if of <= 0 {
		return 0
	}
	return max(s.Value, 0) / float64(of)
}

// rounding makes up for what fractions lose: 29 requests of 100 are not 28.
const rounding = 1e-6

func (c *Capacity) part(scope Scope, group string, weight float64, name string, tokens ...string) []Limit {
	var list []Limit
	for _, one := range []struct {
		unit Unit
		of   int64
	}{{Requests, c.Requests}, {Tokens, c.Tokens}} {
		if one.of > 0 {
			l := New(scope, one.unit, Minute, int64(float64(one.of)*weight+rounding), name, tokens...)
			l.Model = group
			list = append(list, l)
		}
	}
	return list
}

package proxyconfig

import (
	"bytes"
	"slices"

	"github.com/tianjillm/tianjillm/shared/price"
)

// Price is what a deployment says it costs, in dollars for a unit, as LiteLLM
// writes it.
type Price struct {
	Input           *float64 // input_cost_per_token
	Output          *float64 // output_cost_per_token
	CachedReadInput *float64 // cache_read_input_token_cost
	// Fields are all prices, these three included, by LiteLLM's names.
	Fields Raw
}

// readPrice reads the prices among litellm_params or in model_info.
func readPrice(o *object) Price {
	return Price{
		Input:           o.number("input_cost_per_token"),
		Output:          o.number("output_cost_per_token"),
		CachedReadInput: o.number("cache_read_input_token_cost"),
		Fields:          o.prices("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost"),
	}
}

// prices returns the entries that are prices, and reports those that are no
// numbers; the checked ones are known already.
func (o *object) prices(checked ...string) Raw {
	out := Raw{}
	if o.node == nil {
		return out
	}
	for _, f := range o.node.fields {
		if !price.IsField(f.key) || f.value.kind == nullKind || f.value.reference != nil && !f.value.reference.found {
			continue
		}
		value := encoding{}.raw(f.value)
		if !slices.Contains(checked, f.key) && !isPrice(f.key, value) {
			o.wrong(f.value, join(o.path, f.key), "a number that is not negative, or prices as in LiteLLM's price files")
		}
		o.read[f.key] = true
		out[f.key] = value
	}
	return out
}

func isPrice(name string, value []byte) bool {
	var object bytes.Buffer
	object.WriteByte('{')
	writeText(&object, name)
	object.WriteByte(':')
	object.Write(value)
	object.WriteByte('}')
	_, _, problems := price.ParseLiteLLM(object.Bytes())
	return len(problems) == 0
}

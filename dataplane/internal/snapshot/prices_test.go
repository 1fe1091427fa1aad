package snapshot_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/price"
)

// prices publishes a price file.
func (b *bus) prices(file string) []*contract.PriceOverlay {
	b.t.Helper()
	parts, err := contract.SplitPrices([]byte(file))
	require.NoError(b.t, err)
	for _, p := range parts {
		b.put(contract.PriceOverlayKey(p.Part), p)
	}
	return parts
}

func costOf(s *snapshot.Store, model string) money.Nano {
	m := s.Current().Prices.Lookup(price.Query{Provider: "openai", Model: model})
	if m == nil {
		return -1
	}
	return m.Rate.Cost(&price.Usage{InputTokens: 1_000_000})
}

func TestStore_lays_prices_over_the_table(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.put(contract.KeyAuthSettings, contract.AuthSettings{MasterKeySHA256: "x"})
	s, got := b.follow(t.TempDir())
	costs := func(model string, nano money.Nano) func() bool {
		return func() bool { return s.Current() != nil && costOf(s, model) == nano }
	}
	eventually(t, costs("gpt-4o", 2_500_000_000))

	b.prices(`{"gpt-4o":{"litellm_provider":"openai","input_cost_per_token":1e-6}}`)
	eventually(t, costs("gpt-4o", 1_000_000_000))
	before := s.Current().Prices
	b.model("1", "a")
	eventually(t, got.is("a"))
	require.Same(t, before, s.Current().Prices, "a change of something else decodes nothing")

	// A file of several parts, of which the last comes late.
	noise := rand.New(rand.NewPCG(3, 4))
	var file strings.Builder
	file.WriteString(`{"gpt-4o":{"litellm_provider":"openai","input_cost_per_token":3e-6}`)
	for i := range 14_000 {
		fmt.Fprintf(&file, `,"m%d":{"litellm_provider":"openai","source":"%016x%016x%016x%016x%016x%016x"}`, i,
			noise.Uint64(), noise.Uint64(), noise.Uint64(), noise.Uint64(), noise.Uint64(), noise.Uint64())
	}
	file.WriteString("}")
	parts, err := contract.SplitPrices([]byte(file.String()))
	require.NoError(t, err)
	require.Len(t, parts, 2)
	b.put(contract.PriceOverlayKey(0), parts[0])
	b.model("2", "b")
	eventually(t, got.is("a", "b"))
	require.EqualValues(t, 1_000_000_000, costOf(s, "gpt-4o"), "half of a file is not used")
	b.put(contract.PriceOverlayKey(1), parts[1])
	eventually(t, costs("gpt-4o", 3_000_000_000))

	b.prices(`[]`) // damaged: and one part is left of the old file
	b.put(contract.PriceOverlayKey(1), contract.PriceOverlay{Head: contract.Head{Deleted: true}})
	b.model("3", "c")
	eventually(t, got.is("a", "b", "c"))
	require.EqualValues(t, 3_000_000_000, costOf(s, "gpt-4o"))

	b.put(contract.PriceOverlayKey(0), contract.PriceOverlay{Head: contract.Head{Deleted: true}})
	eventually(t, costs("gpt-4o", 2_500_000_000))
}

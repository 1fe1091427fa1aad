package contract_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/contract"
)

func TestPriceOverlay_survives_its_journey(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 1300<<10) // does not compress
	for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ {
		noise[i] = byte(r.Uint32())
	}
	for _, file := range [][]byte{[]byte("{}"), bytes.Repeat([]byte(`"model":{},`), 100_000), noise} {
		parts, err := contract.SplitPrices(file)
		require.NoError(t, err)
		again, err := contract.SplitPrices(file)
		require.NoError(t, err)
		require.Equal(t, parts, again, "the same file makes the same records")
		var received []*contract.PriceOverlay
		for _, p := range parts {
			message, err := json.Marshal(p)
			require.NoError(t, err)
			require.Less(t, len(message), 1<<20, "a message of the bus")
			var record contract.PriceOverlay
			require.NoError(t, json.Unmarshal(message, &record))
			received = append(received, &record)
		}
		slices.Reverse(received)
		joined, err := contract.JoinPrices(received)
		require.NoError(t, err)
		require.True(t, bytes.Equal(file, joined))
	}
	parts, err := contract.SplitPrices(noise)
	require.NoError(t, err)
	require.Len(t, parts, 3)

	other, err := contract.SplitPrices([]byte("{}"))
	require.NoError(t, err)
	damaged := *other[0]
	damaged.Data = []byte("x")
	for name, list := range map[string][]*contract.PriceOverlay{
		"none": {}, "one missing": parts[1:], "one twice": {parts[0], parts[1], parts[1]}, "of two files": {parts[0], parts[1], other[0]},
	} {
		_, err := contract.JoinPrices(list)
		require.ErrorIs(t, err, contract.ErrPriceParts, name)
	}
	_, err = contract.JoinPrices([]*contract.PriceOverlay{&damaged})
	require.Error(t, err)
	_, err = contract.SplitPrices(make([]byte, 17<<20))
	require.Error(t, err)
}

func TestGolden_prices_stay_readable(t *testing.T) {
	t.Parallel()
	for name, rec := range map[string]any{"deployment_rate": &contract.Deployment{}, "price_overlay": &contract.PriceOverlay{}} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".v1.json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, rec), name)
		again, err := json.Marshal(rec)
		require.NoError(t, err)
		require.JSONEq(t, string(raw), string(again), name)
	}
}

func FuzzJoinPrices(f *testing.F) {
	f.Add("sum", 0, 1, []byte("data"))
	f.Fuzz(func(t *testing.T, sum string, part, parts int, data []byte) {
		_, err := contract.JoinPrices([]*contract.PriceOverlay{{Sum: sum, Part: part, Parts: parts, Data: data}})
		if err == nil && part != 0 {
			t.Fatal("a part of nothing")
		}
	})
}

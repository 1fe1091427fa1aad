package predibase_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/conformance"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/predibase"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	conformance.Run(t, "testdata/golden", func(cfg provider.Config, client *upstream.Client) (provider.Backend, error) {
		return predibase.New(cfg, client, nil)
	})
}

func TestNew_says_what_is_missing(t *testing.T) {
	t.Parallel()
	_, err := predibase.New(provider.Config{Model: "m"}, nil, nil)
	require.Error(t, err)
}

func FuzzWhole(f *testing.F) {
	f.Add([]byte(`{"text_output":"a","generated_text":"b","outputs":"c","output":{"content":[{"text":"d"}]},"details":{"best_of_sequences":[{}]}}`))
	f.Add([]byte(`{"error":{"message":"x"},"ok":false}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := predibase.ReadAnswer(body); err == nil {
			_, err := r.Encode()
			require.NoError(t, err)
		}
	})
}

func FuzzDecoder(f *testing.F) {
	f.Add(`{"text_output":"a","token":{"text":"b"}}` + "\n" + `{"is_finished":true,"generated_text":"c"}`)
	f.Fuzz(func(t *testing.T, lines string) {
		d := predibase.NewDecoder()
		var c chat.Chunk
		for line := range strings.Lines(lines) {
			c.Reset()
			if d.Frame(&frame.Frame{Data: []byte(line)}, &c) != nil {
				return
			}
			for i := range c.Deltas {
				require.True(t, json.Valid(chat.AppendDelta(nil, chat.Stamp{}.Head(), &c.Deltas[i], true)))
			}
		}
		_ = d.Done()
	})
}

package pipeline_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// shelf keeps transcripts.
type shelf struct{ lines [][]byte }

func (s *shelf) Keep(line []byte) { s.lines = append(s.lines, line) }

func transcribing(on, noOptOut bool) snapshot.Config {
	return snapshot.Config{General: contract.GeneralSettings{Transcripts: on, NoOptOut: noOptOut}}
}

func TestTranscripts_are_kept_where_that_is_asked_for(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config snapshot.Config
		key    contract.VirtualKey
		body   string
		header string
		kept   int
	}{
		"off":             {transcribing(false, false), contract.VirtualKey{}, ask, "", 0},
		"on":              {transcribing(true, false), contract.VirtualKey{}, ask, "", 1},
		"key says no":     {transcribing(true, true), contract.VirtualKey{Metadata: json.RawMessage(`{"turn_off_message_logging":true}`)}, ask, "", 0},
		"key says yes":    {transcribing(true, false), contract.VirtualKey{Metadata: json.RawMessage(`{"turn_off_message_logging":false}`)}, ask, "", 1},
		"header":          {transcribing(true, false), contract.VirtualKey{}, ask, "True", 0},
		"body":            {transcribing(true, false), contract.VirtualKey{}, `{"no-log":true,` + ask[1:], "", 0},
		"may not opt out": {transcribing(true, true), contract.VirtualKey{}, `{"no-log":true,` + ask[1:], "true", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept := &shelf{}
			l := newLab(t, setup{backends: byModel{"m": answering("10", "5")}, config: tc.config, transcripts: kept})
			r := request{key: l.key("k", tc.key), body: tc.body}
			if tc.header != "" {
				r.header = map[string]string{"x-litellm-enable-message-redaction": tc.header}
			}
			require.Equal(t, http.StatusOK, l.serve(r).Code)
			require.Len(t, kept.lines, tc.kept)
			if tc.kept == 0 {
				return
			}
			var line contract.Transcript
			require.NoError(t, json.Unmarshal(kept.lines[0], &line))
			booked := l.ledger.only(t)
			require.Equal(t, booked.ID, line.ID)
			require.Equal(t, booked.StartMS, line.StartMS)
			require.JSONEq(t, tc.body, string(line.Request))
			require.Contains(t, string(line.Response), `"choices"`)
		})
	}
}

package provider_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

func TestMidstream(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]provider.Failure{
		`{"error":{"message":"Why.","type":"server_error","code":null}}`:              {Status: 500, Text: "Why.", Code: "server_error"},
		`{"error":{"message":"Why.","code":429}}`:                                     {Status: 429, Text: "Why."},
		`{"error":{"message":"Why.","code":"429"}}`:                                   {Status: 429, Text: "Why.", Code: "429"},
		`{"error":{"message":"Why.","code":200}}`:                                     {Status: 500, Text: "Why."},
		`{"error":{"message":"Why.","code":"rate_limit_exceeded"}}`:                   {Status: 429, Text: "Why.", Code: "rate_limit_exceeded"},
		`{"error":{"message":"Why.","type":"rate_limit_error","code":"slow"}}`:        {Status: 429, Text: "Why.", Code: "slow"},
		`{"error":{"message":"Why.","code":"context_length_exceeded"}}`:               {Status: 400, Text: "Why.", Code: "context_length_exceeded"},
		`{"id":"x","choices":[{"delta":{}}],"error":{"message":"Why.","code":502}}`:   {Status: 502, Text: "Why."},
		`{"type":"error","error":{"type":"overloaded_error","message":"Why."}}`:       {Status: 529, Text: "Why.", Code: "overloaded_error"},
		`{"type":"error","code":"server_error","message":"Why.","sequence_number":3}`: {Status: 500, Text: "Why.", Code: "server_error"},
		`{"error":{"code":503,"message":"Why.","status":"UNAVAILABLE"}}`:              {Status: 503, Text: "Why.", Code: "UNAVAILABLE"},
		`{"error":"Why."}`: {Status: 500, Text: "Why."},
	} {
		got := provider.Midstream([]byte(data))
		require.NotNil(t, got, data)
		require.Equal(t, want, *got, data)
	}
	for _, data := range []string{
		``, `{}`, `{"error":null,"choices":[]}`, `{"error":""}`, `{"error":{}}`, `{"choices":[{"delta":{"content":"\"error\":{}"}}]}`,
		`{"choices":[{"logprobs":{"content":[{"token":"error"}]},"error":{"code":429}}]}`, `{"response":{"error":{"code":"x"}}}`, `"error"`, `[1,"error"]`,
	} {
		require.Nil(t, provider.Midstream([]byte(data)), data)
	}
}

func FuzzMidstream(f *testing.F) {
	f.Add([]byte(`{"error":{"message":"Why.","code":"429"}}`))
	f.Add([]byte(`{"type":"error","code":7}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if failure := provider.Midstream(data); failure != nil && (failure.Status < 400 || failure.Status >= 600) {
			t.Fatalf("status %d", failure.Status)
		}
	})
}

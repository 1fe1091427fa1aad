package chat_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

func TestUsage_ReadGemini(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, wire string
		want       chat.Usage
	}{
		{
			"thoughts beside the candidates", `{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":3,"totalTokenCount":18,"cachedContentTokenCount":4}`,
			chat.Usage{Input: 10, Output: 8, Reasoning: 3, CachedInput: 4},
		},
		{
			"thoughts among the candidates", `{"promptTokenCount":10,"candidatesTokenCount":8,"thoughtsTokenCount":3,"totalTokenCount":18,"trafficType":"ON_DEMAND"}`,
			chat.Usage{Input: 10, Output: 8, Reasoning: 3},
		},
		{
			"what a tool read", `{"promptTokenCount":10,"toolUsePromptTokenCount":7,"candidatesTokenCount":5,"totalTokenCount":22}`,
			chat.Usage{Input: 17, Output: 5},
		},
		{
			"kinds of content, part of them cached", `{"promptTokenCount":100,"candidatesTokenCount":50,"totalTokenCount":150,"cachedContentTokenCount":30,
				"promptTokensDetails":[{"modality":"TEXT","tokenCount":20},{"modality":"AUDIO","tokenCount":50},{"modality":"IMAGE","tokenCount":30}],
				"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":30}],"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":40}]}`,
			chat.Usage{Input: 100, Output: 50, CachedInput: 30, AudioInput: 20, ImageInput: 30, ImageOutput: 40},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := chat.Usage{WebSearches: 1}
			require.True(t, got.ReadGemini([]byte(tc.wire)))
			tc.want.WebSearches = 1 // is not said there, and stays
			require.Equal(t, tc.want, got)
		})
	}
	for _, nothing := range []string{"", "null", "[]", "{}", `{"trafficType":"ON_DEMAND"}`, `{"promptTokenCount":1`} {
		u := chat.Usage{Input: 7}
		require.False(t, u.ReadGemini([]byte(nothing)), nothing)
		require.Equal(t, chat.Usage{Input: 7}, u)
	}
}

func TestUsage_AppendGemini_reads_back(t *testing.T) {
	t.Parallel()
	want := chat.Usage{Input: 100, Output: 60, Reasoning: 10, CachedInput: 30, AudioInput: 20, ImageOutput: 40}
	var got chat.Usage
	require.True(t, got.ReadGemini(want.AppendGemini(nil)))
	require.Equal(t, want, got)
}

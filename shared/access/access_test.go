package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/access"
)

func TestRoute(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		allowed []string
		path    string
		want    bool
	}{
		{nil, "/anything", true},
		{[]string{"/chat/completions"}, "/chat/completions", true},
		{[]string{"/chat"}, "/chat/completions", true},
		{[]string{"/chat"}, "/chatter", false},
		{[]string{"/key/*"}, "/key/info", true},
		{[]string{"llm_api_routes"}, "/v1/embeddings", true},
		{[]string{"llm_api_routes"}, "/openai/deployments/x/chat/completions", true},
		{[]string{"llm_api_routes"}, "/anthropic/v1/messages", true},
		{[]string{"llm_api_routes"}, "/v1beta/models/gemini-pro:generateContent", true},
		{[]string{"llm_api_routes"}, "/v1/responses/resp_1/cancel", true},
		{[]string{"llm_api_routes"}, "/v1/audio/speech", true},
		{[]string{"openai_routes"}, "/openai/v1/models", false},
		{[]string{"anthropic_routes"}, "/v1/messages/batches/b/results", true},
		{[]string{"anthropic_routes"}, "/v1/chat/completions", false},
		{[]string{"llm_api_routes"}, "/key/generate", false},
		{[]string{"management_routes"}, "/v1/chat/completions", false},
		{[]string{"info_routes"}, "/key/info", true},
		{[]string{"info_routes"}, "/key/delete", false},
		{[]string{""}, "/x", false},
	} {
		require.Equal(t, tc.want, access.Route(tc.allowed, tc.path), "%v %s", tc.allowed, tc.path)
	}
}

func TestModel(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		list  []string
		model string
		want  bool
	}{
		{nil, "m", true},
		{[]string{"*"}, "m", true},
		{[]string{"all-proxy-models"}, "m", true},
		{[]string{"all-team-models"}, "m", true},
		{[]string{"no-default-models"}, "m", false},
		{[]string{"no-default-models"}, "no-default-models", false},
		{[]string{"a", "m"}, "m", true},
		{[]string{"a"}, "ab", false},
		{[]string{"openai/*"}, "openai/gpt-4o", true},
		{[]string{"openai/*"}, "azure/gpt-4o", false},
	} {
		require.Equal(t, tc.want, access.Model(tc.list, tc.model), "%v %s", tc.list, tc.model)
	}
}

package model_test

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/shared/seal"
)

func TestDeployment_carries_its_own_prices(t *testing.T) {
	t.Parallel()
	box, err := seal.New("salt")
	require.NoError(t, err)
	s := model.New(nil, box, parse(t, `
model_list:
- model_name: gpt
  litellm_params:
    {model: openai/gpt-4o, input_cost_per_token: 1e-6, output_cost_per_token_batches: 0.000002, input_cost_per_token_above_200k_tokens: 3.0e-06,
     search_context_cost_per_query: {search_context_size_low: 0.03}, temperature: 0}
  model_info: {id: a, input_cost_per_token: 9, output_cost_per_audio_token: 1.0e-5}
- {model_name: image, litellm_params: {model: openai/dall-e-3, input_cost_per_image: 0.04}, model_info: {id: image, mode: image_generation}}
- {model_name: free, litellm_params: {model: openai/gpt-4o, input_cost_per_token: 0, output_cost_per_token: 0}, model_info: {id: free}}
- {model_name: plain, litellm_params: {model: openai/gpt-4o}, model_info: {id: plain}}
`), nothing, slog.New(slog.DiscardHandler))

	d, err := s.Deployment(t.Context(), "a", nil)
	require.NoError(t, err)
	got, err := json.Marshal(d.Rate)
	require.NoError(t, err)
	require.JSONEq(t, `{"prices":{"input":1000000000,"input>200000":3000000000,"output/batch":2000000000,"audio_output":10000000000,"web_search_low":30000000000000}}`, string(got))
	require.Equal(t, map[string]json.RawMessage{"temperature": json.RawMessage("0")}, d.Params, "prices are not sent to vendors")

	d, err = s.Deployment(t.Context(), "image", nil)
	require.NoError(t, err)
	got, err = json.Marshal(d.Rate)
	require.NoError(t, err)
	require.JSONEq(t, `{"prices":{"input_image":0,"output_image":40000000000000}}`, string(got), "a generated image is output")

	d, err = s.Deployment(t.Context(), "free", nil)
	require.NoError(t, err)
	require.True(t, d.Rate.Free())
	d, err = s.Deployment(t.Context(), "plain", nil)
	require.NoError(t, err)
	require.Nil(t, d.Rate, "the price table's prices hold")
}

package prompt_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/prompt"
)

func conversation() []chat.Message {
	return []chat.Message{
		{Role: chat.Developer, Content: chat.Text("S")},
		{Role: chat.User, Content: chat.Text("a")},
		{Role: chat.Assistant, Content: chat.Text("b")},
		{Role: chat.User, Content: chat.Text("c")},
	}
}

func TestRender_by_family(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{
		"gpt2":                           "S a b c",
		"meta-llama/Llama-2-7b-chat":     "<s>[INST] <<SYS>>\nS\n<</SYS>>\n [/INST]\n[INST] a [/INST]\nb\n</s><s>[INST] c [/INST]\n",
		"mistralai/Mistral-7B-Instruct":  "<s>[INST] S [/INST]\n[INST] a [/INST]\n b</s>[INST] c [/INST]\n",
		"Qwen/Qwen2-7B":                  "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n",
		"meta-llama/Meta-Llama-3-8B-Ins": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\na<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nc<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
	} {
		tpl, forced, err := prompt.Of(model, nil)
		require.NoError(t, err)
		require.False(t, forced)
		require.Equal(t, want, tpl.Render(conversation()), model)
	}
}

func TestOf_takes_the_deployments_own(t *testing.T) {
	t.Parallel()
	tpl, forced, err := prompt.Of("llama-3", map[string]json.RawMessage{
		"roles":                json.RawMessage(`{"user":{"pre_message":"U:","post_message":";"},"assistant":{"pre_message":"A:","post_message":";"}}`),
		"initial_prompt_value": json.RawMessage(`"I "`), "final_prompt_value": json.RawMessage(`" F"`), "bos_token": json.RawMessage(`"<"`), "eos_token": json.RawMessage(`">"`),
	})
	require.NoError(t, err)
	require.True(t, forced)
	require.Equal(t, "I <SU:a;A:b;><U:c; F", tpl.Render(conversation()))
	_, _, err = prompt.Of("m", map[string]json.RawMessage{"roles": json.RawMessage(`[]`)})
	require.Error(t, err)
}

// Package prompt writes a conversation as one text, for models that complete
// texts instead of answering messages. It is pure.
//
// A deployment may say how its model wants it, by LiteLLM's parameters roles,
// initial_prompt_value, final_prompt_value, bos_token and eos_token; the forms
// of a few families of models are known.
package prompt

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

// Role is what stands around the messages of a role.
type Role struct {
	Pre  string `json:"pre_message"`
	Post string `json:"post_message"`
}

// Template is how a model wants its prompt. The zero value is the texts with a
// space between them, which is LiteLLM's.
type Template struct {
	Initial, Final string
	// Begin stands in front of each round and End behind the model's answer.
	Begin, End string
	Roles      map[string]Role
	plain      bool
}

// Of returns the template of a deployment: what its parameters say, else that
// of the model's family. It reports whether the parameters say it.
func Of(model string, params map[string]json.RawMessage) (t Template, forced bool, err error) {
	for name, to := range map[string]any{
		"roles": &t.Roles, "initial_prompt_value": &t.Initial, "final_prompt_value": &t.Final, "bos_token": &t.Begin, "eos_token": &t.End,
	} {
		raw, ok := params[name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, to); err != nil {
			return t, false, fmt.Errorf("%s: want LiteLLM's form of a prompt template: %w", name, err)
		}
		forced = forced || name != "bos_token" && name != "eos_token"
	}
	if forced {
		return t, true, nil
	}
	return family(strings.ToLower(model)), false, nil
}

func family(model string) Template {
	has := func(part string) bool { return strings.Contains(model, part) }
	switch {
	case has("llama-3"), has("llama3"):
		head := func(role string) Role {
			return Role{"<|start_header_id|>" + role + "<|end_header_id|>\n\n", "<|eot_id|>"}
		}
		return Template{
			Initial: "<|begin_of_text|>", Final: "<|start_header_id|>assistant<|end_header_id|>\n\n",
			Roles: map[string]Role{chat.System: head("system"), chat.User: head("user"), chat.Assistant: head("assistant"), chat.ToolRole: head("ipython")},
		}
	case has("llama-2") && has("chat"), has("llama2") && has("chat"):
		return Template{Begin: "<s>", End: "</s>", Roles: map[string]Role{
			chat.System: {"[INST] <<SYS>>\n", "\n<</SYS>>\n [/INST]\n"}, chat.User: {"[INST] ", " [/INST]\n"}, chat.Assistant: {"", "\n"},
		}}
	case (has("mistral") || has("mixtral")) && has("instruct"):
		return Template{Initial: "<s>", End: "</s>", Roles: map[string]Role{
			chat.System: {"[INST] ", " [/INST]\n"}, chat.User: {"[INST] ", " [/INST]\n"}, chat.Assistant: {" ", ""},
		}}
	case has("qwen"), has("chatml"):
		turn := func(role string) Role { return Role{"<|im_start|>" + role + "\n", "<|im_end|>\n"} }
		return Template{Final: "<|im_start|>assistant\n", Roles: map[string]Role{
			chat.System: turn("system"), chat.User: turn("user"), chat.Assistant: turn("assistant"), chat.ToolRole: turn("tool"),
		}}
	}
	return Template{plain: true}
}

// Render writes the prompt. Pictures and files are left out.
func (t *Template) Render(messages []chat.Message) string {
	var b strings.Builder
	b.WriteString(t.Initial)
	begun := false
	for i := range messages {
		m := &messages[i]
		role := m.Role
		if role == chat.Developer {
			role = chat.System
		}
		if t.plain && i > 0 {
			b.WriteByte(' ')
		}
		if !begun && role != chat.Assistant {
			b.WriteString(t.Begin)
			begun = true
		}
		around := t.Roles[role]
		b.WriteString(around.Pre)
		b.WriteString(m.Content.Text())
		b.WriteString(around.Post)
		if role == chat.Assistant {
			b.WriteString(t.End)
			begun = false
		}
	}
	b.WriteString(t.Final)
	return b.String()
}

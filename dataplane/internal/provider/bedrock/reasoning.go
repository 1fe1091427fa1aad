package bedrock

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	minBudget = 1024 // Claude's
	// answerRoom is what an answer may take beside the thoughts when the client
	// sets no limit, as in LiteLLM.
	answerRoom = 4096
)

// The efforts that clients name.
const (
	effortNone    = "none"
	effortDisable = "disable"
	effortMinimal = "minimal"
	effortLow     = "low"
	effortMedium  = "medium"
	effortHigh    = "high"
	effortXHigh   = "xhigh"
	effortMax     = "max"
)

// budget is LiteLLM's translation of an effort into tokens.
func budget(effort string) int64 {
	switch effort {
	case effortMinimal:
		return 512
	case effortLow:
		return 1024
	case effortMedium:
		return 2048
	case effortHigh:
		return 4096
	case effortXHigh:
		return 8192
	case effortMax:
		return 16384
	}
	return 0
}

// reasoning asks for thoughts in the words of the model's maker.
func (t *translation) reasoning() error {
	effort := t.req.ReasoningEffort
	if effort != "" && effort != effortNone && effort != effortDisable && budget(effort) == 0 {
		return refuse("reasoning_effort",
			"Invalid reasoning_effort: '%s'. Must be one of: 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'none'", effort)
	}
	if effort == effortNone || effort == effortDisable {
		effort = ""
	}
	switch t.model.family {
	case claude, unknownFamily:
		return t.claudeThinking(effort)
	case nova2:
		t.novaReasoning(effort)
	case gptOSS:
		if effort != "" {
			t.additional("reasoning_effort", quoted(threeEfforts(effort)))
		}
	case openAI:
		if t.req.ReasoningEffort != "" {
			t.additional("reasoning", json.RawMessage(`{"effort":`+string(quoted(t.req.ReasoningEffort))+`}`))
		}
	default:
	}
	return nil
}

// claudeThinking sends what the client says of thinking, or translates the
// effort, in the way that the generation takes.
func (t *translation) claudeThinking(effort string) error {
	thinking := t.req.Thinking
	if thinking == nil && effort != "" {
		thinking = t.byEffort(effort)
	}
	off := t.req.ReasoningEffort != "" && effort == "" || thinking != nil && thinking.Type == "disabled"
	switch {
	case off && t.model.thinkingOff() != "":
		t.additional("thinking", json.RawMessage(`{"type":"`+t.model.thinkingOff()+`"}`))
		return nil
	case off || thinking == nil:
		return nil
	case thinking.BudgetTokens != nil && lostThoughts(t.req.Messages):
		return nil
	}
	thinking = t.accepted(thinking)
	raw, err := marshal(thinking)
	if err != nil {
		return err
	}
	t.additional("thinking", raw)
	t.thinks = true
	if _, limited := t.req.Limit(); !limited && thinking.BudgetTokens != nil {
		t.inference.MaxTokens = new(*thinking.BudgetTokens + answerRoom)
	}
	return nil
}

// byEffort asks a model to think as hard as an OpenAI client says.
func (t *translation) byEffort(effort string) *chat.Thinking {
	if !t.model.adaptive() {
		return &chat.Thinking{Type: "enabled", BudgetTokens: new(max(budget(effort), minBudget))}
	}
	switch {
	case effort == effortMinimal:
		effort = effortLow
	case effort == effortXHigh && !t.model.version.atLeast(4, 7):
		effort = effortHigh
	}
	t.additional("output_config", json.RawMessage(`{"effort":`+string(quoted(effort))+`}`))
	thinking := &chat.Thinking{Type: "adaptive"}
	if !t.model.budgeted() { // these keep the text of their thoughts back if nothing is said
		thinking.Display = "summarized"
	}
	return thinking
}

// accepted says the same in the words of the model's generation.
func (t *translation) accepted(thinking *chat.Thinking) *chat.Thinking {
	own := *thinking
	switch {
	case own.Type == "enabled" && t.model.adaptive() && !t.model.budgeted():
		own.Type, own.BudgetTokens = "adaptive", nil
	case own.Type == "adaptive" && t.model.family == claude && !t.model.adaptive():
		own.Type, own.BudgetTokens = "enabled", new(budget(effortHigh))
	case own.BudgetTokens != nil:
		own.BudgetTokens = new(max(*own.BudgetTokens, minBudget))
	}
	return &own
}

// novaReasoning follows https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html:
// the highest effort allows no limit and no sampling parameters.
func (t *translation) novaReasoning(effort string) {
	if effort == "" {
		return
	}
	effort = threeEfforts(effort)
	t.additional("reasoningConfig", json.RawMessage(`{"type":"enabled","maxReasoningEffort":`+string(quoted(effort))+`}`))
	t.thinks = true
	if effort == effortHigh {
		t.inference.MaxTokens, t.inference.Temperature, t.inference.TopP = nil, nil, nil
	}
}

// threeEfforts is for models that know low, medium and high.
func threeEfforts(effort string) string {
	switch effort {
	case effortMinimal:
		return effortLow
	case effortXHigh, effortMax:
		return effortHigh
	}
	return effort
}

func quoted(s string) json.RawMessage { return jsonx.Quote(s) }

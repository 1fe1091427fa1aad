package anthropic

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
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
	// effortMaxOnly marks models that know max and not xhigh.
	effortMaxOnly = "max without xhigh"
)

// The types of thinking.
const (
	thinkingEnabled  = "enabled"
	thinkingAdaptive = "adaptive"
	thinkingDisabled = "disabled"
)

// minBudget is the least that Anthropic takes, in tokens.
const minBudget = 1024

// Budgets are the tokens that a reasoning effort may think for, by its name.
type Budgets map[string]int64

// NewBudgets returns LiteLLM's budgets, each with its environment variable.
func NewBudgets(cfg *provider.Config) Budgets {
	b := Budgets{effortMinimal: 512, effortLow: 1024, effortMedium: 2048, effortHigh: 4096, effortXHigh: 8192, effortMax: 16384}
	for effort := range b {
		name := "DEFAULT_REASONING_EFFORT_" + strings.ToUpper(effort) + "_THINKING_BUDGET"
		if n, err := strconv.ParseInt(cfg.Env(name), 10, 32); err == nil && n >= 0 {
			b[effort] = n
		}
	}
	return b
}

// think says how long the model is to think.
func (t *translation) think() error {
	effort := t.req.ReasoningEffort
	switch effort {
	case effortNone, effortDisable:
		if t.req.Thinking == nil {
			t.req.Thinking = &chat.Thinking{Type: thinkingDisabled}
		}
		effort = ""
	case "":
	default:
		if _, known := t.codec.opts.Budgets[effort]; !known {
			return apierr.New(http.StatusBadRequest, apierr.TypeInvalidRequest,
				"Invalid reasoning_effort: '%s'. Must be one of: 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'none'", effort)
		}
	}
	wish := t.req.Thinking
	if wish == nil && effort != "" {
		wish = t.byEffort(effort)
	}
	if effort != "" && t.traits.effort != "" && (t.traits.adaptive || t.req.Thinking != nil) {
		t.effort = t.traits.nearest(effort)
	}
	t.wire.Thinking = t.traits.accepted(wish, t.codec.opts.Budgets)
	if t.wire.Thinking != nil && t.wire.Thinking.Type == thinkingEnabled && lostThoughts(t.req.Messages) {
		t.wire.Thinking = nil
	}
	t.roomToThink(effort)
	return nil
}

// byEffort asks a model to think as hard as an OpenAI client says.
func (t *translation) byEffort(effort string) *chat.Thinking {
	switch {
	case t.traits.adaptive && t.traits.budgets:
		return &chat.Thinking{Type: thinkingAdaptive}
	case t.traits.adaptive:
		// Left to themselves these models keep the text of their thoughts back.
		return &chat.Thinking{Type: thinkingAdaptive, Display: "summarized"}
	case t.traits.budgets:
		budget := max(t.codec.opts.Budgets[effort], minBudget)
		return &chat.Thinking{Type: thinkingEnabled, BudgetTokens: &budget}
	}
	return nil
}

// nearest returns the effort that a model knows for the one that is asked for.
func (t *traits) nearest(effort string) string {
	switch {
	case effort == effortMinimal:
		return effortLow
	case effort == effortXHigh && t.effort != effortMax, effort == effortMax && t.effort == effortHigh:
		return effortHigh
	}
	return effort
}

// accepted says a wish in the way that the model takes it: what one generation
// knows, another refuses.
func (t *traits) accepted(wish *chat.Thinking, budgets Budgets) *chat.Thinking {
	switch {
	case wish == nil:
		return nil
	case wish.Type == thinkingDisabled:
		switch {
		case t.thinks && t.off == "", !t.reasons():
			return nil
		case t.thinks && t.off != thinkingDisabled:
			return &chat.Thinking{Type: t.off}
		}
		if !t.thinks {
			return nil // silence means the same
		}
	case wish.Type == thinkingEnabled && !t.budgets && t.adaptive:
		return &chat.Thinking{Type: thinkingAdaptive, Display: wish.Display}
	case wish.Type == thinkingAdaptive && !t.adaptive && t.budgets:
		budget := max(budgets[effortHigh], minBudget)
		return &chat.Thinking{Type: thinkingEnabled, BudgetTokens: &budget, Display: wish.Display}
	}
	return wish
}

// roomToThink leaves room for an answer behind the thoughts where the client
// sets no limit.
func (t *translation) roomToThink(effort string) {
	thinking := t.wire.Thinking
	if _, limited := t.req.Limit(); limited || thinking == nil {
		return
	}
	switch {
	case thinking.BudgetTokens != nil:
		t.wire.MaxTokens += *thinking.BudgetTokens
	case thinking.Type == thinkingAdaptive:
		if effort == "" {
			effort = effortHigh
		}
		t.wire.MaxTokens += t.codec.opts.Budgets[effort]
	}
}

// lostThoughts reports whether the conversation goes on from a tool call whose
// thoughts the client did not keep: with a budget, Anthropic refuses that.
func lostThoughts(messages []chat.Message) bool {
	lost := false
	for i := range messages {
		m := &messages[i]
		if m.Role != chat.Assistant {
			continue
		}
		for j := range m.ThinkingBlocks {
			if m.ThinkingBlocks[j].Signature != "" || m.ThinkingBlocks[j].Data != "" {
				return false
			}
		}
		lost = len(m.ToolCalls) > 0
	}
	return lost
}

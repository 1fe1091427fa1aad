package gemini

import (
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Budgets are the tokens that a reasoning effort may think for, by its name.
type Budgets map[string]int64

// The efforts that mean that the model shall not think.
const (
	effortNone    = "none"
	effortDisable = "disable"
)

// anyBudget leaves it to the model how long it thinks.
const anyBudget = -1

// NewBudgets returns LiteLLM's budgets, each with its environment variable.
func NewBudgets(cfg *provider.Config) Budgets {
	b := Budgets{}
	for _, d := range []struct {
		effort, env string
		tokens      int64
	}{
		{effortDisable, "DISABLE_THINKING_BUDGET", 0},
		{"minimal", "MINIMAL_THINKING_BUDGET", 512},
		{"minimal gemini-2.5-flash", "MINIMAL_THINKING_BUDGET_GEMINI_2_5_FLASH", 1},
		{"minimal gemini-2.5-flash-lite", "MINIMAL_THINKING_BUDGET_GEMINI_2_5_FLASH_LITE", 512},
		{"minimal gemini-2.5-pro", "MINIMAL_THINKING_BUDGET_GEMINI_2_5_PRO", 128},
		{"low", "LOW_THINKING_BUDGET", 1024},
		{"medium", "MEDIUM_THINKING_BUDGET", 2048},
		{"high", "HIGH_THINKING_BUDGET", 4096},
		{"xhigh", "XHIGH_THINKING_BUDGET", 8192},
		{"max", "MAX_THINKING_BUDGET", 16384},
	} {
		b[d.effort] = d.tokens
		if n, err := strconv.ParseInt(cfg.Env("DEFAULT_REASONING_EFFORT_"+d.env), 10, 32); err == nil && n >= 0 {
			b[d.effort] = n
		}
	}
	b[effortNone] = 0
	return b
}

// thinking asks for thoughts, or for none; nil leaves it to the model.
func (c *Codec) thinking(req *chat.Request) (*thinkingConfig, error) {
	switch {
	case !c.traits.reasons:
		return nil, nil
	case req.Thinking != nil:
		return c.wished(req.Thinking), nil
	case req.ReasoningEffort == "" || req.ReasoningEffort == "auto" || req.ReasoningEffort == "default":
		return nil, nil
	}
	effort := req.ReasoningEffort
	budget, ok := c.budget(effort)
	if !ok {
		return nil, apierr.BadRequest("Invalid reasoning effort: %s", effort)
	}
	t := &thinkingConfig{IncludeThoughts: effort != effortNone && effort != effortDisable}
	if c.traits.third() {
		t.ThinkingLevel = c.level(effort)
	} else {
		t.ThinkingBudget = &budget
	}
	return t, nil
}

func (c *Codec) budget(effort string) (tokens int64, ok bool) {
	if effort == "minimal" {
		name := strings.ToLower(c.site.Model)
		for _, model := range []string{"gemini-2.5-flash-lite", "gemini-2.5-flash", "gemini-2.5-pro"} {
			if strings.Contains(name, model) {
				tokens, ok = c.site.Budgets[effort+" "+model]
				return tokens, ok
			}
		}
	}
	tokens, ok = c.site.Budgets[effort]
	return tokens, ok && !strings.Contains(effort, " ")
}

// level returns the nearest level that the model knows. Gemini 3 can not be
// kept from thinking: https://ai.google.dev/gemini-api/docs/thinking#thinking-levels
func (c *Codec) level(effort string) string {
	switch effort {
	case effortNone, effortDisable, "minimal":
		if c.traits.flash {
			return "minimal"
		}
		return "low"
	case "low":
		return "low"
	case "medium":
		if c.traits.flash || c.traits.minor > 0 || c.traits.major > 3 {
			return "medium"
		}
	}
	return "high"
}

// wished translates Anthropic's parameter.
func (c *Codec) wished(t *chat.Thinking) *thinkingConfig {
	on := t.Type != "disabled" && (t.BudgetTokens == nil || *t.BudgetTokens != 0)
	out := &thinkingConfig{IncludeThoughts: on}
	switch {
	case c.traits.third(): // it decides by itself how long
	case t.BudgetTokens != nil:
		out.ThinkingBudget = t.BudgetTokens
	case on && t.Type == "adaptive":
		out.ThinkingBudget = new(int64(anyBudget))
	case !on && c.traits.flash: // the others can not be kept from thinking
		out.ThinkingBudget = new(int64(0))
	}
	return out
}

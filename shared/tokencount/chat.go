package tokencount

// What a chat costs beside its texts, as OpenAI describes it and LiteLLM
// counts it:
// https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb
const (
	perMessage       = 3
	perName          = 1
	perReply         = 3 // every answer begins with <|start|>assistant<|message|>
	perTools         = 9
	systemWithTools  = -4
	toolChoiceNone   = 1
	toolChoiceObject = 4
)

// Chat is a chat request in no dialect.
type Chat struct {
	Messages []Message
	Tools    []Tool
	// ToolChoice is "", auto, none or required; ToolName the function that
	// must be called.
	ToolChoice, ToolName string
}

// Message is one message of a chat.
type Message struct {
	Role, Name string
	Parts      []Part
	ToolCalls  []ToolCall
}

// Part is a text or an image.
type Part struct {
	Text  string
	Image *Image
}

// ToolCall is a call of a function that the model asked for.
type ToolCall struct {
	Name, Arguments string
}

// Tool is a function that the model may call. Parameters are its JSON schema.
type Tool struct {
	Name, Description string
	Parameters        []byte
}

// Chat returns the tokens of a chat for a model.
func (c *Counter) Chat(model string, chat *Chat) int {
	tools := ""
	if len(chat.Tools) > 0 {
		tools = namespace(chat.Tools)
	}
	t := tally{counter: c, model: model, exact: chat.size()+len(tools) <= MaxExact}
	system := false
	for i := range chat.Messages {
		system = system || chat.Messages[i].Role == "system"
		t.message(&chat.Messages[i])
	}
	t.tokens += perReply
	if len(chat.Tools) > 0 {
		t.text(tools)
		t.tokens += perTools
		if system {
			t.tokens += systemWithTools
		}
	}
	switch {
	case chat.ToolName != "":
		t.tokens += toolChoiceObject
		t.text(chat.ToolName)
	case chat.ToolChoice == "none":
		t.tokens += toolChoiceNone
	}
	return t.tokens
}

// size is the text of the messages in bytes.
func (c *Chat) size() int {
	n := 0
	for i := range c.Messages {
		m := &c.Messages[i]
		for _, p := range m.Parts {
			n += len(p.Text)
		}
		for _, call := range m.ToolCalls {
			n += len(call.Name) + len(call.Arguments)
		}
	}
	return n
}

// tally adds up a chat.
type tally struct {
	counter *Counter
	model   string
	exact   bool
	tokens  int
}

func (t *tally) text(s string) {
	if !t.exact {
		t.tokens += estimate(len(s))
		return
	}
	t.tokens += t.counter.count(t.model, s)
}

func (t *tally) message(m *Message) {
	t.tokens += perMessage
	t.text(m.Role)
	if m.Name != "" {
		t.tokens += perName
		t.text(m.Name)
	}
	for _, p := range m.Parts {
		t.text(p.Text)
		if p.Image != nil {
			t.tokens += p.Image.Tokens()
		}
	}
	for _, call := range m.ToolCalls {
		t.text(call.Name)
		t.text(call.Arguments)
	}
}

package gemini

import (
	"encoding/json"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Decode implements dialect.Dialect.
func (Dialect) Decode(body []byte, all []jsonx.Member) (*chat.Request, error) {
	d := decoder{req: &chat.Request{}}
	for i := range all {
		m := &all[i]
		value := m.Value.Of(body)
		if jsonx.IsNull(value) {
			continue
		}
		if err := d.member(camel(m.Name), value); err != nil {
			return nil, err
		}
	}
	if d.system != nil {
		d.req.Messages = append([]chat.Message{*d.system}, d.req.Messages...)
	}
	if len(d.req.Messages) == 0 {
		return nil, &chat.ParamError{Param: "contents", Want: "a list of at least one content"}
	}
	d.finishTools()
	return d.req, nil
}

// decoder reads one request.
type decoder struct {
	req    *chat.Request
	system *chat.Message
	calls  calls
	config configuration
	hosted []json.RawMessage // tools that run at Google
	only   []string          // functions that may be called
}

// configuration is what of generationConfig says more than one parameter.
type configuration struct {
	mime   string
	schema json.RawMessage
	rest   map[string]json.RawMessage
}

func (d *decoder) member(name string, value []byte) error {
	switch name {
	case "contents":
		return elements(value, name, d.content)
	case "systemInstruction":
		return d.instruct(value)
	case "tools":
		return elements(value, name, d.tool)
	case "toolConfig":
		return d.toolConfig(value)
	case "generationConfig":
		return d.generation(value)
	case "serviceTier":
		var tier string
		if err := text(value, &tier, name); err != nil {
			return err
		}
		if d.req.ServiceTier = tier; tier == "standard" {
			d.req.ServiceTier = "default"
		}
		return nil
	case "model": // the path says it
		return nil
	}
	return d.gatewayMember(name, value)
}

// gatewayMember keeps the rest: what only Gemini understands, and what speaks
// to the gateway.
func (d *decoder) gatewayMember(name string, value []byte) error {
	switch name {
	case "safetySettings", "cachedContent", "labels", "modelArmorConfig", "store":
		put(&d.req.Gemini, name, value)
	case "metadata", "user":
		if d.req.Extra == nil {
			d.req.Extra = map[string]json.RawMessage{}
		}
		if name == "user" {
			return text(value, &d.req.User, name)
		}
		d.req.Extra[name] = value
	}
	return nil
}

// generation reads generationConfig.
func (d *decoder) generation(value []byte) error {
	err := members(value, "generationConfig", func(name string, value []byte) error {
		what := "generationConfig." + name
		if known, err := d.number(name, value, what); known || err != nil {
			return err
		}
		switch name {
		case "stopSequences":
			return take(value, (*[]string)(&d.req.Stop), what, "a list of strings")
		case "responseLogprobs":
			return take(value, &d.req.Logprobs, what, "a boolean")
		case "responseMimeType":
			return text(value, &d.config.mime, what)
		case "responseSchema":
			d.config.schema = jsonSchema(value)
		case "responseJsonSchema":
			d.config.schema = value
		case "responseModalities":
			if err := take(value, &d.req.Modalities, what, "a list of strings"); err != nil {
				return err
			}
			for i, m := range d.req.Modalities {
				d.req.Modalities[i] = strings.ToLower(m)
			}
		case "speechConfig":
			return d.voice(value)
		case "thinkingConfig":
			return d.thinking(value)
		default:
			put(&d.config.rest, name, value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.format()
	if len(d.config.rest) > 0 {
		rest, err := json.Marshal(d.config.rest)
		if err != nil {
			return err
		}
		put(&d.req.Gemini, "generationConfig", rest)
	}
	return nil
}

// number reads the parameters that are one.
func (d *decoder) number(name string, value []byte, what string) (known bool, err error) {
	r := d.req
	const number = "a number"
	switch name {
	case "temperature":
		err = take(value, &r.Temperature, what, number)
	case "topP":
		err = take(value, &r.TopP, what, number)
	case "topK":
		err = integer(value, &r.TopK, what)
	case "candidateCount":
		if err = integer(value, &r.N, what); err == nil && *r.N <= 1 {
			r.N = nil // not every vendor takes it
		}
	case "maxOutputTokens":
		err = integer(value, &r.MaxTokens, what)
	case "seed":
		err = integer(value, &r.Seed, what)
	case "presencePenalty":
		err = take(value, &r.PresencePenalty, what, number)
	case "frequencyPenalty":
		err = take(value, &r.FrequencyPenalty, what, number)
	case "logprobs":
		err = integer(value, &r.TopLogprobs, what)
	default:
		return false, nil
	}
	return true, err
}

// format puts together what is asked of the form of the answer.
func (d *decoder) format() {
	switch {
	case len(d.config.schema) > 0 && d.config.mime != "text/plain":
		d.req.ResponseFormat = &chat.ResponseFormat{Type: chat.FormatJSONSchema, JSONSchema: &chat.JSONSchema{Name: "response", Schema: d.config.schema}}
	case d.config.mime == "application/json":
		d.req.ResponseFormat = &chat.ResponseFormat{Type: chat.FormatJSONObject}
	}
}

// voice asks for sound.
func (d *decoder) voice(value []byte) error {
	var name string
	path := []string{"voiceConfig", "prebuiltVoiceConfig", "voiceName"}
	var walk func(value []byte, depth int) error
	walk = func(value []byte, depth int) error {
		return members(value, "generationConfig.speechConfig", func(member string, value []byte) error {
			switch {
			case member != path[depth]:
				return nil
			case depth == len(path)-1:
				return text(value, &name, "generationConfig.speechConfig."+member)
			}
			return walk(value, depth+1)
		})
	}
	if err := walk(value, 0); err != nil {
		return err
	}
	if name == "" { // several speakers, which only Gemini has
		put(&d.config.rest, "speechConfig", value)
		return nil
	}
	d.req.Audio = append(jsonx.AppendQuote([]byte(`{"voice":`), name), `,"format":"pcm16"}`...)
	return nil
}

// anyBudget leaves it to the model how long it thinks.
const anyBudget = -1

// thinking translates a budget into Anthropic's parameter, and a level into
// OpenAI's.
func (d *decoder) thinking(value []byte) error {
	var budget *int64
	var level string
	err := members(value, "generationConfig.thinkingConfig", func(name string, value []byte) error {
		switch name {
		case "thinkingBudget":
			return integer(value, &budget, "generationConfig.thinkingConfig.thinkingBudget")
		case "thinkingLevel":
			return text(value, &level, "generationConfig.thinkingConfig.thinkingLevel")
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case level != "" && level != "THINKING_LEVEL_UNSPECIFIED":
		d.req.ReasoningEffort = strings.ToLower(level)
	case budget == nil:
	case *budget == 0:
		d.req.Thinking = &chat.Thinking{Type: "disabled"}
	case *budget == anyBudget:
		d.req.Thinking = &chat.Thinking{Type: "adaptive"}
	default:
		d.req.Thinking = &chat.Thinking{Type: "enabled", BudgetTokens: budget}
	}
	return nil
}

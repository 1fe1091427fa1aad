package gemini

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// defaultTemperature is what Gemini 3 is made for; LiteLLM sends it, too.
const defaultTemperature = 1.0

// config translates the parameters of a request.
func (c *Codec) config(req *chat.Request) (*generationConfig, error) {
	g := &generationConfig{
		Temperature: req.Temperature, TopP: req.TopP, TopK: req.TopK, CandidateCount: req.N, StopSequences: req.Stop, Seed: req.Seed,
		FrequencyPenalty: req.FrequencyPenalty, PresencePenalty: req.PresencePenalty, ResponseLogprobs: req.Logprobs, Logprobs: req.TopLogprobs,
	}
	if limit, ok := req.Limit(); ok {
		g.MaxOutputTokens = &limit
	}
	if c.traits.third() {
		g.FrequencyPenalty, g.PresencePenalty = nil, nil // Gemini 3 has none, and refuses them
		if g.Temperature == nil {
			g.Temperature = new(defaultTemperature)
		}
	}
	c.format(g, req)
	if err := voice(g, req); err != nil {
		return nil, err
	}
	thinking, err := c.thinking(req)
	if err != nil {
		return nil, err
	}
	g.ThinkingConfig = thinking
	return g, nil
}

// encode writes the configuration with what the client said in Gemini's words,
// which wins.
func (g *generationConfig) encode() (json.RawMessage, error) {
	b, err := marshal(g)
	if err != nil {
		return nil, err
	}
	if b, err = overlay(b, g.extra); err != nil || string(b) == "{}" {
		return nil, err
	}
	return b, nil
}

// format asks for structured output. Models without it are told in the prompt.
func (c *Codec) format(g *generationConfig, req *chat.Request) {
	f := req.ResponseFormat
	if f == nil || f.Type == chat.FormatText || c.traits.small {
		return
	}
	g.ResponseMimeType = "application/json"
	switch schema := req.OutputSchema(); {
	case len(schema) == 0:
	case c.traits.rawSchema():
		g.ResponseJSONSchema = schema
	default:
		g.ResponseSchema, _ = cleanSchema(schema)
	}
}

// voice asks for sound. Gemini speaks raw PCM alone.
func voice(g *generationConfig, req *chat.Request) error {
	for _, m := range req.Modalities {
		g.ResponseModalities = append(g.ResponseModalities, strings.ToUpper(m))
	}
	if len(req.Audio) == 0 {
		return nil
	}
	var audio struct {
		Voice  string `json:"voice"`
		Format string `json:"format"`
	}
	if err := json.Unmarshal(req.Audio, &audio); err != nil {
		return &chat.ParamError{Param: "audio", Want: "an object with a voice and a format"}
	}
	if audio.Format != "" && audio.Format != "pcm16" {
		return apierr.BadRequest("Unsupported audio format for Gemini TTS models: %s. Gemini TTS models only support 'pcm16' format as they return "+
			"audio data in L16 PCM format. Please set audio format to 'pcm16'.", audio.Format)
	}
	if audio.Voice != "" {
		g.SpeechConfig = &speechConfig{VoiceConfig: &voiceConfig{PrebuiltVoiceConfig: prebuiltVoice{VoiceName: audio.Voice}}}
	}
	if !slices.Contains(g.ResponseModalities, "AUDIO") {
		g.ResponseModalities = append(g.ResponseModalities, "AUDIO")
	}
	return nil
}

// configMember returns the name in generationConfig of a parameter that
// clients give in Gemini's words, or "".
func configMember(name string) string {
	switch name = camel(name); name {
	case "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities", "mediaResolution", "speechConfig", "imageConfig",
		"thinkingConfig", "audioTimestamp", "routingConfig", "modelConfig", "enableEnhancedCivicAnswers", "translationConfig",
		"audioTranscriptionConfig", "maxOutputTokens", "candidateCount", "stopSequences", "responseLogprobs":
		return name
	case "modelSelectionConfig": // the SDK's name
		return "modelConfig"
	}
	return ""
}

// topMember returns the name in the body of a parameter that clients give in
// Gemini's words, or "".
func topMember(name string) string {
	switch name = camel(name); name {
	case "safetySettings", "cachedContent", "labels", "toolConfig", "modelArmorConfig", "store":
		return name
	}
	return ""
}

// camel turns Python's names into those of the wire.
func camel(name string) string {
	if !strings.Contains(name, "_") {
		return name
	}
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if name[i] == '_' && i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z' && i > 0 {
			i++
			b = append(b, name[i]-'a'+'A')
			continue
		}
		b = append(b, name[i])
	}
	return string(b)
}

// extras takes what the client said in Gemini's words.
func (c *Codec) extras(r *request, g *generationConfig, req *chat.Request) error {
	for _, said := range []map[string]json.RawMessage{req.Gemini, req.Extra} {
		for name, value := range said {
			if err := c.extra(r, g, name, value); err != nil {
				return err
			}
		}
	}
	if _, given := r.extra["labels"]; c.site.Vertex && !given {
		r.Labels = labels(req.Extra["metadata"])
	}
	return nil
}

func (c *Codec) extra(r *request, g *generationConfig, name string, value json.RawMessage) error {
	top := topMember(name)
	switch {
	case name == "extra_body":
		return merge(&r.extra, value, name)
	case camel(name) == "generationConfig":
		return merge(&g.extra, value, "generation_config")
	case configMember(name) != "":
		put(&g.extra, configMember(name), value)
	case top == "toolConfig":
		if r.ToolConfig == nil {
			r.ToolConfig = &toolConfig{}
		}
		if json.Unmarshal(value, r.ToolConfig) != nil {
			return &chat.ParamError{Param: "tool_config", Want: "an object"}
		}
	case top == "labels" && !c.site.Vertex:
	case top != "":
		put(&r.extra, top, value)
	}
	return nil
}

func put(to *map[string]json.RawMessage, name string, value json.RawMessage) {
	if *to == nil {
		*to = map[string]json.RawMessage{}
	}
	(*to)[name] = value
}

func merge(to *map[string]json.RawMessage, object json.RawMessage, param string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return &chat.ParamError{Param: param, Want: "an object"}
	}
	for name, value := range members {
		put(to, camel(name), value)
	}
	return nil
}

// labels makes Vertex AI's labels of those members of OpenAI's metadata that
// may be some: https://cloud.google.com/vertex-ai/docs/general/vertex-labels
func labels(metadata json.RawMessage) json.RawMessage {
	var all map[string]any
	if len(metadata) == 0 || json.Unmarshal(metadata, &all) != nil {
		return nil
	}
	kept := map[string]string{}
	for name, value := range all {
		if text, ok := value.(string); ok && name != "" && name[0] >= 'a' && label(name) && label(text) && len(kept) < maxLabels {
			kept[name] = text
		}
	}
	if len(kept) == 0 {
		return nil
	}
	b, err := json.Marshal(kept)
	if err != nil {
		return nil
	}
	return b
}

const (
	maxLabels = 64
	maxLabel  = 63
)

func label(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return len(s) <= maxLabel
}

//nolint:tagliatelle // the names are the vendor's
package fakegemini

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// body is https://ai.google.dev/api/generate-content
type body struct {
	Contents          []content         `json:"contents"`
	SystemInstruction *content          `json:"systemInstruction"`
	Tools             []json.RawMessage `json:"tools"`
	ToolConfig        struct {
		FunctionCallingConfig struct {
			Mode                 string   `json:"mode"`
			AllowedFunctionNames []string `json:"allowedFunctionNames"`
		} `json:"functionCallingConfig"`
	} `json:"toolConfig"`
	GenerationConfig json.RawMessage `json:"generationConfig"`
}

type content struct {
	Role  string            `json:"role"`
	Parts []json.RawMessage `json:"parts"`
}

type generation struct {
	Temperature        *float64        `json:"temperature"`
	TopP               *float64        `json:"topP"`
	MaxOutputTokens    int             `json:"maxOutputTokens"`
	StopSequences      []string        `json:"stopSequences"`
	ResponseMIMEType   string          `json:"responseMimeType"`
	ResponseSchema     json.RawMessage `json:"responseSchema"`
	ResponseJSONSchema json.RawMessage `json:"responseJsonSchema"`
	ThinkingConfig     *struct {
		IncludeThoughts bool   `json:"includeThoughts"`
		ThinkingBudget  *int   `json:"thinkingBudget"`
		ThinkingLevel   string `json:"thinkingLevel"`
	} `json:"thinkingConfig"`
}

func (g *generation) schema() json.RawMessage {
	if len(g.ResponseJSONSchema) > 0 {
		return g.ResponseJSONSchema
	}
	return g.ResponseSchema
}

// members are those of an object that the API knows.
func members(of string, vertex bool) []string {
	known := map[string]string{
		"":                  "model contents systemInstruction tools toolConfig generationConfig safetySettings cachedContent serviceTier store",
		"generation_config": "temperature topP topK candidateCount maxOutputTokens stopSequences responseMimeType responseSchema responseJsonSchema presencePenalty frequencyPenalty seed responseLogprobs logprobs responseModalities speechConfig thinkingConfig imageConfig mediaResolution enableEnhancedCivicAnswers audioTimestamp",
		"tool":              "functionDeclarations googleSearch googleSearchRetrieval codeExecution urlContext googleMaps computerUse fileSearch retrieval enterpriseWebSearch mcpServers",
		"function":          "name description parameters parametersJsonSchema response responseJsonSchema behavior",
		"part":              "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult thought thoughtSignature videoMetadata mediaResolution partMetadata",
		"inline_data":       "mimeType data displayName",
		"function_call":     "id name args",
		"function_response": "id name response parts willContinue scheduling",
	}[of]
	if vertex && of == "" {
		known += " labels"
	}
	return strings.Fields(known)
}

// unknown refuses members that the API does not have.
func unknown(object json.RawMessage, where string, known []string) *fakevendor.Failure {
	var all map[string]json.RawMessage
	if json.Unmarshal(object, &all) != nil {
		return fakevendor.Refuse("Invalid value at '" + where + "'")
	}
	for name := range all {
		if slices.Contains(known, name) {
			continue
		}
		at := ""
		if where != "" {
			at = " at '" + where + "'"
		}
		return fakevendor.Refuse("Invalid JSON payload received. Unknown name \"" + name + "\"" + at + ": Cannot find field.")
	}
	return nil
}

func readBody(c *fakevendor.Call, raw []byte, vertex bool) (*request, *fakevendor.Failure) {
	var b body
	var g generation
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fakevendor.Refuse("Invalid JSON payload received. " + err.Error())
	}
	if f := unknown(raw, "", members("", vertex)); f != nil {
		return nil, f
	}
	if len(b.GenerationConfig) > 0 {
		if f := unknown(b.GenerationConfig, "generation_config", members("generation_config", vertex)); f != nil {
			return nil, f
		}
		if err := json.Unmarshal(b.GenerationConfig, &g); err != nil {
			return nil, fakevendor.Refuse("Invalid value at 'generation_config'")
		}
	}
	q := &request{model: c.Model}
	for _, step := range []func() *fakevendor.Failure{
		func() *fakevendor.Failure { return b.readContents(&q.asked, c.Model, vertex) },
		func() *fakevendor.Failure { return b.readTools(&q.asked) },
		func() *fakevendor.Failure { return b.readChoice(&q.asked) },
		func() *fakevendor.Failure { return g.read(&q.asked, c.Model) },
	} {
		if f := step(); f != nil {
			return nil, f
		}
	}
	return q, nil
}

var functionName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$`)

func (b *body) readTools(a *fakevendor.Asked) *fakevendor.Failure {
	for i, raw := range b.Tools {
		if f := unknown(raw, fmt.Sprintf("tools[%d]", i), members("tool", false)); f != nil {
			return f
		}
		var t struct {
			FunctionDeclarations []json.RawMessage `json:"functionDeclarations"`
		}
		if json.Unmarshal(raw, &t) != nil {
			return fakevendor.Refuse("Invalid value at 'tools'")
		}
		for j, raw := range t.FunctionDeclarations {
			if f := addFunction(a, raw, fmt.Sprintf("tools[%d].function_declarations[%d]", i, j)); f != nil {
				return f
			}
		}
	}
	return nil
}

func addFunction(a *fakevendor.Asked, raw json.RawMessage, where string) *fakevendor.Failure {
	var d struct {
		Name                 string          `json:"name"`
		Description          string          `json:"description"`
		Parameters           json.RawMessage `json:"parameters"`
		ParametersJSONSchema json.RawMessage `json:"parametersJsonSchema"`
	}
	if f := unknown(raw, where, members("function", false)); f != nil {
		return f
	}
	if json.Unmarshal(raw, &d) != nil {
		return fakevendor.Refuse("Invalid value at '" + where + "'")
	}
	if !functionName.MatchString(d.Name) {
		return fakevendor.Refuse("* GenerateContentRequest." + where + ".name: Invalid function name. Must start with a letter or an underscore. " +
			"Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64.")
	}
	if slices.ContainsFunc(a.Tools, func(t fakevendor.Tool) bool { return t.Name == d.Name }) {
		return fakevendor.Refuse("Duplicate function declaration found: " + d.Name)
	}
	schema := d.ParametersJSONSchema
	if len(d.Parameters) > 0 {
		schema = d.Parameters
		if f := checkSchema(schema, where+".parameters"); f != nil {
			return f
		}
	}
	a.Tools = append(a.Tools, fakevendor.Tool{Name: d.Name, Description: d.Description, Schema: schema})
	return nil
}

func (b *body) readChoice(a *fakevendor.Asked) *fakevendor.Failure {
	config := b.ToolConfig.FunctionCallingConfig
	names := config.AllowedFunctionNames
	switch config.Mode {
	case "", "AUTO", "VALIDATED", "MODE_UNSPECIFIED":
	case "NONE":
		a.Choice.Mode = "none"
	case "ANY":
		a.Choice.Mode = "any"
	default:
		return fakevendor.Refuse("Invalid value at 'tool_config.function_calling_config.mode' (type.googleapis.com/google.ai.generativelanguage.v1beta.FunctionCallingConfig.Mode), \"" + config.Mode + "\"")
	}
	switch {
	case config.Mode == "ANY" && len(a.Tools) == 0:
		return fakevendor.Refuse("Function calling config is set without function_declarations.")
	case len(names) > 0 && config.Mode != "ANY" && config.Mode != "VALIDATED":
		return fakevendor.Refuse("Allowed function names are set but the function calling mode is not ANY.")
	}
	for _, name := range names {
		if !slices.ContainsFunc(a.Tools, func(t fakevendor.Tool) bool { return t.Name == name }) {
			return fakevendor.Refuse("Allowed function name " + name + " is not a declared function.")
		}
	}
	if len(names) == 1 {
		a.Choice.Mode, a.Choice.Name = "tool", names[0]
	}
	return nil
}

const maxStops = 5

func (g *generation) read(a *fakevendor.Asked, model string) *fakevendor.Failure {
	const where = "* GenerateContentRequest.generation_config."
	asJSON := g.ResponseMIMEType == "application/json"
	switch {
	case g.Temperature != nil && (*g.Temperature < 0 || *g.Temperature > 2):
		return fakevendor.Refuse(where + "temperature: temperature must be in the range [0.0, 2.0].")
	case len(g.StopSequences) > maxStops:
		return fakevendor.Refuse(where + "stop_sequences: at most 5 stop sequences can be specified.")
	case slices.Contains(g.StopSequences, ""):
		return fakevendor.Refuse(where + "stop_sequences[0]: stop_sequence must be non-empty.")
	case len(g.schema()) > 0 && !asJSON && g.ResponseMIMEType != "text/x.enum":
		return fakevendor.Refuse(where + "response_schema: response_schema is only allowed with response_mime_type application/json or text/x.enum.")
	case len(g.ResponseSchema) > 0 && len(g.ResponseJSONSchema) > 0:
		return fakevendor.Refuse(where + "response_json_schema: only one of response_schema and response_json_schema can be set.")
	case asJSON && len(a.Tools) > 0 && !strings.HasPrefix(model, "gemini-3"):
		return fakevendor.Refuse("Function calling with a response mime type: 'application/json' is unsupported")
	}
	if len(g.ResponseSchema) > 0 {
		if f := checkSchema(g.ResponseSchema, "generation_config.response_schema"); f != nil {
			return f
		}
	}
	if t := g.ThinkingConfig; t != nil {
		switch {
		case t.ThinkingLevel != "" && t.ThinkingBudget != nil:
			return fakevendor.Refuse("You can only set one of thinking_budget and thinking_level.")
		case t.ThinkingLevel != "" && !strings.HasPrefix(model, "gemini-3"):
			return fakevendor.Refuse("Thinking level is not supported for this model.")
		}
		a.Thinking = t.IncludeThoughts
	}
	a.JSON, a.Schema = asJSON, g.schema()
	a.Temperature, a.TopP, a.MaxTokens, a.Stop = g.Temperature, g.TopP, g.MaxOutputTokens, g.StopSequences
	return nil
}

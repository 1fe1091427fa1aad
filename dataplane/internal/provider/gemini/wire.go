package gemini

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// The names of roles on the wire.
const (
	userRole  = "user"
	modelRole = "model"
)

// What generateContent takes.
//
//nolint:tagliatelle // Google's names
type (
	// request is the body of generateContent.
	request struct {
		Contents          []content         `json:"contents"`
		SystemInstruction *content          `json:"systemInstruction,omitempty"`
		Tools             []json.RawMessage `json:"tools,omitempty"`
		ToolConfig        *toolConfig       `json:"toolConfig,omitempty"`
		SafetySettings    json.RawMessage   `json:"safetySettings,omitempty"`
		CachedContent     string            `json:"cachedContent,omitempty"`
		ServiceTier       string            `json:"serviceTier,omitempty"`
		Labels            json.RawMessage   `json:"labels,omitempty"`
		GenerationConfig  json.RawMessage   `json:"generationConfig,omitempty"`

		extra map[string]json.RawMessage // further members
	}

	content struct {
		Role  string `json:"role,omitempty"`
		Parts []part `json:"parts"`
	}

	// part is a piece of a content, in requests and answers. One of its members is
	// the piece, the others say something about it.
	part struct {
		Text                string            `json:"text,omitempty"`
		Thought             bool              `json:"thought,omitempty"`
		ThoughtSignature    string            `json:"thoughtSignature,omitempty"`
		InlineData          *blob             `json:"inlineData,omitempty"`
		FileData            *fileData         `json:"fileData,omitempty"`
		FunctionCall        *functionCall     `json:"functionCall,omitempty"`
		FunctionResponse    *functionResponse `json:"functionResponse,omitempty"`
		ExecutableCode      *executableCode   `json:"executableCode,omitempty"`
		CodeExecutionResult *codeResult       `json:"codeExecutionResult,omitempty"`
		ToolCall            *serverCall       `json:"toolCall,omitempty"`
		ToolResponse        *serverCall       `json:"toolResponse,omitempty"`
		VideoMetadata       json.RawMessage   `json:"videoMetadata,omitempty"`
		MediaResolution     *mediaResolution  `json:"mediaResolution,omitempty"`
	}

	blob struct {
		MimeType string `json:"mimeType"`
		Data     string `json:"data"` // base64
	}

	fileData struct {
		MimeType string `json:"mimeType,omitempty"`
		FileURI  string `json:"fileUri"`
	}

	functionCall struct {
		ID   string          `json:"id,omitempty"`
		Name string          `json:"name"`
		Args json.RawMessage `json:"args,omitempty"`
	}

	functionResponse struct {
		ID       string          `json:"id,omitempty"`
		Name     string          `json:"name"`
		Response json.RawMessage `json:"response"`
		Parts    []part          `json:"parts,omitempty"`
	}

	executableCode struct {
		Language string `json:"language,omitempty"`
		Code     string `json:"code"`
	}

	codeResult struct {
		Outcome string `json:"outcome,omitempty"`
		Output  string `json:"output"`
	}

	// serverCall is a call of a tool that runs at Google, or what came of it.
	serverCall struct {
		ID       string          `json:"id,omitempty"`
		ToolType string          `json:"toolType,omitempty"`
		Args     json.RawMessage `json:"args,omitempty"`
		Response json.RawMessage `json:"response,omitempty"`
	}

	mediaResolution struct {
		Level string `json:"level"`
	}

	toolConfig struct {
		FunctionCallingConfig            *callingConfig  `json:"functionCallingConfig,omitempty"`
		RetrievalConfig                  json.RawMessage `json:"retrievalConfig,omitempty"`
		IncludeServerSideToolInvocations bool            `json:"includeServerSideToolInvocations,omitempty"`
	}

	callingConfig struct {
		Mode                 string   `json:"mode,omitempty"`
		AllowedFunctionNames []string `json:"allowedFunctionNames,omitempty"`
	}

	functionDeclaration struct {
		Name                 string          `json:"name"`
		Description          string          `json:"description,omitempty"`
		Parameters           json.RawMessage `json:"parameters,omitempty"`
		ParametersJSONSchema json.RawMessage `json:"parametersJsonSchema,omitempty"`
	}

	// generationConfig holds the parameters. Extra are those that have no field
	// here, or that the client gave in Gemini's own words.
	generationConfig struct {
		MaxOutputTokens    *int64          `json:"maxOutputTokens,omitempty"`
		Temperature        *float64        `json:"temperature,omitempty"`
		TopP               *float64        `json:"topP,omitempty"`
		TopK               *int64          `json:"topK,omitempty"`
		CandidateCount     *int64          `json:"candidateCount,omitempty"`
		StopSequences      []string        `json:"stopSequences,omitempty"`
		Seed               *int64          `json:"seed,omitempty"`
		FrequencyPenalty   *float64        `json:"frequencyPenalty,omitempty"`
		PresencePenalty    *float64        `json:"presencePenalty,omitempty"`
		ResponseLogprobs   *bool           `json:"responseLogprobs,omitempty"`
		Logprobs           *int64          `json:"logprobs,omitempty"`
		ResponseMimeType   string          `json:"responseMimeType,omitempty"`
		ResponseSchema     json.RawMessage `json:"responseSchema,omitempty"`
		ResponseJSONSchema json.RawMessage `json:"responseJsonSchema,omitempty"`
		ResponseModalities []string        `json:"responseModalities,omitempty"`
		SpeechConfig       *speechConfig   `json:"speechConfig,omitempty"`
		ThinkingConfig     *thinkingConfig `json:"thinkingConfig,omitempty"`

		extra map[string]json.RawMessage
	}

	speechConfig struct {
		VoiceConfig *voiceConfig `json:"voiceConfig,omitempty"`
	}

	voiceConfig struct {
		PrebuiltVoiceConfig prebuiltVoice `json:"prebuiltVoiceConfig"`
	}

	prebuiltVoice struct {
		VoiceName string `json:"voiceName"`
	}

	thinkingConfig struct {
		IncludeThoughts bool   `json:"includeThoughts"`
		ThinkingBudget  *int64 `json:"thinkingBudget,omitempty"`
		ThinkingLevel   string `json:"thinkingLevel,omitempty"`
	}
)

// marshal is json.Marshal without the escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// overlay puts members into a written JSON object, in place of those that have
// their names.
func overlay(object []byte, extra map[string]json.RawMessage) ([]byte, error) {
	if len(extra) == 0 {
		return object, nil
	}
	members, err := jsonx.Members(nil, object)
	if err != nil {
		return nil, err
	}
	var changes []jsonx.Change
	for i := range members {
		if _, ok := extra[string(members[i].Name)]; ok {
			changes = append(changes, jsonx.Change{Index: i, Drop: true})
		}
	}
	added := make([][]byte, 0, len(extra))
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		added = append(added, slices.Concat(jsonx.Quote(name), []byte{':'}, extra[name]))
	}
	return bytes.Join(jsonx.Rewrite(nil, object, members, changes, added...), nil), nil
}

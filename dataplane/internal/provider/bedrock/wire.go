package bedrock

import (
	"bytes"
	"encoding/json"
)

// The parts of a request that this package writes. What it hands on as it came
// is raw.
//
//nolint:tagliatelle // AWS's names
type (
	wireRequest struct {
		Messages   []wireMessage              `json:"messages"`
		System     []block                    `json:"system,omitempty"`
		Inference  *wireInference             `json:"inferenceConfig,omitempty"`
		Tools      *wireTools                 `json:"toolConfig,omitempty"`
		Additional map[string]json.RawMessage `json:"additionalModelRequestFields,omitempty"`

		ResponsePaths json.RawMessage `json:"additionalModelResponseFieldPaths,omitempty"`
		Guardrail     json.RawMessage `json:"guardrailConfig,omitempty"`
		Performance   json.RawMessage `json:"performanceConfig,omitempty"`
		ServiceTier   json.RawMessage `json:"serviceTier,omitempty"`
		Metadata      json.RawMessage `json:"requestMetadata,omitempty"`
		Variables     json.RawMessage `json:"promptVariables,omitempty"`
		Output        json.RawMessage `json:"outputConfig,omitempty"`
	}

	wireMessage struct {
		Role    string  `json:"role"`
		Content []block `json:"content"`
	}

	wireInference struct {
		MaxTokens   *int64   `json:"maxTokens,omitempty"`
		Temperature *float64 `json:"temperature,omitempty"`
		TopP        *float64 `json:"topP,omitempty"`
		Stop        []string `json:"stopSequences,omitempty"`
	}

	// block is a union: one member is set.
	block struct {
		Text       string          `json:"text,omitempty"`
		Image      *wireMedia      `json:"image,omitempty"`
		Document   *wireDocument   `json:"document,omitempty"`
		Video      *wireMedia      `json:"video,omitempty"`
		Audio      *wireMedia      `json:"audio,omitempty"`
		ToolUse    *wireToolUse    `json:"toolUse,omitempty"`
		ToolResult *wireToolResult `json:"toolResult,omitempty"`
		Reasoning  *wireReasoning  `json:"reasoningContent,omitempty"`
		CachePoint *wireCachePoint `json:"cachePoint,omitempty"`
		Guard      *wireGuard      `json:"guardContent,omitempty"`
	}

	wireMedia struct {
		Format string     `json:"format"`
		Source wireSource `json:"source"`
	}

	wireDocument struct {
		Format    string          `json:"format,omitempty"`
		Name      string          `json:"name"`
		Source    wireSource      `json:"source"`
		Context   string          `json:"context,omitempty"`
		Citations json.RawMessage `json:"citations,omitempty"`
	}

	// wireSource holds base64, or points to a bucket.
	wireSource struct {
		Bytes string  `json:"bytes,omitempty"`
		S3    *wireS3 `json:"s3Location,omitempty"`
	}

	wireS3 struct {
		URI string `json:"uri"`
	}

	wireToolUse struct {
		ID    string          `json:"toolUseId"`
		Name  string          `json:"name"`
		Input json.RawMessage `json:"input"`
	}

	wireToolResult struct {
		ID      string  `json:"toolUseId"`
		Content []block `json:"content"`
		Status  string  `json:"status,omitempty"`
	}

	wireReasoning struct {
		Text     *wireReasoningText `json:"reasoningText,omitempty"`
		Redacted string             `json:"redactedContent,omitempty"` // base64
	}

	wireReasoningText struct {
		Text      string `json:"text"`
		Signature string `json:"signature,omitempty"`
	}

	wireCachePoint struct {
		Type string `json:"type"`
		TTL  string `json:"ttl,omitempty"`
	}

	wireGuard struct {
		Text struct {
			Text string `json:"text"`
		} `json:"text"`
	}

	wireTools struct {
		Tools  []wireTool      `json:"tools"`
		Choice *wireToolChoice `json:"toolChoice,omitempty"`
	}

	// wireTool is a union.
	wireTool struct {
		Spec       *wireToolSpec   `json:"toolSpec,omitempty"`
		System     *wireSystemTool `json:"systemTool,omitempty"`
		CachePoint *wireCachePoint `json:"cachePoint,omitempty"`
	}

	wireSystemTool struct {
		Name string `json:"name"`
	}

	wireToolSpec struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		InputSchema wireInputSchema `json:"inputSchema"`
		Strict      *bool           `json:"strict,omitempty"`
	}

	wireInputSchema struct {
		JSON json.RawMessage `json:"json"`
	}

	// wireToolChoice is a union.
	wireToolChoice struct {
		Auto *struct{}       `json:"auto,omitempty"`
		Any  *struct{}       `json:"any,omitempty"`
		Tool *wireSystemTool `json:"tool,omitempty"`
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

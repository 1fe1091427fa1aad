package fakevendor

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// What the vendor reports for every answer, unless told otherwise.
const (
	PromptTokens     = 11
	CompletionTokens = 7
	// Snapshot is put behind the model's name in answers, as OpenAI does with
	// the date of a release.
	Snapshot = "-2026-01-31"
	// Arguments are those of the tool calls it makes.
	Arguments = `{"city":"Paris","unit":"celsius"}`
)

// Pieces is what it says, a chunk each.
func Pieces() []string { return []string{"Hello", " from", " the", " vendor", "."} }

// Text is the whole of it.
func Text() string { return strings.Join(Pieces(), "") }

// Options change an answer.
type Options struct {
	// Pieces are the content, a chunk each; nil means [Pieces].
	Pieces []string
	// OmitUsage leaves usage out.
	OmitUsage bool
	// Usage is sent in place of the usual numbers.
	Usage string
	// Gate, when set, is waited on before each chunk of content but the first.
	Gate <-chan struct{}
	// CutAfter, when positive, breaks a stream off after so many chunks of content.
	CutAfter int
	// Dribble, when positive, sends a stream so many bytes at a time.
	Dribble int
}

// Answer is what the vendor does when nothing is scripted: a good answer of
// the kind that was asked for.
func Answer(o Options) Behaviour {
	return func(x *exchange) {
		embeddings := strings.HasSuffix(x.call.Path, "/embeddings")
		if x.call.Stream && !embeddings {
			x.stream(o)
			return
		}
		x.w.Header().Set("Content-Type", "application/json")
		x.w.Header().Set("X-Request-Id", "req_vendor")
		x.w.Header().Set("Openai-Processing-Ms", "12")
		x.w.Header().Set("X-Ratelimit-Remaining-Requests", "99")
		x.w.Header().Set("Openai-Organization", "org-vendor")
		x.w.Header().Set("Set-Cookie", "vendor=1")
		if embeddings {
			x.write(x.embeddings())
			return
		}
		x.write(x.answer(o))
	}
}

// answer renders a chat or text completion.
// https://platform.openai.com/docs/api-reference/chat/object
func (x *exchange) answer(o Options) string {
	text := strings.Join(o.pieces(), "")
	usage := ""
	if !o.OmitUsage {
		usage = `,"usage":` + o.usage()
	}
	if strings.HasSuffix(x.call.Path, "/chat/completions") {
		message, reason := `"content":`+quote(text), "stop"
		if x.callsTool() {
			message = fmt.Sprintf(`"content":null,"tool_calls":[{"id":"call_vendor1","type":"function","function":{"name":%s,"arguments":%s}}]`, quote(x.toolName()), quote(Arguments))
			reason = "tool_calls"
		}
		return fmt.Sprintf(`{"id":"chatcmpl-vendor","object":"chat.completion","created":1760000000,"model":%s,"choices":[{"index":0,"message":{"role":"assistant",%s,"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":%q}]%s,"service_tier":"default","system_fingerprint":"fp_vendor"}`,
			x.model(), message, reason, usage)
	}
	return fmt.Sprintf(`{"id":"cmpl-vendor","object":"text_completion","created":1760000000,"model":%s,"choices":[{"text":%s,"index":0,"logprobs":null,"finish_reason":"stop"}]%s}`,
		x.model(), quote(text), usage)
}

func (o *Options) pieces() []string {
	if o.Pieces != nil {
		return o.Pieces
	}
	return Pieces()
}

func (o *Options) usage() string {
	if o.Usage != "" {
		return o.Usage
	}
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},`+
		`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`,
		PromptTokens, CompletionTokens, PromptTokens+CompletionTokens)
}

func (x *exchange) model() string { return quote(x.call.Model + Snapshot) }

// callsTool: a model that has tools uses one, until it has its result.
func (x *exchange) callsTool() bool {
	return len(x.call.tools) > 2 && string(x.call.toolChoice) != `"none"` && x.call.lastRole != "tool"
}

func (x *exchange) toolName() string {
	var tools []struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if json.Unmarshal(x.call.tools, &tools) != nil || len(tools) == 0 {
		return ""
	}
	return tools[0].Function.Name
}

// Vector is the embedding of every input.
func Vector() []float64 { return []float64{0.5, -0.25, 0.125, 1} }

// embeddings renders
// https://platform.openai.com/docs/api-reference/embeddings/object
func (x *exchange) embeddings() string {
	vector := `[0.5,-0.25,0.125,1]`
	if x.call.base64 {
		var b []byte
		for _, f := range Vector() {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(f)))
		}
		vector = quote(base64.StdEncoding.EncodeToString(b))
	}
	data := make([]string, x.call.inputs)
	for i := range data {
		data[i] = fmt.Sprintf(`{"object":"embedding","index":%d,"embedding":%s}`, i, vector)
	}
	return fmt.Sprintf(`{"object":"list","data":[%s],"model":%s,"usage":{"prompt_tokens":%d,"total_tokens":%d}}`, strings.Join(data, ","), x.model(), PromptTokens, PromptTokens)
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

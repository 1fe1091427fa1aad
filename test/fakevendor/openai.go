package fakevendor

import (
	"net/http"
	"strings"
)

// openAI is OpenAI's wire, also as Azure has it.
// https://platform.openai.com/docs/api-reference
type openAI struct {
	files     *openAIFiles
	responses *responseStore
	batches   *openAIJobs
	tuning    *openAIJobs
}

func newOpenAI() *openAI {
	return &openAI{files: &openAIFiles{}, responses: &responseStore{}, batches: newBatches(), tuning: newTuning()}
}

// Provider implements Wire.
func (*openAI) Provider() string { return "openai" }

// Base implements Wire.
func (*openAI) Base() string { return "/v1" }

// Params implements Wire.
func (o *openAI) Params(host string) []string { return bearerParams(host + o.Base()) }

// Read implements Wire.
func (o *openAI) Read(c *Call) (*Request, *Failure) {
	req, refusal := o.read(c)
	azure := strings.HasPrefix(c.Path, "/openai/")
	if _, rest, ok := strings.Cut(c.Path, "/deployments/"); ok && azure {
		c.Model, _, _ = strings.Cut(rest, "/") // whatever the body says
	}
	if c.Header.Get("Authorization") != "Bearer "+Key && (!azure || c.Header.Get("Api-Key") != Key) {
		return nil, &Failure{Status: http.StatusUnauthorized, Message: "Incorrect API key provided.", Kind: "invalid_api_key"}
	}
	return req, refusal
}

// read finds the endpoint by the end of the path, which Azure puts behind a path
// of its own.
func (o *openAI) read(c *Call) (*Request, *Failure) {
	at := func(end string) bool { return strings.HasSuffix(c.Path, end) }
	switch {
	case at("/chat/completions"):
		return readOpenAIChat(c)
	case at("/embeddings"):
		return readOpenAIEmbeddings(c)
	case at("/completions"):
		return readOpenAICompletion(c)
	case strings.Contains(c.Path, "/responses"):
		return o.responses.read(c)
	case at("/images/generations"), at("/images/edits"), at("/images/variations"):
		return readOpenAIImages(c)
	case at("/audio/speech"), at("/audio/transcriptions"), at("/audio/translations"):
		return readOpenAIAudio(c)
	case at("/moderations"):
		return readOpenAIModeration(c)
	case at("/realtime"):
		return readOpenAIRealtime(c)
	case strings.Contains(c.Path, "/files"):
		return o.files.read(c)
	case strings.Contains(c.Path, "/batches"):
		return o.batches.read(c)
	case strings.Contains(c.Path, "/fine_tuning/jobs"):
		return o.tuning.read(c)
	case strings.Contains(c.Path, "/models"):
		return readOpenAIModels(c)
	}
	return nil, &Failure{Status: http.StatusNotFound, Message: "Invalid URL (" + c.Method + " " + c.Path + ")"}
}

// Fail implements Wire with the envelope of
// https://platform.openai.com/docs/guides/error-codes
func (*openAI) Fail(f Failure) Document {
	status := f.Status
	kind, code := "invalid_request_error", any(nil)
	switch {
	case f.Kind != "":
		code = f.Kind
	case f.Status == http.StatusTooManyRequests:
		kind, code = "requests", "rate_limit_exceeded"
	case f.Status >= http.StatusInternalServerError:
		kind = "server_error"
	}
	return JSON(status, Object("error", Object("message", f.Message, "type", kind, "param", nil, "code", code)))
}

// openAIHeader are the headers of every good answer.
func openAIHeader(contentType string) http.Header {
	return http.Header{
		"Content-Type": {contentType}, "X-Request-Id": {"req_vendor"}, "Openai-Processing-Ms": {"12"},
		"X-Ratelimit-Remaining-Requests": {"99"}, "Openai-Organization": {"org-vendor"}, "Set-Cookie": {"vendor=1"},
	}
}

func openAIDocument(body []byte) Document {
	return Document{Header: openAIHeader("application/json"), Body: body}
}

package gemini

import (
	"bytes"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Surfaces are the operations of a model beside chat: those of the Gemini API
// itself, whose bodies pass through, and OpenAI's embeddings and pictures.
func Surfaces(site *Site) map[provider.Surface]native.Surface {
	return map[provider.Surface]native.Surface{
		provider.GenerateContent:   {Encode: site.generate},
		provider.GeminiCountTokens: {Encode: site.count},
		provider.Embeddings:        {Encode: site.embed, Decode: decodeEmbeddings},
		provider.ImageGenerations:  {Encode: site.draw, Decode: decodePictures},
	}
}

func (s *Site) generate(call *provider.Call) (*native.Request, error) {
	method := "generateContent"
	if call.Stream {
		method = "streamGenerateContent?alt=sse"
	}
	cached := call.Lookup("cachedContent") != nil || call.Lookup("cached_content") != nil
	return &native.Request{Path: s.Path(method, cached), Body: call.Body}, nil
}

// count asks for a count of tokens. What it counts may name the model, which
// the client knows by another name.
func (s *Site) count(call *provider.Call) (*native.Request, error) {
	r := &native.Request{Path: s.Path("countTokens", false), Body: call.Body}
	for i := range call.Members {
		m := &call.Members[i]
		if name := string(m.Name); name != "generateContentRequest" && name != "generate_content_request" {
			continue
		}
		inner := m.Value.Of(call.Body)
		if s.Vertex { // it knows the parts alone
			r.Body = inner
			return r, nil
		}
		if at := jsonx.Lookup(inner, "model"); !at.Empty() {
			model := jsonx.Edit{At: jsonx.Span{Start: m.Value.Start + at.Start, End: m.Value.Start + at.End}, New: jsonx.Quote("models/" + s.Model)}
			r.Body = bytes.Join(jsonx.Cut(nil, call.Body, model), nil)
		}
	}
	return r, nil
}

// short is the name of the model without what stands in front of it.
func (s *Site) short() string { return s.Model[strings.LastIndexByte(s.Model, '/')+1:] }

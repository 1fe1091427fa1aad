package gemini

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// pictureRequest is OpenAI's request, with what Google adds to it.
type pictureRequest struct {
	Prompt string `json:"prompt"`
	N      *int64 `json:"n"`
	Size   string `json:"size"`
	// AspectRatio and ImageSize are Google's words for the size.
	AspectRatio string `json:"aspectRatio"` //nolint:tagliatelle // Google's name
	Ratio       string `json:"aspect_ratio"`
	ImageSize   string `json:"imageSize"` //nolint:tagliatelle // Google's name
}

// draw asks for pictures: of Imagen, which has a method of its own, or of a
// Gemini model, which answers a chat with them.
func (s *Site) draw(call *provider.Call) (*native.Request, error) {
	var r pictureRequest
	if err := json.Unmarshal(call.Body, &r); err != nil || r.Prompt == "" {
		return nil, apierr.BadRequest("Invalid image request: expected a prompt, and n as an integer")
	}
	if ratio := firstOf(r.AspectRatio, r.Ratio); ratio != "" {
		r.AspectRatio = ratio
	} else {
		r.AspectRatio = aspectRatio(r.Size)
	}
	if strings.HasPrefix(s.short(), "imagen") || strings.HasPrefix(s.short(), "imagegeneration") {
		return s.imagen(call, &r)
	}
	config := map[string]any{"responseModalities": []string{"TEXT", "IMAGE"}}
	if r.N != nil && *r.N > 1 {
		config["candidateCount"] = *r.N
	}
	image := map[string]string{}
	if r.AspectRatio != "" {
		image["aspectRatio"] = r.AspectRatio
	}
	if r.ImageSize != "" {
		image["imageSize"] = r.ImageSize
	}
	if len(image) > 0 {
		config["imageConfig"] = image
	}
	body, err := marshal(map[string]any{"contents": []content{{Role: userRole, Parts: []part{{Text: r.Prompt}}}}, "generationConfig": config})
	return &native.Request{Path: s.Path("generateContent", false), Body: body}, err
}

// imagen asks Imagen. Members in its own words pass as parameters.
// https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api
func (s *Site) imagen(call *provider.Call, r *pictureRequest) (*native.Request, error) {
	parameters := map[string]any{"sampleCount": 1}
	if r.N != nil {
		parameters["sampleCount"] = *r.N
	}
	if r.AspectRatio != "" {
		parameters["aspectRatio"] = r.AspectRatio
	}
	if r.ImageSize != "" {
		parameters["sampleImageSize"] = r.ImageSize
	}
	for i := range call.Members {
		m := &call.Members[i]
		switch name := camel(string(m.Name)); name {
		case "negativePrompt", "personGeneration", "safetySetting", "seed", "addWatermark", "enhancePrompt", "language", "outputOptions",
			"includeRaiReason", "includeSafetyAttributes", "sampleImageSize", "storageUri", "guidanceScale":
			parameters[name] = json.RawMessage(m.Value.Of(call.Body))
		}
	}
	body, err := marshal(map[string]any{"instances": []map[string]string{{"prompt": r.Prompt}}, "parameters": parameters})
	return &native.Request{Path: s.Path("predict", false), Body: body}, err
}

// aspectRatio returns the nearest shape that Google has for a size, or "".
func aspectRatio(size string) string {
	width, height, ok := strings.Cut(size, "x")
	w, errW := strconv.Atoi(width)
	h, errH := strconv.Atoi(height)
	if !ok || errW != nil || errH != nil || w <= 0 || h <= 0 {
		return ""
	}
	switch ratio := float64(w) / float64(h); {
	case ratio > 1.55:
		return "16:9"
	case ratio > 1.15:
		return "4:3"
	case ratio < 1/1.55:
		return "9:16"
	case ratio < 1/1.15:
		return "3:4"
	}
	return "1:1"
}

type picture struct {
	B64 string `json:"b64_json"`
}

type pictures struct {
	Created int64         `json:"created"`
	Data    []picture     `json:"data"`
	Usage   *pictureUsage `json:"usage,omitempty"`
}

type pictureUsage struct {
	Input   int64                `json:"input_tokens"`
	Output  int64                `json:"output_tokens"`
	Total   int64                `json:"total_tokens"`
	Details *pictureInputDetails `json:"input_tokens_details"`
}

type pictureInputDetails struct {
	Image int64 `json:"image_tokens"`
	Text  int64 `json:"text_tokens"`
}

// decodePictures translates the answers of both.
func decodePictures(_ *provider.Call, body []byte) ([]byte, error) {
	out := pictures{Created: time.Now().Unix(), Data: []picture{}}
	if at := jsonx.Lookup(body, "predictions"); !at.Empty() {
		if err := out.predicted(at.Of(body)); err != nil {
			return nil, err
		}
		return marshal(&out)
	}
	a, err := decode(body)
	if err != nil {
		return nil, err
	}
	for i := range a.Candidates {
		for _, p := range a.Candidates[i].Content.Parts {
			if p.InlineData != nil && !p.Thought && strings.HasPrefix(p.InlineData.MimeType, "image/") {
				out.Data = append(out.Data, picture{p.InlineData.Data})
			}
		}
	}
	if len(out.Data) == 0 {
		return nil, errors.New("no picture: " + a.why())
	}
	var u chat.Usage
	if u.ReadGemini(a.Usage) {
		out.Usage = &pictureUsage{
			Input: u.Input, Output: u.Output, Total: u.Input + u.Output,
			Details: &pictureInputDetails{Image: u.ImageInput, Text: max(0, u.Input-u.ImageInput)},
		}
	}
	return marshal(&out)
}

func (out *pictures) predicted(predictions []byte) error {
	var all []struct {
		Data   string `json:"bytesBase64Encoded"` //nolint:tagliatelle // Google's name
		Reason string `json:"raiFilteredReason"`  //nolint:tagliatelle // Google's name
	}
	if err := json.Unmarshal(predictions, &all); err != nil {
		return fmt.Errorf("decode pictures: %w", err)
	}
	for _, p := range all {
		if p.Data != "" {
			out.Data = append(out.Data, picture{p.Data})
		}
	}
	return nil
}

// why tells what came instead of a picture.
func (a *answer) why() string {
	switch {
	case a.blocked():
		return "the prompt was blocked: " + a.PromptFeedback.BlockReason
	case len(a.Candidates) > 0 && a.Candidates[0].FinishReason != "":
		return a.Candidates[0].FinishReason
	}
	return "the model answered with text alone"
}

package bedrock

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

// imageRequest is OpenAI's: https://platform.openai.com/docs/api-reference/images/create
type imageRequest struct {
	Prompt  string `json:"prompt"`
	N       *int   `json:"n"`
	Size    string `json:"size"`
	Quality string `json:"quality"`
	// What the makers add.
	NegativePrompt string          `json:"negative_prompt"`
	Seed           *int64          `json:"seed"`
	AspectRatio    string          `json:"aspect_ratio"`
	OutputFormat   string          `json:"output_format"`
	Config         json.RawMessage `json:"imageGenerationConfig"` //nolint:tagliatelle // Amazon's name
}

// drawsImages reports whether a model draws: Nova Canvas, Titan, and those of
// Stability.
func (m *model) drawsImages() bool {
	return strings.HasPrefix(m.name, "stability.") || strings.Contains(m.name, "nova-canvas") || strings.Contains(m.name, "titan-image")
}

func (m *model) images() native.Surface {
	return native.Surface{
		Encode: func(call *provider.Call) (*native.Request, error) {
			r := &imageRequest{}
			if err := json.Unmarshal(call.Body, r); err != nil || r.Prompt == "" {
				return nil, refuse("prompt", "prompt has to be a string")
			}
			write := amazonImage
			if strings.HasPrefix(m.name, "stability.") {
				write = stabilityImage
			}
			w, err := write(r)
			if err != nil {
				return nil, err
			}
			body, err := marshal(w)
			if err != nil {
				return nil, refuse("imageGenerationConfig", "imageGenerationConfig has to be an object").Because(err)
			}
			return &native.Request{Path: m.invokePath(false), Body: body}, nil
		},
		Decode: decodeImages,
	}
}

// amazonImage is the body of Amazon's models:
// https://docs.aws.amazon.com/nova/latest/userguide/image-gen-req-resp-structure.html
//
//nolint:tagliatelle // Amazon's names
func amazonImage(r *imageRequest) (any, error) {
	type text struct {
		Text     string `json:"text"`
		Negative string `json:"negativeText,omitempty"`
	}
	type config struct {
		Number  *int   `json:"numberOfImages,omitempty"`
		Width   int    `json:"width,omitempty"`
		Height  int    `json:"height,omitempty"`
		Quality string `json:"quality,omitempty"`
		Seed    *int64 `json:"seed,omitempty"`
	}
	own := config{Number: r.N, Seed: r.Seed, Quality: r.Quality}
	switch r.Quality {
	case "hd", "high":
		own.Quality = "premium"
	case "auto", "medium", "low":
		own.Quality = "standard"
	}
	if width, height, ok := strings.Cut(r.Size, "x"); ok {
		var errWidth, errHeight error
		own.Width, errWidth = strconv.Atoi(width)
		own.Height, errHeight = strconv.Atoi(height)
		if errWidth != nil || errHeight != nil {
			return nil, refuse("size", "size has to be a width and a height, such as 1024x1024")
		}
	}
	var settings any = own
	if object(r.Config) {
		settings = r.Config
	}
	return struct {
		Task   string `json:"taskType"`
		Text   text   `json:"textToImageParams"`
		Config any    `json:"imageGenerationConfig"`
	}{"TEXT_IMAGE", text{r.Prompt, r.NegativePrompt}, settings}, nil
}

// stabilityImage is the body of Stability's models, which draw one image:
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-stability-diffusion.html
func stabilityImage(r *imageRequest) (any, error) {
	if r.N != nil && *r.N > 1 {
		return nil, refuse("n", "the model draws one image at a time")
	}
	return struct {
		Prompt   string `json:"prompt"`
		Negative string `json:"negative_prompt,omitempty"`
		Aspect   string `json:"aspect_ratio,omitempty"`
		Format   string `json:"output_format,omitempty"`
		Seed     *int64 `json:"seed,omitempty"`
	}{r.Prompt, r.NegativePrompt, r.AspectRatio, r.OutputFormat, r.Seed}, nil
}

// decodeImages writes OpenAI's answer; images come as base64 alone.
func decodeImages(_ *provider.Call, body []byte) ([]byte, error) {
	var answer struct {
		Images        []string  `json:"images"`
		FinishReasons []*string `json:"finish_reasons"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("images: %w", err)
	}
	for _, reason := range answer.FinishReasons {
		if reason != nil && *reason != "" {
			return nil, &provider.Failure{Status: http.StatusBadRequest, Code: "content_filter", Text: *reason}
		}
	}
	if len(answer.Images) == 0 {
		return nil, errors.New("images: there are none")
	}
	type drawn struct {
		Base64 string `json:"b64_json"`
	}
	data := make([]drawn, len(answer.Images))
	for i, image := range answer.Images {
		data[i].Base64 = image
	}
	return marshal(struct {
		Created int64   `json:"created"`
		Data    []drawn `json:"data"`
	}{time.Now().Unix(), data})
}

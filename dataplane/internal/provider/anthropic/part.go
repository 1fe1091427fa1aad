package anthropic

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

const (
	mediaPDF  = "application/pdf"
	mediaText = "text/plain"
)

// part translates a piece of content; nil is one that says nothing.
func (t *translation) part(p *chat.Part) (any, error) {
	switch {
	case p.Raw != nil:
		return p.Raw, nil
	case p.Image != nil:
		return &block{Type: blockImage, Source: imageSource(p.Image), CacheControl: p.CacheControl}, nil
	case p.File != nil:
		return t.file(p)
	case p.Type == chat.TextPart, p.Type == chat.RefusalPart:
		text := p.Text + p.Refusal
		if text == "" {
			return nil, nil
		}
		return &block{Type: blockText, Text: text, CacheControl: p.CacheControl, Citations: p.Citations}, nil
	}
	return nil, apierr.New(http.StatusBadRequest, apierr.TypeInvalidRequest, "Claude does not take content of type '%.64s'", p.Type)
}

func imageSource(i *chat.Image) *source {
	if uri, ok := parseData(i.URL); ok {
		if i.Format != "" {
			uri.mediaType = i.Format
		}
		return &source{Type: "base64", MediaType: uri.mediaType, Data: uri.base64()}
	}
	return &source{Type: "url", URL: i.URL}
}

// file translates a document. What is neither a picture nor a text nor a PDF
// goes to the container that code runs in.
func (t *translation) file(p *chat.Part) (any, error) {
	f := p.File
	b := &block{Type: blockDocument, Title: f.Name, Context: f.Context, Citations: p.Citations, CacheControl: p.CacheControl}
	image := strings.HasPrefix(f.Format, "image")
	switch {
	case f.Data != "":
		uri, ok := parseData(f.Data)
		if !ok {
			uri = dataURI{mediaType: mediaPDF, data: f.Data, encoded: true}
		}
		if f.Format != "" {
			uri.mediaType = f.Format
		}
		image = strings.HasPrefix(uri.mediaType, "image/")
		b.Source = &source{Type: "base64", MediaType: uri.mediaType, Data: uri.base64()}
		if strings.HasPrefix(uri.mediaType, "text/") {
			text, err := uri.text()
			if err != nil {
				return nil, &chat.ParamError{Param: "messages.content.file.file_data", Want: "a data URI"}
			}
			b.Source = &source{Type: "text", MediaType: mediaText, Data: text}
		}
	case strings.HasPrefix(f.ID, "https://"), strings.HasPrefix(f.ID, "http://"):
		b.Source = &source{Type: "url", URL: f.ID}
	default:
		t.betas = append(t.betas, betaFiles)
		if f.Format != "" && !image && f.Format != mediaPDF && !strings.HasPrefix(f.Format, "text/") {
			t.uploads = true
			return &block{Type: blockContainerUpload, FileID: f.ID, CacheControl: p.CacheControl}, nil
		}
		b.Source = &source{Type: "file", FileID: f.ID}
	}
	if image {
		return &block{Type: blockImage, Source: b.Source, CacheControl: p.CacheControl}, nil
	}
	return b, nil
}

// dataURI is a URL that holds what it leads to:
// https://www.rfc-editor.org/rfc/rfc2397
type dataURI struct {
	mediaType string
	data      string
	encoded   bool // base64
}

func parseData(uri string) (dataURI, bool) {
	rest, ok := strings.CutPrefix(uri, "data:")
	if !ok {
		return dataURI{}, false
	}
	head, data, ok := strings.Cut(rest, ",")
	if !ok {
		return dataURI{}, false
	}
	head, encoded := strings.CutSuffix(head, ";base64")
	mediaType, _, _ := strings.Cut(head, ";")
	if mediaType == "" {
		mediaType = mediaText
	}
	return dataURI{mediaType, data, encoded}, true
}

func (d *dataURI) base64() string {
	if d.encoded {
		return d.data
	}
	text, err := url.PathUnescape(d.data)
	if err != nil {
		text = d.data
	}
	return base64.StdEncoding.EncodeToString([]byte(text))
}

func (d *dataURI) text() (string, error) {
	if !d.encoded {
		return url.PathUnescape(d.data)
	}
	b, err := base64.StdEncoding.DecodeString(d.data)
	return string(b), err
}

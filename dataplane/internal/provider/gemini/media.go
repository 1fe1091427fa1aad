package gemini

import (
	"encoding/json"
	"net/url"
	"path"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// filesAPI is where the Gemini API keeps files.
const filesAPI = "https://generativelanguage.googleapis.com/v1beta/"

// parts translates the content of a message.
func (c *Codec) parts(content chat.Content) ([]part, error) {
	if len(content) == 0 {
		return nil, nil
	}
	parts := make([]part, 0, len(content))
	for i := range content {
		p, err := c.part(&content[i])
		if err != nil {
			return nil, err
		}
		if !p.empty() {
			parts = append(parts, p)
		}
	}
	return parts, nil
}

func (p *part) empty() bool { return p.Text == "" && p.InlineData == nil && p.FileData == nil }

func (c *Codec) part(p *chat.Part) (part, error) {
	switch {
	case p.Image != nil:
		return c.media(link{uri: p.Image.URL, mediaType: p.Image.Format, detail: p.Image.Detail, fallback: "image/jpeg"})
	case p.Audio != nil:
		return c.media(link{uri: p.Audio.Data, mediaType: audioType(p.Audio.Format)})
	case p.Video != nil:
		return c.media(link{uri: p.Video.URL, mediaType: p.Video.Format, fallback: "video/mp4"})
	case p.File != nil:
		return c.file(p.File)
	case p.Type == chat.RefusalPart:
		return part{Text: p.Refusal}, nil
	}
	return part{Text: p.Text}, nil
}

func audioType(format string) string {
	switch {
	case format == "", strings.Contains(format, "/"):
		return format
	case format == "mpeg":
		return "audio/mp3"
	}
	return "audio/" + format
}

func (c *Codec) file(f *chat.File) (part, error) {
	l := link{uri: f.Data, mediaType: f.Format, name: f.Name, detail: f.Detail}
	if l.uri == "" {
		l.uri = f.ID
	}
	if l.uri == "" {
		return part{}, apierr.BadRequest("Unknown file type. Please pass in a file_id or file_data")
	}
	if strings.HasPrefix(l.uri, "files/") {
		l.uri = filesAPI + l.uri
	}
	p, err := c.media(l)
	if err == nil && len(f.VideoMetadata) > 0 {
		p.VideoMetadata, err = videoMetadata(f.VideoMetadata)
	}
	return p, err
}

// videoMetadata takes LiteLLM's names of the offsets as well.
func videoMetadata(raw json.RawMessage) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, &chat.ParamError{Param: "messages.content.file.video_metadata", Want: "an object"}
	}
	out := map[string]json.RawMessage{}
	for name, value := range members {
		out[camel(name)] = value
	}
	return marshal(out)
}

// link is content that is not text: a data URI, a URL, or base64.
type link struct {
	uri       string
	mediaType string // where the client says it
	fallback  string // where nothing says it
	name      string
	detail    string
}

// media makes a part of a link. What had to be fetched was fetched before.
func (c *Codec) media(l link) (part, error) {
	var p part
	switch {
	case strings.HasPrefix(l.uri, "data:"):
		mediaType, data, ok := dataURI(l.uri)
		if !ok {
			return p, apierr.BadRequest("Invalid data URI in 'messages.content': expected data:<media type>;base64,<data>")
		}
		p.InlineData = &blob{MimeType: firstOf(l.mediaType, mediaType, typeOfName(l.name), l.fallback), Data: data}
	case strings.Contains(l.uri, "://"):
		mediaType := firstOf(l.mediaType, typeOfURL(l.uri))
		if mediaType == "" && needsType(l.uri) {
			return p, apierr.BadRequest("Unable to determine mime type for %s, set this explicitly using message.content.file.format", path.Base(l.uri))
		}
		p.FileData = &fileData{MimeType: mediaType, FileURI: l.uri}
	default:
		mediaType := firstOf(l.mediaType, typeOfName(l.name), l.fallback)
		if mediaType == "" {
			return p, apierr.BadRequest("Unable to determine mime type of file_data, set this explicitly using message.content.file.format")
		}
		p.InlineData = &blob{MimeType: mediaType, Data: l.uri}
	}
	p.MediaResolution = c.resolution(l.detail)
	return p, nil
}

// resolution is OpenAI's detail; only Gemini 3 takes it for each part.
func (c *Codec) resolution(detail string) *mediaResolution {
	if !c.traits.third() {
		return nil
	}
	switch detail {
	case "low", "medium", "high", "ultra_high":
		return &mediaResolution{Level: "MEDIA_RESOLUTION_" + strings.ToUpper(detail)}
	}
	return nil
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func dataURI(uri string) (mediaType, data string, ok bool) {
	head, data, ok := strings.Cut(strings.TrimPrefix(uri, "data:"), ",")
	if !ok || !strings.HasSuffix(head, ";base64") {
		return "", "", false
	}
	mediaType, _, _ = strings.Cut(head, ";")
	return mediaType, data, true
}

// Inline reports whether a link has to be fetched before it is sent: whatever
// the vendor does not fetch by itself.
func (c *Codec) Inline(p *chat.Part) bool {
	var uri, format string
	switch {
	case p.Image != nil:
		uri, format = p.Image.URL, p.Image.Format
	case p.Video != nil:
		uri, format = p.Video.URL, p.Video.Format
	case p.File != nil:
		uri, format = p.File.ID, p.File.Format
	}
	if !needsType(uri) {
		return false // a film of YouTube, or a file at Google
	}
	known := strings.HasPrefix(uri, "https://") && firstOf(format, typeOfURL(uri)) != ""
	return !c.site.Vertex || !known
}

// needsType reports whether Google wants to be told what lies behind a URL.
func needsType(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil {
		return true
	}
	switch host := strings.TrimPrefix(u.Hostname(), "www."); host {
	case "youtube.com", "youtu.be", "generativelanguage.googleapis.com":
		return false
	}
	return true
}

// typeOfURL reads the ending of the path, and knows films of YouTube.
func typeOfURL(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	if host := strings.TrimPrefix(u.Hostname(), "www."); host == "youtube.com" || host == "youtu.be" {
		return "video/mp4"
	}
	return typeOfName(u.Path)
}

// typeOfName knows what Gemini reads:
// https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference#filedata
func typeOfName(name string) string {
	switch ending := strings.ToLower(strings.TrimPrefix(path.Ext(name), ".")); ending {
	case "jpg", "jpeg":
		return "image/jpeg"
	case "png", "webp", "heic", "heif", "gif":
		return "image/" + ending
	case "mp4", "mov", "avi", "wmv", "mpegps", "flv", "webm", "mpeg":
		return "video/" + ending
	case "mpg":
		return "video/mpeg"
	case "mp3", "wav", "flac", "aac", "ogg", "m4a", "opus":
		return "audio/" + ending
	case "pdf":
		return "application/pdf"
	case "json":
		return "application/json"
	case "txt", "md", "log":
		return "text/plain"
	case "html", "css", "csv", "xml":
		return "text/" + ending
	}
	return ""
}

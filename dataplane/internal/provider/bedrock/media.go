package bedrock

import (
	"encoding/base64"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

// kind is what AWS wants a content to be called.
type kind uint8

const (
	unsupported kind = iota
	image
	document
	video
)

// formats are AWS's names of media types:
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
func format(mediaType string) (kind, string) {
	mediaType, _, _ = strings.Cut(strings.ToLower(mediaType), ";")
	switch mediaType {
	case "image/png", "image/gif", "image/webp", "image/jpeg":
		return image, strings.TrimPrefix(mediaType, "image/")
	case "image/jpg":
		return image, "jpeg"
	case "application/pdf", "application/x-pdf":
		return document, "pdf"
	case "text/csv", "application/csv":
		return document, "csv"
	case "application/msword":
		return document, "doc"
	case "application/vnd.openxmlformats-officedocument.wordprocessingml.document":
		return document, "docx"
	case "application/vnd.ms-excel":
		return document, "xls"
	case "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":
		return document, "xlsx"
	case "text/html":
		return document, "html"
	case "text/plain":
		return document, "txt"
	case "text/markdown", "text/x-markdown":
		return document, "md"
	case "video/mp4", "video/webm", "video/mpeg", "video/mpg":
		return video, strings.TrimPrefix(mediaType, "video/")
	}
	return videoFormat(mediaType)
}

func videoFormat(mediaType string) (kind, string) {
	switch mediaType {
	case "video/quicktime", "video/mov":
		return video, "mov"
	case "video/x-matroska", "video/mkv":
		return video, "mkv"
	case "video/x-flv", "video/flv":
		return video, "flv"
	case "video/x-ms-wmv", "video/wmv":
		return video, "wmv"
	case "video/3gpp", "video/three_gp":
		return video, "three_gp"
	}
	return unsupported, ""
}

// formatOfName reads the ending of a file name, for what lies in a bucket.
func formatOfName(name string) (kind, string) {
	ending := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	switch ending {
	case "png", "gif", "webp", "jpeg":
		return image, ending
	case "jpg":
		return image, "jpeg"
	case "pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md":
		return document, ending
	case "mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv":
		return video, ending
	case "3gp":
		return video, "three_gp"
	}
	return unsupported, ""
}

// content is a picture, a film or a document, wherever a client has put it.
type content struct {
	uri       string // a data URI or one of a bucket
	mediaType string // where the client says it
	name      string
	part      *chat.Part
}

// media writes a content as a block. Clients send documents as images too,
// which LiteLLM takes.
func (c *conversation) media(m content) (block, error) {
	kind, format, source, err := m.read()
	switch {
	case err != nil:
		return block{}, err
	case kind == image:
		return block{Image: &wireMedia{Format: format, Source: source}}, nil
	case kind == video:
		return block{Video: &wireMedia{Format: format, Source: source}}, nil
	}
	d := &wireDocument{Format: format, Name: c.documentName(m.name), Source: source}
	if object(m.part.Citations) {
		d.Citations = m.part.Citations
	}
	if m.part.File != nil {
		d.Context = m.part.File.Context
	}
	return block{Document: d}, nil
}

// read tells what a content is and where it is.
func (m *content) read() (kind, string, wireSource, error) {
	if strings.HasPrefix(m.uri, "s3://") {
		k, f := format(m.mediaType)
		if k == unsupported {
			k, f = formatOfName(m.uri)
		}
		if k == unsupported {
			return 0, "", wireSource{}, refused(m.uri[strings.LastIndexByte(m.uri, '/')+1:])
		}
		return k, f, wireSource{S3: &wireS3{URI: m.uri}}, nil
	}
	mediaType, data := dataURI(m.uri)
	if m.mediaType != "" {
		mediaType = m.mediaType
	}
	k, f := format(mediaType)
	if k == unsupported {
		k, f = formatOfName(m.name)
	}
	if k == unsupported {
		return 0, "", wireSource{}, refused(mediaType)
	}
	return k, f, wireSource{Bytes: data}, nil
}

func refused(what string) error {
	return refuse("", "litellm.BadRequestError: BedrockException - unsupported media type %q: Bedrock takes images (png, jpeg, gif, webp), "+
		"documents (pdf, csv, doc, docx, xls, xlsx, html, txt, md) and videos, as a data URI, an https URL or an s3:// URI", what)
}

// dataURI takes a data URI apart; what is none is taken for base64. The data is
// base64 in any case.
func dataURI(uri string) (mediaType, data string) {
	rest, ok := strings.CutPrefix(uri, "data:")
	if !ok {
		return "", uri
	}
	head, data, _ := strings.Cut(rest, ",")
	mediaType, encoded := strings.CutSuffix(head, ";base64")
	if encoded {
		return mediaType, data
	}
	if plain, err := url.PathUnescape(data); err == nil {
		data = plain
	}
	return mediaType, base64.StdEncoding.EncodeToString([]byte(data))
}

// documentName makes a name that AWS takes and that no other document of the
// request has: letters, digits, hyphens, brackets and single spaces.
func (c *conversation) documentName(name string) string {
	name = strings.TrimSuffix(path.Base(name), path.Ext(name))
	var b strings.Builder
	for _, r := range name {
		switch {
		case b.Len() >= 150: // of 200
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-()[]", r):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), " "):
			b.WriteByte(' ')
		}
	}
	name = strings.TrimSpace(b.String())
	if name == "" {
		name = "document"
	}
	if c.documents == nil {
		c.documents = map[string]int{}
	}
	c.documents[name]++
	if n := c.documents[name]; n > 1 {
		name += "-" + strconv.Itoa(n)
	}
	return name
}

// audio writes sound: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_AudioBlock.html
func audio(a *chat.Audio) block {
	return block{Audio: &wireMedia{Format: strings.ToLower(a.Format), Source: wireSource{Bytes: a.Data}}}
}

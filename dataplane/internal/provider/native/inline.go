package native

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// inline fetches what the codec wants in the request itself.
func (b *Backend) inline(ctx context.Context, req *chat.Request) error {
	in, ok := b.opts.Chatter.(Inliner)
	if !ok || b.opts.Fetcher == nil {
		return nil
	}
	for i := range req.Messages {
		m := &req.Messages[i]
		cloned := false
		for j := range m.Content {
			if !remote(&m.Content[j]) || !in.Inline(&m.Content[j]) {
				continue
			}
			if !cloned {
				m.Content, cloned = slices.Clone(m.Content), true
			}
			if err := b.fetch(ctx, &m.Content[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

// remote reports whether a part is only a link.
func remote(p *chat.Part) bool {
	url := link(p)
	return strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")
}

func link(p *chat.Part) string {
	switch {
	case p.Image != nil:
		return p.Image.URL
	case p.Video != nil:
		return p.Video.URL
	case p.File != nil && p.File.Data == "":
		return p.File.ID
	}
	return ""
}

func (b *Backend) fetch(ctx context.Context, p *chat.Part) error {
	content, mediaType, err := b.opts.Fetcher.Fetch(ctx, link(p))
	if err != nil {
		return apierr.New(http.StatusBadRequest, "", "litellm.ImageFetchError: ImageFetchError: the URL of a %s could not be fetched", p.Type).Because(err)
	}
	uri := fmt.Sprintf("data:%s;base64,%s", mediaType, base64.StdEncoding.EncodeToString(content))
	switch {
	case p.Image != nil:
		image := *p.Image
		image.URL = uri
		p.Image = &image
	case p.Video != nil:
		video := *p.Video
		video.URL = uri
		p.Video = &video
	default:
		file := *p.File
		file.ID, file.Data = "", uri
		p.File = &file
	}
	return nil
}

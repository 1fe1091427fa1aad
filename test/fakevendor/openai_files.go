package fakevendor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// openAIFiles keeps what was uploaded.
// https://platform.openai.com/docs/api-reference/files
type openAIFiles struct {
	mu    sync.Mutex
	count int
	kept  []keptFile
}

type keptFile struct {
	id, name, purpose string
	content           []byte
}

func (f keptFile) object() json.RawMessage {
	return Object("id", f.id, "object", "file", "bytes", len(f.content), "created_at", 1760000000, "expires_at", nil,
		"filename", f.name, "purpose", f.purpose, "status", "processed", "status_details", nil)
}

// read does what the call says at once: files do not depend on a script.
func (s *openAIFiles) read(c *Call) (*Request, *Failure) {
	_, rest, _ := strings.Cut(c.Path, "/files")
	id, action, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == "" {
		return s.collection(c)
	}
	for i, f := range s.kept {
		if f.id != id {
			continue
		}
		switch {
		case c.Method == http.MethodGet && action == "content":
			return Settled(Document{Header: openAIHeader("application/octet-stream"), Body: f.content}), nil
		case c.Method == http.MethodGet:
			return Settled(openAIDocument(f.object())), nil
		case c.Method == http.MethodDelete:
			s.kept = append(s.kept[:i:i], s.kept[i+1:]...)
			return Settled(openAIDocument(Object("id", id, "object", "file", "deleted", true))), nil
		}
	}
	return nil, &Failure{Status: http.StatusNotFound, Message: "No such File object: " + id}
}

func (s *openAIFiles) collection(c *Call) (*Request, *Failure) {
	if c.Method == http.MethodGet {
		objects := make([]json.RawMessage, len(s.kept))
		for i, f := range s.kept {
			objects[i] = f.object()
		}
		return Settled(openAIDocument(Object("object", "list", "data", List(objects), "has_more", false))), nil
	}
	f, failure := readForm(c)
	switch {
	case failure != nil:
		return nil, failure
	case len(f.files["file"]) != 1:
		return nil, Refuse("Missing required parameter: 'file'.")
	case f.fields["purpose"] == "":
		return nil, Refuse("Missing required parameter: 'purpose'.")
	}
	s.count++
	up := f.files["file"][0]
	kept := keptFile{fmt.Sprintf("file-vendor%d", s.count), up.name, f.fields["purpose"], up.content}
	s.kept = append(s.kept, kept)
	return Settled(openAIDocument(kept.object())), nil
}

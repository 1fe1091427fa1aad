package fakevendor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// openAIJobs keeps what a vendor works on for long: batches, and fine-tuning.
// They never end, but can be cancelled.
// https://platform.openai.com/docs/api-reference/batch
// https://platform.openai.com/docs/api-reference/fine-tuning
type openAIJobs struct {
	path, prefix, object string
	required             []string

	mu   sync.Mutex
	made []job
}

type job struct {
	id, status string
	asked      map[string]json.RawMessage
}

func newBatches() *openAIJobs {
	return &openAIJobs{path: "/batches", prefix: "batch_vendor", object: "batch", required: []string{"input_file_id", "endpoint", "completion_window"}}
}

func newTuning() *openAIJobs {
	return &openAIJobs{path: "/fine_tuning/jobs", prefix: "ftjob-vendor", object: "fine_tuning.job", required: []string{"model", "training_file"}}
}

func (s *openAIJobs) render(j *job) json.RawMessage {
	pairs := []any{"id", j.id, "object", s.object, "created_at", 1760000000, "status", j.status}
	for _, name := range s.required {
		pairs = append(pairs, name, j.asked[name])
	}
	return Object(pairs...)
}

// read does what the call says at once: jobs do not depend on a script.
func (s *openAIJobs) read(c *Call) (*Request, *Failure) {
	_, rest, _ := strings.Cut(c.Path, s.path)
	id, action, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case id == "" && c.Method == http.MethodPost:
		return s.create(c)
	case id == "":
		var all []json.RawMessage
		for i := range s.made {
			all = append(all, s.render(&s.made[i]))
		}
		return Settled(openAIDocument(Object("object", "list", "data", List(all), "has_more", false))), nil
	}
	for i := range s.made {
		j := &s.made[i]
		if j.id != id {
			continue
		}
		if c.Method == http.MethodPost && action == "cancel" {
			j.status = "cancelling"
		}
		return Settled(openAIDocument(s.render(j))), nil
	}
	return nil, &Failure{Status: http.StatusNotFound, Message: "No " + s.object + " found with id '" + id + "'."}
}

func (s *openAIJobs) create(c *Call) (*Request, *Failure) {
	asked := map[string]json.RawMessage{}
	if err := c.Decode(&asked); err != nil {
		return nil, badOpenAIJSON()
	}
	if f := foreignMember(c.Body, "custom_llm_provider"); f != nil {
		return nil, f
	}
	for _, name := range s.required {
		if asked[name] == nil {
			return nil, Refuse("Missing required parameter: '" + name + "'.")
		}
	}
	j := job{id: fmt.Sprintf("%s%d", s.prefix, len(s.made)+1), status: "queued", asked: asked}
	s.made = append(s.made, j)
	return Settled(openAIDocument(s.render(&j))), nil
}

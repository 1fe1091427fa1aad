package batch

import "github.com/tianjillm/tianjillm/shared/jsonx"

// maxModels bounds how many models one batch may name. OpenAI allows one.
const maxModels = 100

// most bounds what one request counts for, so that sums can not overflow.
const most = 1 << 40

// Request is one request inside a batch. It is good until the next.
type Request struct {
	// URL is the route that the line names, such as /v1/embeddings; Anthropic's
	// requests name none.
	URL string
	// Model is "" where the body names none.
	Model   string
	Body    []byte
	Members []jsonx.Member
}

// Weigh estimates the tokens of a request: those that it has, and those of its
// answer.
type Weigh func(r *Request) (in, out int64)

// Count is how much there is of something.
type Count struct{ Requests, Input, Output int64 }

func (c *Count) add(in, out int64) {
	c.Requests++
	c.Input += min(max(in, 0), most)
	c.Output += min(max(out, 0), most)
}

// Model is what a batch asks of one model.
type Model struct {
	Count

	Name string
}

// Tally is what is inside a batch.
type Tally struct {
	Count

	// Models are in the order in which the batch names them.
	Models []Model
}

func (t *Tally) add(r *Request, weigh Weigh) error {
	in, out := weigh(r)
	t.Count.add(in, out)
	for i := len(t.Models) - 1; i >= 0; i-- {
		if m := &t.Models[i]; m.Name == r.Model {
			m.add(in, out)
			return nil
		}
	}
	if len(t.Models) == maxModels {
		return &Error{What: "it names too many models"}
	}
	m := Model{Name: r.Model}
	m.add(in, out)
	t.Models = append(t.Models, m)
	return nil
}

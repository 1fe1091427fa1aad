package compat

import (
	"io"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/rerank"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// prepareRerank writes the request in the vendor's shape. One in Cohere's
// shape is the client's own bytes; its answer still has to be brought into
// shape, since its imitators count tokens elsewhere.
func (b *Backend) prepareRerank(s *scratch, call *provider.Call) error {
	req, err := rerank.Decode(call.Body)
	if err != nil {
		return err
	}
	req.Model = b.model
	s.plan.after = func(resp *upstream.Response) (provider.Reply, error) {
		defer func() { _ = resp.Close() }()
		body, err := io.ReadAll(io.LimitReader(resp, maxWhole))
		if err != nil {
			return nil, err
		}
		answer, err := req.Answer(b.rerank, body, call.CallID)
		if err != nil {
			return nil, provider.BadAnswer("the answer is not a ranking", err)
		}
		return newWhole(answer, "application/json", resp.Header), nil
	}
	if b.rerank == catalog.RerankCohere {
		return b.rewrite(s, call)
	}
	body, err := req.Encode(b.rerank)
	s.segments = append(s.segments, body)
	return err
}

package report

import "github.com/tianjillm/tianjillm/controlplane/internal/store/db"

// render makes days of rows, which are sorted by day.
func render(rows []db.UserActivityRow, of Entity) Activity {
	out := Activity{Results: []*Day{}}
	var all Metrics
	var d *Day
	for i := range rows {
		r := &rows[i]
		if on := date(r.Date); d == nil || d.Date != on {
			d = &Day{Date: on, Breakdown: newBreakdown()}
			out.Results = append(out.Results, d)
		}
		all.add(r)
		d.add(r, of)
	}
	out.Metadata = Totals{
		Spend: all.Spend, PromptTokens: all.PromptTokens, CompletionTokens: all.CompletionTokens, Tokens: all.TotalTokens, Requests: all.APIRequests,
		SuccessfulRequests: all.SuccessfulRequests, FailedRequests: all.FailedRequests, CacheReadInputTokens: all.CacheReadInputTokens,
		CacheCreationInputTokens: all.CacheCreationInputTokens,
	}
	return out
}

func newBreakdown() Breakdown {
	return Breakdown{
		MCPServers: map[string]*Part{}, Models: map[string]*Part{}, ModelGroups: map[string]*Part{}, Providers: map[string]*Part{},
		Endpoints: map[string]*Part{}, Keys: map[string]*KeyPart{}, Entities: map[string]*Part{},
	}
}

func (d *Day) add(r *db.UserActivityRow, of Entity) {
	d.Metrics.add(r)
	b := &d.Breakdown
	addPart(b.Models, r.Model, r)
	addPart(b.ModelGroups, r.ModelGroup, r)
	addPart(b.Providers, r.CustomLlmProvider, r)
	addPart(b.Endpoints, endpoint(r.CallType), r)
	addKey(b.Keys, r)
	if e := addPart(b.Entities, r.Entity, r); e != nil && r.EntityAlias != nil {
		e.Metadata[aliasName(of)] = *r.EntityAlias
	}
}

// addPart adds to a part; what has no name has none.
func addPart(parts map[string]*Part, name string, r *db.UserActivityRow) *Part {
	if name == "" {
		return nil
	}
	p := parts[name]
	if p == nil {
		p = &Part{Metadata: map[string]any{}, Keys: map[string]*KeyPart{}}
		parts[name] = p
	}
	p.Metrics.add(r)
	addKey(p.Keys, r)
	return p
}

func addKey(keys map[string]*KeyPart, r *db.UserActivityRow) {
	if r.ApiKey == "" {
		return
	}
	k := keys[r.ApiKey]
	if k == nil {
		k = &KeyPart{Metadata: KeyMetadata{KeyAlias: r.KeyAlias, TeamID: r.KeyTeamID}}
		keys[r.ApiKey] = k
	}
	k.Metrics.add(r)
}

func aliasName(of Entity) string {
	switch of {
	case Teams:
		return "team_alias"
	case Tags:
		return "description"
	case Organizations:
		return "organization_alias"
	case Customers:
		return "alias"
	case Agents:
		return "agent_name"
	default:
		return "user_email"
	}
}

// endpoint is the route by which calls of a type are made. What was moved here
// from LiteLLM is a route already.
func endpoint(callType string) string {
	switch callType {
	case "acompletion":
		return "/chat/completions"
	case "atext_completion":
		return "/completions"
	case "aembedding":
		return "/embeddings"
	case "aresponses":
		return "/responses"
	case "anthropic_messages":
		return "/v1/messages"
	case "aimage_generation":
		return "/images/generations"
	case "aimage_edit":
		return "/images/edits"
	case "aspeech":
		return "/audio/speech"
	case "atranscription":
		return "/audio/transcriptions"
	case "amoderation":
		return "/moderations"
	case "arerank":
		return "/rerank"
	default:
		return callType
	}
}

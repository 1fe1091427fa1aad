package contract

// Usage is what one answered request cost. Its ID is the call id: the ledger
// books an id once, however often it is delivered.
type Usage struct {
	V  int    `json:"v"`
	ID string `json:"id"`
	// Times are Unix milliseconds. FirstMS is when the first byte of a
	// stream went out.
	StartMS int64 `json:"start"`
	EndMS   int64 `json:"end"`
	FirstMS int64 `json:"first,omitempty"`

	KeyHash string `json:"key,omitempty"`
	UserID  string `json:"user,omitempty"`
	TeamID  string `json:"team,omitempty"`
	OrgID   string `json:"org,omitempty"`
	// AgentID is whose key it is, if an agent's.
	AgentID string `json:"agent,omitempty"`
	EndUser string `json:"end_user,omitempty"`
	// Tags are those of the request and of its key, each once.
	Tags []string `json:"tags,omitempty"`

	// Session is what the client calls the requests that belong together, or "".
	Session string `json:"session,omitempty"`

	CallType     string `json:"call"`
	ModelGroup   string `json:"group,omitempty"` // the name the client asked for
	Model        string `json:"model,omitempty"` // the name the provider knows
	DeploymentID string `json:"dep,omitempty"`
	// LimitedAs are the names under which limits of models counted the request,
	// the first of them first. None means ModelGroup.
	LimitedAs []string `json:"as,omitempty"`
	Provider  string   `json:"prov,omitempty"`
	APIBase   string   `json:"base,omitempty"`

	Status     Outcome `json:"status"`
	HTTPStatus int     `json:"http"`
	ErrorType  string  `json:"err,omitempty"`
	Stream     bool    `json:"stream,omitempty"`
	// Estimated marks token counts that the provider did not report.
	Estimated bool `json:"est,omitempty"`

	InputTokens       int64 `json:"in,omitempty"`
	OutputTokens      int64 `json:"out,omitempty"`
	CachedInputTokens int64 `json:"cached,omitempty"`
	CacheWriteTokens  int64 `json:"cache_write,omitempty"`
	ReasoningTokens   int64 `json:"reason,omitempty"`
	CostNano          int64 `json:"cost,omitempty"`

	// CacheHit marks an answer out of the response cache.
	CacheHit bool `json:"hit,omitempty"`
	// Retries and Fallbacks are how many calls failed before, in the same
	// model group and by going to another.
	Retries   int `json:"retries,omitempty"`
	Fallbacks int `json:"fallbacks,omitempty"`

	RequesterIP string `json:"ip,omitempty"`
	Replica     string `json:"replica,omitempty"`
}

// Outcome says how a request ended.
type Outcome string

// The outcomes of a request.
const (
	Success Outcome = "success"
	Failure Outcome = "failure"
)

// Beacon tells data planes how far each bucket has come, so that a replica
// that missed changes notices within seconds.
type Beacon struct {
	V          int    `json:"v"`
	Config     uint64 `json:"config"`
	Principals uint64 `json:"principals"`
}

// Member is a replica's heartbeat.
type Member struct {
	V         int    `json:"v"`
	Replica   string `json:"replica"`
	Plane     Plane  `json:"plane"`
	Version   string `json:"version"`
	Listen    string `json:"listen"`
	StartedMS int64  `json:"started"`
	SeenMS    int64  `json:"seen"`
	// Config and Principals are the last bucket sequences applied.
	Config     uint64   `json:"config,omitempty"`
	Principals uint64   `json:"principals,omitempty"`
	Leader     bool     `json:"leader,omitempty"`
	Spooled    int64    `json:"spooled,omitempty"` // usage events not yet acknowledged
	Degraded   []string `json:"degraded,omitempty"`
}

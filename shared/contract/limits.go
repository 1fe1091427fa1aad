package contract

import "time"

// Limits are the limits of one principal; nil means unlimited, zero means
// that everything is refused.
type Limits struct {
	Rates

	// MaxParallel bounds the calls under way at one time on all replicas.
	MaxParallel *int64 `json:"max_parallel,omitempty"`
	// Budgets bound what may be spent, each in its own period.
	Budgets []Budget `json:"budgets,omitempty"`
	// SoftBudgetNano is spend that is announced and not refused, in the period
	// SoftDuration, or for good.
	SoftBudgetNano *int64 `json:"soft_budget_nano,omitempty"`
	SoftDuration   string `json:"soft_duration,omitempty"`
	// Models are further limits by model group.
	Models map[string]ModelLimits `json:"models,omitempty"`
	// Requests and Tokens say when the rates count: see RateType.
	Requests RateType `json:"requests_type,omitempty"`
	Tokens   RateType `json:"tokens_type,omitempty"`
}

// Rates are limits of requests and tokens in a minute, an hour and a day.
type Rates struct {
	RPM *int64 `json:"rpm,omitempty"`
	TPM *int64 `json:"tpm,omitempty"`
	RPH *int64 `json:"rph,omitempty"`
	TPH *int64 `json:"tph,omitempty"`
	RPD *int64 `json:"rpd,omitempty"`
	TPD *int64 `json:"tpd,omitempty"`
}

// ModelLimits are what a principal is held to in one model group.
type ModelLimits struct {
	Rates

	Budget *Budget `json:"budget,omitempty"`
}

// Budget bounds what is spent in a period.
type Budget struct {
	MaxNano int64 `json:"max_nano"`
	// Duration is a period such as 30d; "" is for good.
	Duration string `json:"duration,omitempty"`
	// IncreaseNano raises the budget until Until.
	IncreaseNano int64     `json:"increase_nano,omitempty"`
	Until        time.Time `json:"until,omitzero"`
}

// RateType says how a rate of a key counts.
type RateType string

// The kinds of rates. The zero value is BestEffort.
const (
	// BestEffort is enforced, and may promise more than its team has.
	BestEffort RateType = "best_effort_throughput"
	// Guaranteed is enforced; the control plane sees to it that the sum of a
	// team's keys is within its limit.
	Guaranteed RateType = "guaranteed_throughput"
	// Dynamic is enforced only while the model fails.
	Dynamic RateType = "dynamic"
)

// LimitSettings are the limits that belong to nobody in particular, and how
// limits count.
type LimitSettings struct {
	Head

	// FailClosed refuses what can not be counted while NATS is away, instead of
	// counting it locally.
	FailClosed bool `json:"fail_closed,omitempty"`
	// TokenType is which tokens count: input, output or total, the default.
	TokenType string `json:"token_type,omitempty"`
	// Proxy is for the whole installation.
	Proxy Limits `json:"proxy,omitzero"`
	// Customers is for each customer without limits of its own.
	Customers *Limits `json:"customers,omitempty"`
	// Providers and Tags are budgets by provider slug and by tag.
	Providers map[string]Budget `json:"providers,omitempty"`
	Tags      map[string]Budget `json:"tags,omitempty"`
	// Priorities share out the capacity of model groups; nil does not.
	Priorities *Priorities `json:"priorities,omitempty"`
	// SplitBatches lets a batch that is larger than a window's limit take
	// several windows; otherwise it is refused.
	SplitBatches bool `json:"split_batches,omitempty"`
	// FreeBatches does not count what is inside a batch.
	FreeBatches bool `json:"free_batches,omitempty"`
}

// Priorities are shares of the capacity of every model group.
type Priorities struct {
	Shares map[string]Share `json:"shares,omitempty"`
	// Default is the share of all that name no priority, together.
	Default float64 `json:"default"`
	// Saturation is the used fraction of the capacity from which on shares are
	// enforced; below it anybody may borrow.
	Saturation float64 `json:"saturation"`
}

// Share is a fraction of the capacity (type percent, up to 1), or a number of
// requests (rpm) or tokens (tpm) of it.
type Share struct {
	Type  string  `json:"type"`
	Value float64 `json:"value"`
}

// Reclaim asks the other data planes for units of a counter. Each gives what
// it does not need: all of it, when the asker is short of money, because the
// rest of a budget must be in one hand to be given out exactly. A message is a
// list of them, and its answer a list of Reclaimed in the same order.
type Reclaim struct {
	V       int    `json:"v"`
	Replica string `json:"replica"`
	Key     string `json:"key"`
	// Start is the Unix second at which the window began; Max is the limit, so
	// that one who never saw the counter can give its share of it.
	Start int64 `json:"start"`
	Max   int64 `json:"max"`
	Want  int64 `json:"want"`
	All   bool  `json:"all,omitempty"`
}

// Reclaimed is the answer to Reclaim.
type Reclaimed struct {
	Replica string `json:"replica"`
	Given   int64  `json:"given"`
	// Holds says that there is more, or that more may come.
	Holds bool `json:"holds,omitempty"`
}

// LimitQuery asks what data planes hold of counters.
type LimitQuery struct {
	V    int      `json:"v"`
	Keys []string `json:"keys"`
}

// LimitReport is what one data plane holds of the counters that were asked for
// and that it knows.
type LimitReport struct {
	V        int           `json:"v"`
	Replica  string        `json:"replica"`
	Degraded bool          `json:"degraded,omitempty"`
	Counters []LimitHolder `json:"counters"`
}

// LimitHolder is one replica's part in a counter.
type LimitHolder struct {
	Key   string `json:"key"`
	Start int64  `json:"start"`
	// Leased are units that the replica may still give out, Share those of them
	// that it owns without having asked the pool, Reserved units of calls under
	// way, or calls under way of a limit of those.
	Leased   int64 `json:"leased"`
	Share    int64 `json:"share,omitempty"`
	Reserved int64 `json:"reserved"`
	// Refused are requests refused for it in this window.
	Refused int64 `json:"refused,omitempty"`
}
